import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CommandIo } from './io.ts';
import { simulateCommand } from './simulate.ts';

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-simulate-'));
  await writeFile(join(dir, 'script.yaml'), 'steps: [{status: 418, times: forever}]\n');
  await writeFile(join(dir, 'wrong.yaml'), 'steps: [{staus: 418}]\n');
});
after(() => rm(dir, { recursive: true, force: true }));

interface Run {
  readonly out: () => string;
  readonly err: () => string;
  /** The first line of standard output. */
  readonly line: Promise<string>;
  readonly exit: Promise<number>;
  stop(): void;
}

function run(...args: readonly string[]): Run {
  let out = '';
  let errors = '';
  let wrote: (text: string) => void = () => undefined;
  const line = new Promise<string>((resolve) => {
    wrote = resolve;
  });
  const io: CommandIo = {
    stdout(text) {
      out += text;
      if (out.includes('\n')) wrote(out.slice(0, out.indexOf('\n')));
    },
    stderr(text) {
      errors += text;
    },
    env: {},
    cwd: dir,
    isTerminal: false,
  };
  const stopping = new AbortController();
  return {
    out: () => out,
    err: () => errors,
    line,
    exit: simulateCommand(args, io, stopping.signal),
    stop: () => stopping.abort(),
  };
}

describe('turnout simulate', () => {
  it('says where it listens, serves until it is stopped, and exits with 0', async () => {
    const command = run('--script', 'script.yaml');
    const line = await command.line;
    assert.match(line, /^simulator listening on http:\/\/127\.0\.0\.1:\d+$/);
    const url = line.split(' ').at(-1) ?? '';
    assert.equal((await fetch(`${url}/v1/models`)).status, 418);
    command.stop();
    assert.equal(await command.exit, 0);
    await assert.rejects(fetch(`${url}/v1/models`));
  });

  it('says it in JSON', async () => {
    const command = run(
      '--json',
      '--seed',
      '7',
      '--ttft-ms',
      '1',
      '--tokens-per-second',
      '1000',
      '--error-rate',
      '0.5',
      '--outage',
      '1-2/10',
    );
    const shown: unknown = JSON.parse(await command.line);
    assert.deepEqual(Object.keys(shown ?? {}), ['url', 'port']);
    command.stop();
    assert.equal(await command.exit, 0);
  });

  it('explains itself', async () => {
    const command = run('--help');
    assert.equal(await command.exit, 0);
    for (const option of [
      '--port',
      '--recordings',
      '--script',
      '--seed',
      '--ttft-ms',
      '--tokens-per-second',
      '--error-rate',
      '--json',
    ]) {
      assert.ok(command.out().includes(option));
    }
  });

  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--prot', '1'], 2, /Unknown option '--prot'/],
    [['extra'], 2, /extra/],
    [['--port', 'x'], 2, /--port must be a whole number from 0 to 65535, not "x"/],
    [['--port', ''], 2, /--port must be/],
    [['--error-rate', '2'], 2, /--error-rate must be a number from 0 to 1/],
    [['--tokens-per-second', '0'], 2, /--tokens-per-second must be/],
    [['--outage', '20-10'], 2, /--outage 20-10/],
    [['--script', 'wrong.yaml'], 1, /wrong\.yaml: steps\[0\]\.staus is not known/],
    [['--script', 'none.yaml'], 1, /none\.yaml/],
    [['--recordings', 'none'], 1, /ENOENT/],
  ];
  for (const [args, code, message] of wrong) {
    it(`refuses ${args.join(' ')} with ${code}`, async () => {
      const command = run(...args);
      assert.equal(await command.exit, code);
      assert.match(command.err(), message);
      assert.equal(command.out(), '');
    });
  }
});
