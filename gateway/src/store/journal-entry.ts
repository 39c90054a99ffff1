/**
 * The lines of a journal. One JSON array a line behind its CRC-32, so that a line which a crash or a full disk cut short is
 * told from a whole one. Arrays, because two lines a request are written on the request's way, and names would double them:
 *
 *     5f2a90c1 ["settled",id,request,key,provider,model,target,outcome,estimated,input,cached,written,output,reasoning,cost,at,finish,charge,purses,labels]
 *     77b0d1e2 ["discarded",id]
 */
import { crc32 } from 'node:zlib';
import { asArray, asCount, asString, isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import type { Labels, Opening, Payer, Receipt, ReceiptUsage } from './ports.ts';

const CRC_DIGITS = 8;
const NEW_LINE = 0x0a;
/** How a settled line goes on behind its checksum. */
const SETTLED = ' ["settled"';
/** Where the counts begin in an entry. */
const NUMBERS_FROM = 9;
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
export function interruptedReceipt(requestId: string, payer: Payer, attempt: Opening): Receipt {
  const { attemptId, provider, model, target, atMs, estimateNanoUsd } = attempt;
  return {
    attemptId,
    requestId,
    keyId: payer.keyId,
    provider,
    model,
    target,
    outcome: 'interrupted',
    isEstimated: true,
    usage: { inputTokens: attempt.inputTokensEstimate },
    ...(estimateNanoUsd === undefined ? {} : { costNanoUsd: estimateNanoUsd }),
    atMs,
  };
}

/** The text of a receipt's entry. */
export function receiptText(kind: 'opened' | 'settled', receipt: Receipt): string {
  const { usage } = receipt;
  return JSON.stringify([
    kind,
    receipt.attemptId,
    receipt.requestId,
    receipt.keyId,
    receipt.provider,
    receipt.model,
    receipt.target,
    receipt.outcome,
    receipt.isEstimated,
    usage.inputTokens ?? null,
    usage.cachedInputTokens ?? null,
    usage.cacheWriteTokens ?? null,
    usage.outputTokens ?? null,
    usage.reasoningTokens ?? null,
    receipt.costNanoUsd?.toString() ?? null,
    Math.floor(receipt.atMs),
    receipt.finish ?? null,
    ...paidFields(receipt),
  ]);
}

/** Where the money comes from. */
function paidFields({ chargeNanoUsd, purses = [], labels, isRepeat }: Partial<Receipt>): readonly unknown[] {
  const fields = [chargeNanoUsd?.toString() ?? null, purses.join(' '), labels ?? null];
  return isRepeat === true ? [...fields, true] : fields;
}

export function discardedText(attemptId: string): string {
  return JSON.stringify(['discarded', attemptId]);
}

/** An entry as a line: checksum, text, line end. */
export function lineOf(text: string): string {
  return `${checksum(text)} ${text}\n`;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(CRC_DIGITS, '0');
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
  const text = line.slice(CRC_DIGITS + 1);
  if (line.slice(0, CRC_DIGITS + 1) !== `${checksum(text)} `) return undefined;
  const fields = asArray(parseJson(text));
  const [kind, id] = fields ?? [];
  if (fields === undefined || typeof id !== 'string') return undefined;
  if (kind === 'discarded') return { kind, id };
  if (kind !== 'opened' && kind !== 'settled') return undefined;
  const receipt = receiptOf(id, fields);
  return receipt === undefined ? undefined : { kind, id, receipt };
}

function receiptOf(attemptId: string, fields: readonly Json[]): Receipt | undefined {
  const [, , requestId, keyId, provider, model, target, outcome, isEstimated] = fields;
  const [input, cached, written, output, reasoning, cost, atMs, finish, ...paid] = fields.slice(NUMBERS_FROM);
  if (typeof requestId !== 'string' || typeof keyId !== 'string') return undefined;
  const costNanoUsd = amountOf(cost);
  const from = paidOf(paid);
  if (costNanoUsd === 'impossible' || from === undefined) return undefined;
  return {
    attemptId,
    requestId,
    keyId,
    provider: asString(provider) ?? '',
    model: asString(model) ?? '',
    target: asString(target) ?? '',
    outcome: asString(outcome) ?? '',
    isEstimated: isEstimated !== false,
    usage: usageOf([input, cached, written, output, reasoning]),
    ...(costNanoUsd === undefined ? {} : { costNanoUsd }),
    // A receipt at a wrong time is better than none.
    atMs: asCount(atMs) ?? 0,
    ...(typeof finish === 'string' ? { finish } : {}),
    ...from,
  };
}

/** Undefined where the charge is none. Lines of older releases have nothing of it. */
function paidOf([charge, purses, labels, isRepeat]: readonly Json[]):
  | Pick<Receipt, 'chargeNanoUsd' | 'purses' | 'labels' | 'isRepeat'>
  | undefined {
  const chargeNanoUsd = amountOf(charge);
  if (chargeNanoUsd === 'impossible') return undefined;
  return {
    ...(chargeNanoUsd === undefined ? {} : { chargeNanoUsd }),
    ...(typeof purses === 'string' && purses !== '' ? { purses: purses.split(' ') } : {}),
    ...(isRecord(labels) ? { labels: labelsOf(labels) } : {}),
    ...(isRepeat === true ? { isRepeat } : {}),
  };
}

function labelsOf(labels: JsonRecord): Labels {
  const names = ['orgId', 'teamId', 'userId', 'endUser', 'route', 'conversation', 'experiment'] as const;
  const texts = names.flatMap((name) => {
    const text = asString(labels[name]);
    return text === undefined ? [] : [[name, text] as const];
  });
  const tags = asArray(labels['tags'])?.flatMap((tag) => asString(tag) ?? []);
  return { ...Object.fromEntries(texts), ...(tags === undefined ? {} : { tags }) };
}

function amountOf(value: Json | undefined): bigint | undefined | 'impossible' {
  if (value === null || value === undefined) return undefined;
  return typeof value === 'string' && AMOUNT.test(value) ? BigInt(value) : 'impossible';
}

function usageOf(counts: readonly unknown[]): ReceiptUsage {
  const usage: Record<string, number> = {};
  for (const [index, name] of USAGE_NAMES.entries()) {
    const count = asCount(counts[index]);
    if (count !== undefined) usage[name] = count;
  }
  return usage;
}

const USAGE_NAMES = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
] as const satisfies readonly (keyof ReceiptUsage)[];
