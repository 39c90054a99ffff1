/** The guide to routes holds what it says: its examples are checked, what it shows is what is printed, its facts are all there are. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { checkCommand } from '../src/cli/check.ts';
import { routesCommand } from '../src/cli/routes.ts';
import { FACTS } from '../src/policy/vocabulary.ts';
import { EXAMPLE_ENV } from './example-env.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guide', 'routing.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'turnout-guide-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Example {
  /** A whole file: the providers of the first example stand on top of all others. */
  readonly text: string;
  /** What is printed: by `check`, or by `routes`. */
  readonly shown: { readonly by: string; readonly text: string } | undefined;
}

function examples(): readonly Example[] {
  const blocks = [...GUIDE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({ kind, text }));
  const [first] = blocks;
  const providers = first?.text.slice(0, first.text.indexOf('routes:')) ?? '';
  return blocks.flatMap(({ kind, text }, index) => {
    if (kind !== 'yaml') return [];
    const next = blocks[index + 1];
    const shown = next === undefined || next.kind === 'yaml' ? undefined : { by: next.kind, text: next.text };
    return [{ text: index === 0 ? text : `${providers}${text}`, shown }];
  });
}

async function run(text: string, command: typeof checkCommand): Promise<{ code: number; out: string; errors: string }> {
  writeFileSync(join(folder, 'turnout.yaml'), text);
  let [out, errors] = ['', ''];
  const io = {
    stdout: (more: string) => void (out += more),
    stderr: (more: string) => void (errors += more),
    env: EXAMPLE_ENV,
    cwd: folder,
    isTerminal: false,
  };
  return { code: await command([], io), out, errors };
}

describe('the guide to routes', () => {
  for (const [index, { text, shown }] of examples().entries()) {
    it(`has an example ${index + 1} that is right, or is shown with what is wrong`, async () => {
      if (shown?.by === 'routes') return assert.equal((await run(text, routesCommand)).out, shown.text);
      const { code, out, errors } = await run(text, checkCommand);
      if (shown === undefined) return assert.deepEqual([code, errors, out.match(/FAIL.*/g)], [0, '', null], out);
      const printed = `${out}\n${errors}`;
      for (const line of shown.text.trimEnd().split('\n')) assert.ok(printed.includes(line), `${line}\n\n${printed}`);
    });
  }

  it('lists every fact that rules can read', () => {
    const rows = Object.entries(FACTS).map(([name, { type, about }]) => `| \`${name}\` | ${type} | ${about} |`);
    const cells = (text: string): string => text.replaceAll(/ +/g, ' ');
    const table = cells(GUIDE)
      .split('\n')
      .filter((line) => /^\| `\w+` \| (bool|int|double|string|list) \|/.test(line));
    assert.deepEqual(table, rows.map(cells));
  });
});
