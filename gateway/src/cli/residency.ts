/** `turnout residency`: for each answer where it had to be given and was, and where its record is kept. For whoever must show it. */
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import type { Desk } from '../store/desk.ts';
import type { LogQuery } from '../store/ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { EXIT, inert, runCommand, UsageError } from './output.ts';
import { noMore, wantsJson } from './words.ts';

const HELP = `turnout residency --since TIME [--route ROUTE] [--csv|--json]

  --since TIME   2026-11-22, 2026-11-22T08:00:00Z, or back from now: 24h, 30d
  --route ROUTE  only requests for that route
  --csv          one line a request (without a word)
  --json         one object a line
  --data DIR     the data folder (else TURNOUT_DATA, else that of turnout.yaml)
`;

const OPTIONS = {
  since: { type: 'string' },
  route: { type: 'string' },
  data: { type: 'string' },
  csv: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Runs `turnout residency …`; gives the exit code. */
export async function residencyCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    noMore(words.positionals);
    const since = textOf(words, 'since');
    const sinceMs = since === undefined ? undefined : sinceOf(since, Date.now());
    if (sinceMs === undefined) throw new UsageError('say since when: --since 2026-11-01 or 30d');
    const isJson = wantsJson(words);
    if (isJson && words.values['csv'] === true) throw new UsageError('--csv or --json, not both');
    const route = textOf(words, 'route');
    return withDesk({ words, io }, async (desk) => {
      await print(desk, { sinceMs, ...(route === undefined ? {} : { route }) }, { isJson, io });
      return EXIT.ok;
    });
  });
}

interface Manner {
  readonly isJson: boolean;
  readonly io: CommandIo;
}

/** Page by page: a year of them is longer than memory. */
async function print(desk: Desk, query: LogQuery, { isJson, io }: Manner): Promise<void> {
  if (!isJson) io.stdout(`${COLUMNS.join(',')}\n`);
  let after: bigint | undefined;
  for (;;) {
    const page = await desk.log.page(after === undefined ? query : { ...query, after });
    for (const { body, keyId } of page) {
      const row = rowOf(body, keyId);
      if (row === undefined) continue;
      io.stdout(isJson ? `${JSON.stringify(row)}\n` : `${COLUMNS.map((name) => cell(row[name])).join(',')}\n`);
    }
    after = page.at(-1)?.seq;
    if (after === undefined) return;
  }
}

const COLUMNS = [
  'id',
  'at',
  'key',
  'route',
  'outcome',
  'required_regions',
  'required_compliance',
  'required_retention_days_max',
  'required_training',
  'caller_region',
  'caller_from',
  'answered_target',
  'answered_region',
  'answered_compliance',
  'answered_retention_days',
  'answered_trains',
  'kept_region',
  'kept_turn',
] as const;

/** By column. */
type Row = Readonly<Record<string, Json>>;

/** `undefined`: nothing was sent to anybody. Several requirements bind together: each is one item, in the order of the others. */
function rowOf(body: JsonRecord, keyId: string): Row | undefined {
  const attempts = (asArray(body['attempts']) ?? []).map(asRecord);
  if (attempts.length === 0) return undefined;
  const residency = asRecord(body['residency']) ?? {};
  // Where nothing was required and no region is known, the record says no more than who answered.
  const last = attempts.findLast((attempt) => attempt?.['outcome'] === 'answered');
  return {
    ...fieldsOf(body, '', ['id', 'at']),
    key: keyId,
    ...fieldsOf(body, '', ['route', 'outcome']),
    ...requiredOf(residency),
    ...fieldsOf(residency['caller'], 'caller_', ['region', 'from']),
    ...fieldsOf(last, 'answered_', ['target']),
    ...fieldsOf(residency['answered'], 'answered_', ['region', 'compliance', 'retention_days', 'trains']),
    ...fieldsOf(residency['kept'], 'kept_', ['region', 'turn']),
  };
}

function fieldsOf(record: Json | undefined, prefix: string, names: readonly string[]): Row {
  const fields = asRecord(record) ?? {};
  return Object.fromEntries(names.map((name) => [`${prefix}${name}`, fields[name] ?? null]));
}

function requiredOf(residency: JsonRecord): Row {
  const all = (asArray(residency['required']) ?? []).map(asRecord).filter((one) => one !== undefined);
  const days = all.flatMap((one) => (typeof one['retention_days_max'] === 'number' ? [one['retention_days_max']] : []));
  return {
    required_regions: all.flatMap(({ regions }) => (regions === undefined ? [] : [textList(regions).join(' or ')])),
    required_compliance: [...new Set(all.flatMap(({ compliance }) => textList(compliance)))],
    required_retention_days_max: days.length === 0 ? null : Math.min(...days),
    required_training: all.some(({ training }) => training === false) ? false : null,
  };
}

function textList(value: Json | undefined): readonly string[] {
  return (asArray(value) ?? []).flatMap((one) => asString(one) ?? []);
}

/** RFC 4180; a text that a spreadsheet would run as a formula begins with an apostrophe. */
function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  const list = asArray(value);
  const text = inert(list === undefined ? wordOf(value) : textList(list).join(' and '));
  const plain = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function wordOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
