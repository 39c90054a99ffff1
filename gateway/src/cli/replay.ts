/** `turnout replay`: a logged decision made again, or another policy run over logged traffic. Nothing is sent, and no prompt is read. */
import { resolve } from 'node:path';
import { asString, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import { comparedOf, lengthBook, pastOf, type LengthBook } from '../pipeline/past.ts';
import { replayed, type Replay } from '../pipeline/replay.ts';
import { rerun, type Rerunning } from '../pipeline/rerun.ts';
import { comparison, type Comparing, type Learning } from '../routing/evaluate/comparison.ts';
import type { Desk } from '../store/desk.ts';
import type { LogQuery, LogRow } from '../store/ports.ts';
import { loadCatalog } from './catalog-file.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { dataDirOf, EXIT, inert, runCommand, UsageError, valueOf } from './output.ts';
import { comparisonJson, comparisonText, type Told } from './replay-text.ts';
import { catalogName, recompiled } from './settings.ts';
import { snapshotHere } from './snapshot-here.ts';
import { VERSION } from './version.ts';
import { noMore, wantsJson } from './words.ts';

const HELP = `turnout replay --id ID
turnout replay --policy FILE [--since TIME] [--route ROUTE]

  --id ID        makes the plan of one logged request again, from what was in force then
  --policy FILE  runs another turnout.yaml over logged requests: who would have been asked, at what price, with what outcome
  --since TIME   2026-11-22, 2026-11-22T08:00:00Z, or back from now: 24h, 7d (7d)
  --route ROUTE  only requests for that route
  --data DIR     the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json         for programs
`;

const OPTIONS = {
  id: { type: 'string' },
  policy: { type: 'string' },
  since: { type: 'string' },
  route: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Rows after which a person hears how far it is. */
const PROGRESS_ROWS = 5000;

/** Exit codes: 0 the same plan, or a comparison; 1 another plan, or none; 2 the command was not understood. */
export async function replayCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const [id, policy] = [textOf(words, 'id'), textOf(words, 'policy')];
    noMore(words.positionals);
    if ((id === undefined) === (policy === undefined)) throw new UsageError('give --id ID or --policy FILE');
    const dataDir = dataDirOf(textOf(words, 'data'), io);
    return withDesk({ words, io }, async (desk) => {
      const at = { desk, io, words, dataDir };
      return id === undefined ? compare(policy ?? '', at) : again(id, at);
    });
  });
}

interface At {
  readonly desk: Desk;
  readonly io: CommandIo;
  readonly words: Words;
  readonly dataDir: string;
}

async function again(id: string, { desk, io, words, dataDir }: At): Promise<number> {
  const record = valueOf(await desk.request(id));
  if (record === undefined) throw new Error(`there is no request ${inert(id)}`);
  const made = await replayOf(record, desk, dataDir);
  if (wantsJson(words)) io.stdout(`${JSON.stringify(made, undefined, 2)}\n`);
  else io.stdout(replayText(made));
  return made.kind === 'same' ? EXIT.ok : EXIT.failed;
}

/** Over the very snapshot, or not at all: another catalog or release may well decide otherwise. */
async function replayOf(record: JsonRecord, desk: Desk, dataDir: string): Promise<Replay> {
  const id = asString(record['snapshot']) ?? '';
  const kept = valueOf(await desk.snapshot(id));
  const refused = (reason: string): Replay => ({ kind: 'refused', reason });
  if (kept === undefined) return refused(`what was in force then (${inert(id)}) is not kept`);
  if (kept.release !== VERSION) return refused(`release ${kept.release} made that plan, and this is ${VERSION}`);
  const catalog = loadCatalog(dataDir);
  const name = catalogName(catalog);
  if (kept.catalog !== name) return refused(`the catalog was ${kept.catalog}, and is ${name} now`);
  const snapshot = recompiled(kept.settings, catalog);
  return snapshot === undefined ? refused('what was in force then cannot be read') : replayed(record, snapshot);
}

function replayText(made: Replay): string {
  switch (made.kind) {
    case 'same':
      return `The same plan, to the last byte: ${inert(asString(made.plan['why']) ?? 'the only target there is')}\n`;
    case 'refused':
      return `No plan was made: ${inert(made.reason)}.\n`;
    case 'different': {
      const lines = made.differences.map(
        ({ field, recorded, again: now }) => `  ${field}\n    then ${inert(recorded)}\n    now  ${inert(now)}`,
      );
      return `Another plan. What differs:\n${lines.join('\n')}\n`;
    }
  }
}

async function compare(policy: string, at: At): Promise<number> {
  const { io, words, dataDir } = at;
  const since = textOf(words, 'since') ?? '7d';
  const sinceMs = sinceOf(since, Date.now());
  if (sinceMs === undefined) throw new UsageError(`"${inert(since)}" is not a time, like 2026-11-22T08:00:00Z or 7d`);
  const here = await snapshotHere({ file: resolve(io.cwd, policy), dataDir }, io);
  if (!here.ok) throw new Error(`the policy cannot be used\n\n${here.error}`);
  const route = textOf(words, 'route');
  const found = await run({ sinceMs, ...(route === undefined ? {} : { route }) }, here.value.snapshot, at);
  const isJson = wantsJson(words);
  io.stdout(isJson ? `${JSON.stringify(comparisonJson(found), undefined, 2)}\n` : comparisonText(found));
  return EXIT.ok;
}

/** Twice over the log, page by page: to learn what to expect, and to compare. */
async function run(query: LogQuery, snapshot: Rerunning['snapshot'], { desk, io }: At): Promise<Told> {
  const { rows, last } = await desk.log.extent(query);
  const lengths = lengthBook();
  const learning = comparison();
  const hear = (text: string): void => (io.isTerminal ? io.stderr(text) : undefined);
  const reading = { desk, query: { ...query, upTo: last }, rows, hear };
  await over(reading, 'learned from', (row) => learnFrom(row, learning, lengths));
  const comparing = learning.comparing();
  const tally = { skipped: 0, gained: 0, missing: new Map<string, number>() };
  const rerunning = { snapshot, latest: new Map() };
  await over(reading, 'compared', (row) => compareRow(row, { desk, rerunning, comparing, lengths, tally }));
  return { rows, ...tally, comparison: comparing.result() };
}

function learnFrom(row: LogRow, learning: Learning, lengths: LengthBook): void {
  const past = pastOf(row);
  if (past === undefined) return;
  learning.learn(past);
  lengths.learn(row.body);
}

interface Comparison {
  readonly desk: Desk;
  readonly rerunning: Rerunning;
  readonly comparing: Comparing;
  readonly lengths: LengthBook;
  readonly tally: { skipped: number; gained: number; readonly missing: Map<string, number> };
}

function compareRow(row: LogRow, { desk, rerunning, comparing, lengths, tally }: Comparison): void {
  const made = rerun(row.body, desk.keys.get(row.keyId), rerunning);
  const past = pastOf(row);
  for (const fact of made?.missing ?? []) tally.missing.set(fact, (tally.missing.get(fact) ?? 0) + 1);
  if (made !== undefined && past !== undefined) comparing.compare(comparedOf(past, row.body, { rerun: made, lengths }));
  else if (made?.made !== undefined && made.refused === undefined) tally.gained += 1;
  else tally.skipped += 1;
}

interface Reading {
  readonly desk: Desk;
  readonly query: LogQuery;
  readonly rows: number;
  readonly hear: (text: string) => void;
}

async function over({ desk, query, rows, hear }: Reading, says: string, take: (row: LogRow) => void): Promise<void> {
  let after: bigint | undefined;
  let done = 0;
  for (;;) {
    const page = await desk.log.page(after === undefined ? query : { ...query, after });
    for (const row of page) {
      take(row);
      done += 1;
      if (done % PROGRESS_ROWS === 0) hear(`\r${says} ${done} of ${rows} requests`);
    }
    after = page.at(-1)?.seq;
    if (after === undefined) break;
  }
  if (done >= PROGRESS_ROWS) hear(`\r${says} ${done} of ${rows} requests\n`);
}
