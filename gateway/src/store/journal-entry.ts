/**
 * The lines of a journal. One JSON object a line behind its CRC-32, so that a line which a crash or a full disk cut short
 * is told from a whole one:
 *
 *     5f2a90c1 {"kind":"settled","id":"att_…",…}
 */
import { crc32 } from 'node:zlib';
import { asBoolean, asCount, asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import type { Hold, Opening, Receipt, ReceiptUsage } from './ports.ts';

const CRC_DIGITS = 8;
const NEW_LINE = 0x0a;
/** How a settled line goes on behind its checksum. */
const SETTLED = ' {"kind":"settled"';
/** Amounts are whole nano-dollars below 2^63, as text: JSON numbers end at 2^53. */
const AMOUNT = /^\d{1,18}$/;

/** An attempt that was about to send its first byte. What is needed to bill it, should nothing more be heard of it. */
export interface OpenedEntry {
  readonly kind: 'opened';
  readonly id: string;
  readonly receipt: Receipt;
}

export interface SettledEntry {
  readonly kind: 'settled';
  readonly id: string;
  readonly receipt: Receipt;
}

export interface DiscardedEntry {
  readonly kind: 'discarded';
  readonly id: string;
}

export type JournalEntry = OpenedEntry | SettledEntry | DiscardedEntry;

/**
 * The receipt of an attempt that nothing more was heard of: its process died, or the request ended without settling it.
 * The rule: its input was sent and is billed at our own count; of its output nothing is known and nothing is billed.
 */
export function interruptedReceipt(hold: Pick<Hold, 'keyId' | 'requestId'>, attempt: Opening): Receipt {
  const { attemptId, provider, model, target, atMs } = attempt;
  return {
    attemptId,
    requestId: hold.requestId,
    keyId: hold.keyId,
    provider,
    model,
    target,
    outcome: 'interrupted',
    isEstimated: true,
    usage: { inputTokens: attempt.inputTokensEstimate },
    ...(attempt.estimateNanoUsd === undefined ? {} : { costNanoUsd: attempt.estimateNanoUsd }),
    atMs,
  };
}

/** The line of a receipt, with its line end. */
export function receiptLine(kind: 'opened' | 'settled', receipt: Receipt): string {
  const { usage } = receipt;
  return lineOf(
    JSON.stringify({
      kind,
      id: receipt.attemptId,
      request: receipt.requestId,
      key: receipt.keyId,
      provider: receipt.provider,
      model: receipt.model,
      target: receipt.target,
      outcome: receipt.outcome,
      estimated: receipt.isEstimated,
      input: usage.inputTokens,
      cached: usage.cachedInputTokens,
      written: usage.cacheWriteTokens,
      output: usage.outputTokens,
      reasoning: usage.reasoningTokens,
      cost: receipt.costNanoUsd?.toString(),
      at: Math.floor(receipt.atMs),
      finish: receipt.finish,
    }),
  );
}

export function discardedLine(attemptId: string): string {
  return lineOf(JSON.stringify({ kind: 'discarded', id: attemptId }));
}

function lineOf(json: string): string {
  return `${crc32(json).toString(16).padStart(CRC_DIGITS, '0')} ${json}\n`;
}

export interface ReadEntries {
  readonly entries: readonly JournalEntry[];
  /** Bytes up to and with the last line end: where to read on. */
  readonly readBytes: number;
  /** Whole lines that are not what was written. */
  readonly damaged: number;
}

/**
 * Reads the whole lines of a piece of a journal. What stands after the last line end is still being written, or torn.
 * `settled` steps over all others unread: half of the lines tell of attempts that were opened, and matter after a crash only.
 */
export function readEntries(bytes: Buffer, which: 'all' | 'settled' = 'all'): ReadEntries {
  const readBytes = bytes.lastIndexOf(NEW_LINE) + 1;
  const entries: JournalEntry[] = [];
  let damaged = 0;
  for (const line of bytes.toString('utf8', 0, readBytes).split('\n')) {
    if (line === '' || (which === 'settled' && !line.startsWith(SETTLED, CRC_DIGITS))) continue;
    const entry = entryOf(line);
    if (entry === undefined) damaged += 1;
    else entries.push(entry);
  }
  return { entries, readBytes, damaged };
}

function entryOf(line: string): JournalEntry | undefined {
  const json = line.slice(CRC_DIGITS + 1);
  if (lineOf(json) !== `${line}\n`) return undefined;
  const fields = asRecord(parseJson(json));
  const id = asString(fields?.['id']);
  if (fields === undefined || id === undefined) return undefined;
  const kind = fields['kind'];
  if (kind === 'discarded') return { kind, id };
  if (kind !== 'opened' && kind !== 'settled') return undefined;
  const receipt = receiptOf(id, fields);
  return receipt === undefined ? undefined : { kind, id, receipt };
}

function receiptOf(attemptId: string, fields: JsonRecord): Receipt | undefined {
  const requestId = asString(fields['request']);
  const keyId = asString(fields['key']);
  const costNanoUsd = amountOf(fields['cost']);
  if (requestId === undefined || keyId === undefined || costNanoUsd === 'impossible') return undefined;
  const text = (name: string): string => asString(fields[name]) ?? '';
  const finish = asString(fields['finish']);
  return {
    attemptId,
    requestId,
    keyId,
    provider: text('provider'),
    model: text('model'),
    target: text('target'),
    outcome: text('outcome'),
    isEstimated: asBoolean(fields['estimated']) ?? true,
    usage: usageOf(fields),
    ...(costNanoUsd === undefined ? {} : { costNanoUsd }),
    // A receipt at a wrong time is better than none.
    atMs: asCount(fields['at']) ?? 0,
    ...(finish === undefined ? {} : { finish }),
  };
}

function amountOf(value: unknown): bigint | undefined | 'impossible' {
  if (value === undefined) return undefined;
  return typeof value === 'string' && AMOUNT.test(value) ? BigInt(value) : 'impossible';
}

function usageOf(fields: JsonRecord): ReceiptUsage {
  const usage: Record<string, number> = {};
  for (const [from, to] of USAGE_FIELDS) {
    const count = asCount(fields[from]);
    if (count !== undefined) usage[to] = count;
  }
  return usage;
}

const USAGE_FIELDS = [
  ['input', 'inputTokens'],
  ['cached', 'cachedInputTokens'],
  ['written', 'cacheWriteTokens'],
  ['output', 'outputTokens'],
  ['reasoning', 'reasoningTokens'],
] as const satisfies readonly (readonly [string, keyof ReceiptUsage])[];
