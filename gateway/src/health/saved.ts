/** What is learned of targets as it lies in a file: plain numbers, read with care, since a file can be cut or of another release. */
import { asArray, asNumber, asRecord, asString, isArray, type Json, type JsonRecord } from '../lib/json.ts';
import type { SavedLength } from './lengths.ts';

/** Another release may mean something else by the same numbers. */
const VERSION = 1;

/** `null`: never. */
export type Numbers = readonly (number | null)[];

export interface SavedTarget {
  readonly id: string;
  readonly breaker: Numbers;
  readonly speeds: readonly (readonly number[])[];
  readonly inFlight: readonly number[];
  readonly restMs: number;
}

export interface Saved {
  /** Milliseconds since 1970. */
  readonly savedAtMs: number;
  /** Longest unused first, here and below. */
  readonly targets: readonly SavedTarget[];
  readonly lengths: readonly SavedLength[];
  /** Speeds of all targets together. */
  readonly all: readonly (readonly number[])[];
}

export function writeSaved({ savedAtMs, targets, lengths, all }: Saved): JsonRecord {
  return {
    version: VERSION,
    saved_at_ms: savedAtMs,
    targets: targets.map(({ id, breaker, speeds, inFlight, restMs }) => [id, breaker, speeds, inFlight, restMs]),
    lengths,
    all,
  };
}

/** Undefined where it is not ours. */
export function readSaved(value: Json | undefined): Saved | undefined {
  const file = asRecord(value);
  const savedAtMs = asNumber(file?.['saved_at_ms']);
  if (file === undefined || file['version'] !== VERSION || savedAtMs === undefined) return undefined;
  return {
    savedAtMs,
    targets: rowsOf(file['targets']).map(([id, breaker, speeds, inFlight, restMs]) => ({
      id: asString(id) ?? '',
      breaker: numbersOrNever(breaker),
      speeds: lists(speeds),
      inFlight: numbers(inFlight),
      restMs: asNumber(restMs) ?? 0,
    })),
    lengths: rowsOf(file['lengths']).map(([name, mean, buckets]) => [
      asString(name) ?? '',
      asNumber(mean) ?? 0,
      numbers(buckets),
    ]),
    all: lists(file['all']),
  };
}

function rowsOf(value: Json | undefined): readonly (readonly Json[])[] {
  return (asArray(value) ?? []).filter(isArray);
}

function lists(value: Json | undefined): readonly (readonly number[])[] {
  return rowsOf(value).map(numbers);
}

function numbers(value: Json | undefined): readonly number[] {
  return (asArray(value) ?? []).map((one) => asNumber(one) ?? 0);
}

function numbersOrNever(value: Json | undefined): Numbers {
  return (asArray(value) ?? []).map((one) => asNumber(one) ?? null);
}
