/** The outcomes of all cells as they are committed, by client, feature and provider; `npm run generate` writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asRecord, asString, parseJson } from '../../src/lib/json.ts';
import type { Cell } from './cells.ts';

const FILE = join(dirname(fileURLToPath(import.meta.url)), 'outcomes.json');

export type Outcomes = ReadonlyMap<string, string>;

/** The name of a cell among outcomes. */
export function keyOf({ client, feature, provider }: Cell): string {
  return `${client.id} ${feature} ${provider.id}`;
}

/** One line a row of the page's tables, so that a change of one cell is one line of a diff. */
export function writeOutcomes(outcomes: Outcomes): void {
  const lines = [...outcomes].map(([key, outcome]) => `  ${JSON.stringify(key)}: ${JSON.stringify(outcome)}`);
  writeFileSync(FILE, `{\n${lines.join(',\n')}\n}\n`);
}

/** The committed outcomes. */
export function readOutcomes(): Outcomes {
  const rows = asRecord(parseJson(readFileSync(FILE, 'utf8'))) ?? {};
  return new Map(Object.entries(rows).map(([key, outcome]) => [key, asString(outcome) ?? '']));
}
