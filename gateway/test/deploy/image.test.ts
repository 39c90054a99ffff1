/** What the Dockerfile, the unit of systemd and the proxy's file promise; no engine is needed to read them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textIn } from './kit.ts';

interface Line {
  readonly word: string;
  readonly rest: string;
}

/** Instructions, with continued lines joined and comments left out (docs.docker.com/reference/dockerfile, "Format"). */
function instructions(text: string): readonly Line[] {
  const joined = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ');
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }));
}

const WORDS = 'FROM WORKDIR COPY RUN ENV VOLUME USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD'.split(' ');

describe('the image', () => {
  const lines = instructions(textIn('Dockerfile'));
  const last = lines.slice(lines.findLastIndex(({ word }) => word === 'FROM'));
  const of = (word: string): readonly string[] => last.filter((line) => line.word === word).map(({ rest }) => rest);

  it('knows its instructions, and is made in two stages of Node 24', () => {
    for (const { word } of lines) assert.ok(WORDS.includes(word), word);
    const stages = lines.filter(({ word }) => word === 'FROM').map(({ rest }) => rest);
    assert.deepEqual(stages, ['node:24-slim AS build', 'node:24-slim']);
  });

  it('runs as a number that is not root, and writes to one folder', () => {
    assert.deepEqual(of('USER'), ['10001:10001']);
    assert.deepEqual(of('VOLUME'), ['["/data"]']);
    assert.match(of('ENV')[0] ?? '', /TURNOUT_DATA=\/data/);
    assert.deepEqual(of('RUN'), [], 'the last stage runs nothing: it needs no shell');
  });

  it('starts, and asks after its health, without a shell', () => {
    for (const form of [
      ...of('ENTRYPOINT'),
      ...of('CMD'),
      ...of('HEALTHCHECK').map((rest) => rest.replace(/^.*CMD /, '')),
    ])
      assert.ok(Array.isArray(JSON.parse(form)), form);
    assert.match(of('HEALTHCHECK')[0] ?? '', /"ready"\]$/);
    assert.match(of('CMD')[0] ?? '', /0\.0\.0\.0/);
  });

  it('takes in nothing that holds secrets or data', () => {
    const ignored = textIn('Dockerfile.dockerignore').split('\n');
    for (const name of ['.git', '**/data', '**/.env*', 'turnout.yaml', '**/node_modules'])
      assert.ok(ignored.includes(name), name);
  });
});

describe('the unit of systemd', () => {
  const unit = new Map(
    textIn('systemd', 'turnout.service')
      .split('\n')
      .filter((line) => /^[A-Z]\w*=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

  it('lets it drain, and kills nobody who drains', () => {
    assert.ok(Number(unit.get('TimeoutStopSec')) > 30, 'shorter than server.drain_ms');
    assert.deepEqual([unit.get('KillMode'), unit.get('KillSignal')], ['mixed', 'SIGTERM']);
    assert.match(unit.get('ExecReload') ?? '', /-HUP \$MAINPID/);
  });

  it('gives it one folder and no rights', () => {
    assert.deepEqual(
      ['DynamicUser', 'ProtectSystem', 'NoNewPrivileges', 'StateDirectory', 'CapabilityBoundingSet'].map((name) =>
        unit.get(name),
      ),
      ['yes', 'strict', 'yes', 'turnout', ''],
    );
    assert.ok(Number(unit.get('LimitNOFILE')) >= 65_536);
  });
});

describe('the proxy', () => {
  const text = textIn('haproxy', 'haproxy.cfg');

  it('asks each gateway whether it is ready, and shows nobody the metrics', () => {
    assert.match(text, /http-check send meth GET uri \/readyz/);
    assert.match(text, /deny deny_status 404 if \{ path \/metrics \}/);
  });

  it('sends nothing twice that may have reached a provider', () => {
    assert.match(text, /^ +retry-on conn-failure$/m);
  });
});
