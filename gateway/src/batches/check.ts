/** Looks at every line of an input file before any of them runs, as OpenAI does: a batch with a bad line fails whole. */
import type { FileHandle } from 'node:fs/promises';
import { compact, type JsonRecord } from '../lib/json.ts';
import { nextTurn } from '../pipeline/turns.ts';
import type { StoredBatch } from '../store/batch-ports.ts';
import { linesOf, readLine, type LineProblem, type ReadLine } from './lines.ts';

/** platform.openai.com/docs/guides/batch: 50,000 requests. */
const OPENAI_LINES_MAX = 50_000;
/** platform.claude.com/docs/en/api/creating-message-batches: 100,000 requests. */
export const ANTHROPIC_LINES_MAX = 100_000;
/** Problems that are told; who has a thousand bad lines has one mistake. */
const PROBLEMS_MAX = 100;
/** Lines are checked for so long, then everybody else has a turn. */
const TURN_MS = 10;

export interface Checked {
  readonly total: number;
  /** Empty: all is well. Each with its line. */
  readonly problems: readonly JsonRecord[];
}

/** Longest line that is taken: what a request may have by itself. */
export async function checkLines(
  file: FileHandle,
  batch: Pick<StoredBatch, 'form' | 'endpoint'>,
  lineMaxBytes: number,
): Promise<Checked> {
  const problems: JsonRecord[] = [];
  const seen = new Map<string, number>();
  const linesMax = batch.form === 'openai' ? OPENAI_LINES_MAX : ANTHROPIC_LINES_MAX;
  let total = 0;
  let turnMs = performance.now();
  for await (const read of linesOf(file, lineMaxBytes)) {
    total += 1;
    const problem = total > linesMax ? tooMany(linesMax) : await problemIn(read, { batch, seen, lineMaxBytes });
    if (problem !== undefined) problems.push(compact({ ...problem, line: read.line }));
    if (total > linesMax || problems.length >= PROBLEMS_MAX) break;
    if (performance.now() - turnMs < TURN_MS) continue;
    await nextTurn();
    turnMs = performance.now();
  }
  if (total === 0)
    problems.push({ code: 'empty_file', message: 'The input file has no lines.', param: 'input_file_id', line: null });
  return { total, problems };
}

interface Checking {
  readonly batch: Pick<StoredBatch, 'form' | 'endpoint'>;
  readonly lineMaxBytes: number;
  /** Lines by their ids. */
  readonly seen: Map<string, number>;
}

async function problemIn(
  { bytes, line }: ReadLine,
  { batch, seen, lineMaxBytes }: Checking,
): Promise<LineProblem | undefined> {
  if (bytes === undefined) {
    const message = `This line is longer than ${lineMaxBytes} bytes (\`server.body_max_bytes\`).`;
    return { code: 'line_too_long', message, param: null };
  }
  const read = await readLine(bytes, batch);
  if (!read.ok) return read.error;
  const { customId } = read.value;
  const before = seen.get(customId);
  seen.set(customId, line);
  if (before === undefined) return undefined;
  const message = `The custom_id ${JSON.stringify(customId)} stands on line ${before}, too. Each must be unique in its batch.`;
  return { code: 'duplicate_custom_id', message, param: 'custom_id' };
}

function tooMany(linesMax: number): LineProblem {
  return { code: 'too_many_requests_in_batch', message: `A batch has at most ${linesMax} lines.`, param: null };
}
