/** `turnout batches`: which there are, how far each has come, and what went wrong with one. */
import { batchRow } from '../batches/shapes.ts';
import { jsonText } from '../lib/json-text.ts';
import type { StoredBatch } from '../store/batch-ports.ts';
import type { Desk } from '../store/desk.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { wantsJson } from './words.ts';

const HELP = `turnout batches [--limit N]
turnout batches show ID

  --limit N     how many, newest first (20)
  --data DIR    the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json        for programs
`;
const LIMIT = 20;
const LIMIT_MAX = 1000;
const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  limit: { type: 'string' },
} as const;

/** Runs `turnout batches …`; gives the exit code. */
export async function batchesCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const [verb, id, ...rest] = words.positionals;
    const isShow = verb === 'show' && id !== undefined && rest.length === 0;
    if (verb !== undefined && !isShow) throw new UsageError(`unexpected ${inert(words.positionals.join(' '))}`);
    const limit = Number(textOf(words, 'limit') ?? LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
      throw new UsageError(`--limit must be 1 to ${LIMIT_MAX}`);
    return withDesk({ words, io }, async (desk) => {
      const isJson = wantsJson(words);
      if (isShow) await show(desk, id, { isJson, io });
      else await list(desk, limit, { isJson, io });
      return EXIT.ok;
    });
  });
}

interface Manner {
  readonly isJson: boolean;
  readonly io: CommandIo;
}

async function list(desk: Desk, limitMax: number, { isJson, io }: Manner): Promise<void> {
  const { rows } = valueOf(await desk.batches(async (books) => books.listBatches({ limitMax })));
  if (isJson) {
    io.stdout(`${jsonText({ batches: rows.map(batchRow) })}\n`);
    return;
  }
  const head = ['ID', 'KEY', 'ENDPOINT', 'STATUS', 'DONE', 'FAILED', 'LINES', 'MADE'];
  io.stdout(table([head, ...rows.map((row) => cells(row, desk))]));
}

function cells(batch: StoredBatch, desk: Desk): readonly string[] {
  const { id, keyId, endpoint, status, succeeded, errored, canceled, expired, total, createdAtMs } = batch;
  const done = succeeded + errored + canceled + expired;
  const percent = total === 0 ? '' : ` (${Math.floor((done * 100) / total)}%)`;
  const key = desk.keys.get(keyId)?.name ?? keyId;
  const made = new Date(createdAtMs).toISOString();
  return [id, key, endpoint, status, `${done}${percent}`, String(errored), String(total), made];
}

async function show(desk: Desk, id: string, { isJson, io }: Manner): Promise<void> {
  const batch = valueOf(await desk.batches(async (books) => books.getBatch(id)));
  if (batch === undefined) throw new Error(`There is no batch ${inert(id)}.`);
  const row = batchRow(batch);
  if (isJson) {
    io.stdout(`${jsonText(row)}\n`);
    return;
  }
  const lines = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  io.stdout(table(lines));
}
