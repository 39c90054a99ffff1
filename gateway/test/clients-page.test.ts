/** The guide to clients says what `turnout launch` sets and what the tests drive, line by line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TOOLS, type Setup, type Tool } from '../src/cli/launch-tools.ts';
import { PINS } from './programs/install.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guide', 'clients.md'), 'utf8');
/** The suites that drive SDKs. */
const SDK_TESTS = ['sdks', 'langchain', 'mistral'].map((name) =>
  readFileSync(join(import.meta.dirname, 'e2e', `${name}.test.ts`), 'utf8').replaceAll('rig.gateway', 'gateway'),
);
/** Characters in which a client's settings stand behind its name. */
const CALL_LENGTH = 200;
const URL_SHOWN = 'http://127.0.0.1:8787';
const DIR = '/folder-of-this-run';

/** Cells of the rows below a heading, without their head. */
function rows(heading: string): readonly (readonly string[])[] {
  const part = section(heading)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return part.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The text from a heading to the next of its kind. */
function section(heading: string): string {
  const start = GUIDE.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, `the guide has no ${heading}`);
  const mark = heading.slice(0, heading.indexOf(' ') + 1);
  const end = GUIDE.indexOf(`\n${mark}`, start + 1);
  return GUIDE.slice(start, end < 0 ? undefined : end);
}

function setupOf(tool: Tool): Setup {
  const [protocol] = tool.speaks;
  return tool.setup({ url: URL_SHOWN, key: '$TURNOUT_KEY', model: 'MODEL', protocol, dir: DIR });
}

/** What a program of JavaScript or JSON says, however it is set. */
function bare(text: string): string {
  return text.replaceAll(/[\s'";]/g, '').replaceAll(/,(?=[}\]])/g, '');
}

describe('the guide to clients', () => {
  it('lists every tool with the version that is driven and the protocols it speaks', () => {
    const expected = [...TOOLS].map(([name, { title, npm, speaks }]) => {
      const spec = PINS.get(name)?.spec ?? 'none';
      assert.ok(spec.startsWith(`${npm}@`), spec);
      return [title, `\`${name}\``, `\`${spec}\``, speaks.map((spoken) => `\`${spoken}\``).join(' ')];
    });
    assert.deepEqual(rows('## Coding tools'), expected);
  });

  for (const { title, ...tool } of TOOLS.values()) {
    it(`says what is set for ${title}`, () => {
      const text = section(`### ${title}`);
      const { env, args = [], files = {} } = setupOf({ title, ...tool });
      for (const [name, value] of Object.entries(env)) {
        if (value === undefined || name === 'TURNOUT_KEY') continue;
        const isPlain = !value.includes(DIR) && !value.startsWith('{');
        assert.ok(text.includes(isPlain ? `export ${name}=${value}\n` : `\`${name}\``), `${name}=${value}`);
      }
      for (const word of args.filter((arg) => !arg.includes(DIR))) {
        assert.ok(text.includes(/[="]/.test(word) ? ` '${word}'` : ` ${word}`), word);
      }
      const shown = [...text.matchAll(/```(?:json|js)\n([\s\S]*?)```/g)].map((match) => bare(match[1] ?? ''));
      const written = [
        ...Object.values(files),
        ...Object.values(env).filter((value) => value?.startsWith('{') === true),
      ];
      // Of Cline's file the guide shows the command that writes it.
      const expected = title === 'Cline' ? [] : written.map((content) => bare(content ?? ''));
      assert.deepEqual(shown, expected);
    });
  }

  it('shows JSON that is JSON', () => {
    for (const [, json] of GUIDE.matchAll(/```json\n([\s\S]*?)```/g))
      assert.doesNotThrow(() => void JSON.parse(json ?? ''));
  });

  it('gives SDKs the base URL with which they are tested', () => {
    const listed = rows('## SDKs');
    assert.equal(listed.length, 13);
    for (const [pack = '', setting = ''] of listed) {
      const from = new RegExp(`^import \\{? ?(\\w+)[^;]* from '${pack.replaceAll('`', '')}';`, 'm');
      const [suite, imported] = SDK_TESTS.flatMap((text) => {
        const name = from.exec(text)?.[1];
        return name === undefined ? [] : [[text, name] as const];
      })[0] ?? ['', pack];
      const tested = setting
        .replaceAll('`', '')
        .replaceAll(/'http:\/\/127\.0\.0\.1:8787(\/\w+)?'/g, (_, path: string | undefined) =>
          path === undefined ? 'gateway.url' : `\`\${gateway.url}${path}\``,
        );
      const calls = suite.split(`${imported}({`).slice(1);
      assert.ok(
        calls.some((call) => call.slice(0, CALL_LENGTH).includes(tested)),
        `${imported}: ${tested}`,
      );
    }
  });
});
