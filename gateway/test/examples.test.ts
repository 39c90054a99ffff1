/** The examples are right as they stand: each is checked without a warning, and has enough cases to be believed. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exampleFiles, examplesPage } from '../../scripts/examples-page.ts';
import { checkCommand } from '../src/cli/check.ts';
import { parseConfig } from '../src/config/load.ts';
import type { Config } from '../src/config/schema.ts';
import { asArray, asRecord, parseJson } from '../src/lib/json.ts';
import { loadLanguages } from '../src/understand/language.ts';
import { EXAMPLE_ENV } from './example-env.ts';

const CASES_MIN = 12;
const LANGUAGES_MIN = 3;
const [EXAMPLES_MIN, EXAMPLES_MAX] = [10, 20];

/** What `turnout check --json` says of a file. */
async function checked(
  text: string,
): Promise<{ readonly code: number; readonly out: string; readonly errors: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-examples-'));
  try {
    writeFileSync(join(folder, 'turnout.yaml'), text);
    let out = '';
    let errors = '';
    const code = await checkCommand(['--json'], {
      stdout: (more) => void (out += more),
      stderr: (more) => void (errors += more),
      env: EXAMPLE_ENV,
      cwd: folder,
      isTerminal: false,
    });
    return { code, out, errors };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configOf(name: string, text: string): Config {
  const read = parseConfig(text, { file: `${name}.yaml`, env: EXAMPLE_ENV });
  assert.ok(read.ok, name);
  return read.value.config;
}

describe('the examples', () => {
  it('are shown on a page that is fresh', () => {
    const page = readFileSync(new URL('../../examples/README.md', import.meta.url), 'utf8');
    assert.equal(page, examplesPage(), 'run `npm run generate`');
  });

  for (const { name, text } of exampleFiles()) {
    it(`${name}: is checked without a warning`, async () => {
      const { code, out, errors } = await checked(text);
      const said = asRecord(parseJson(out));
      assert.deepEqual(
        { code, errors, problems: said?.['errors'], warnings: said?.['warnings'] },
        { code: 0, errors: '', problems: [], warnings: [] },
      );
      // A provider whose key is found nowhere would be another example's mistake.
      for (const row of asArray(said?.['providers']) ?? []) assert.doesNotMatch(JSON.stringify(row), /missing|not set/);
    });

    it(`${name}: has cases enough, in several languages, one for each rule too, and intents of 10 to 20 examples`, async () => {
      const { routes, intents } = configOf(name, text);
      const cases = Object.values(routes).flatMap((route) => route.expect ?? []);
      assert.ok(cases.length >= CASES_MIN, `${cases.length} cases`);
      const languageOf = await loadLanguages();
      const languages = new Set(cases.map(({ given }) => languageOf(given.prompt ?? '')));
      languages.delete(undefined);
      assert.ok(languages.size >= LANGUAGES_MIN, [...languages].join());
      for (const [intent, { examples }] of Object.entries(intents)) {
        assert.ok(examples.length >= EXAMPLES_MIN && examples.length <= EXAMPLES_MAX, `${intent}: ${examples.length}`);
        assert.equal(new Set(examples).size, examples.length, intent);
      }
      for (const { rules = [], expect = [] } of Object.values(routes)) {
        const shown = new Set(expect.map((one) => one.expect.rule));
        assert.deepEqual(
          rules.map((rule) => rule.name).filter((rule) => !shown.has(rule)),
          [],
          'rules without a case',
        );
      }
      // A case whose prompt is an example of its intent would show nothing.
      const learned = new Set(Object.values(intents).flatMap(({ examples }) => examples));
      for (const one of cases) assert.ok(!learned.has(one.given.prompt ?? ''), one.name);
    });
  }
});
