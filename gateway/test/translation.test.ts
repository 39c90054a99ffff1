/** docs/reference/translation.md says what happens: it is fresh, complete, and nothing on it is lost in silence. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lossCodes } from '../src/chat/loss-codes.ts';
import { translationPage } from './translation/page.ts';
import type { RequestCase } from './translation/request-case.ts';
import { REQUEST_CASES } from './translation/request-cases.ts';
import { PROVIDER_WIRES, WIRES, type ProviderWire } from './translation/wires.ts';
import {
  lossesOf,
  placeOf,
  replyRows,
  requestRows,
  requestThingRows,
  stands,
  targetsOf,
  thingRows,
} from './translation/run.ts';

/** Where wires name losses beside their own folders. */
const SHARED: Readonly<Partial<Record<ProviderWire, readonly string[]>>> = {
  'bedrock-invoke': ['text-models/*.ts'],
  replicate: ['text-models/*.ts'],
};
const here = dirname(fileURLToPath(import.meta.url));
const requests = requestRows(REQUEST_CASES);
const replies = replyRows();

describe('the page on translation', () => {
  it('is fresh', () => {
    const page = readFileSync(join(here, '..', '..', 'docs', 'reference', 'translation.md'), 'utf8');
    assert.equal(page, translationPage(), 'run `npm run generate`');
  });

  it('shows every kind of loss', () => {
    const shown = new Set([...requests, ...replies].map((row) => row.code));
    assert.deepEqual(
      Object.keys(lossCodes).filter((code) => ![...shown].some((one) => one === code)),
      [],
    );
  });

  it('shows every kind of loss that a dialect can name', () => {
    for (const wire of PROVIDER_WIRES) {
      const shown = new Set<string>([...requests, ...replies].filter((row) => row.to === wire).map((row) => row.code));
      const source = globSync([`${wire}/*.ts`, ...(SHARED[wire] ?? [])], { cwd: join(here, '..', 'src', 'dialects') })
        .filter((file) => !file.endsWith('.test.ts'))
        // No client gets replies of a protocol that only providers speak.
        .filter((file) => WIRES.some((client) => client === wire) || !/(?:response|encoder)\.ts$/.test(file))
        .map((file) => readFileSync(join(here, '..', 'src', 'dialects', file), 'utf8'))
        .join('\n');
      const named = Object.keys(lossCodes).filter((code) => new RegExp(madeOf(code)).test(source));
      assert.ok(named.length > 10, `${wire} names ${named.length} kinds of losses`);
      assert.deepEqual(
        named.filter((code) => !shown.has(code)),
        [],
        wire,
      );
    }
  });

  it('is made of cases of which each shows something that no other does', () => {
    const kinds = new Map(REQUEST_CASES.map((one) => [one, new Set(kindsOf(one))]));
    const counts = new Map<string, number>();
    for (const kind of [...kinds.values()].flatMap((set) => [...set])) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const idle = REQUEST_CASES.filter((one) =>
      [...(kinds.get(one) ?? [])].every((kind) => (counts.get(kind) ?? 0) > 1),
    );
    assert.deepEqual(
      idle.map((one) => `${one.from} ${one.says}`),
      [],
    );
  });

  it('names the fields by the caller’s own names', () => {
    const wrong = REQUEST_CASES.flatMap((one) =>
      targetsOf(one).flatMap(([to, target]) =>
        lossesOf(one, to, target)
          .filter((loss) => !stands(one.body, loss.field))
          .map((loss) => `${one.from} ${one.says}: ${loss.field} (${loss.code} at ${to})`),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it('has nothing that is gone in silence', () => {
    const silent = [
      ...thingRows().flatMap((row) =>
        row.whole === 'gone in silence' || row.stream === 'gone in silence'
          ? [`${row.name}: reply of ${row.from} to ${row.to}`]
          : [],
      ),
      ...requestThingRows().flatMap((row) =>
        row.fate === 'gone in silence' ? [`${row.name}: request of ${row.from} to ${row.to}`] : [],
      ),
    ];
    assert.deepEqual(silent, []);
  });
});

/** The kinds of losses that a case shows. */
function kindsOf(one: RequestCase): readonly string[] {
  return targetsOf(one).flatMap(([to, target]) =>
    lossesOf(one, to, target).map((loss) =>
      [one.from, to, loss.code, loss.weight, placeOf(loss.field), loss.why].join('|'),
    ),
  );
}

/** How a loss of a code is made in a dialect's source. */
function madeOf(code: string): string {
  return `code: [^,\\n]*'${code}'|(?:hint|meaning)\\(\\s*(?:[^'\\n]*\\? )?'${code}'|\\? '[a-z-]+' : '${code}',|\\b(?:say|lose|loseField)\\((?:writing, )?'${code}'`;
}
