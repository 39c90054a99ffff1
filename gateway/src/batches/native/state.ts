/** What the store knows of a batch that its provider works on. */
import {
  asArray,
  asBoolean,
  asCount,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';

/** Lines that went to the provider together. */
export interface Part {
  readonly first: number;
  readonly last: number;
  /** The most that they can cost. */
  readonly worstNanoUsd: bigint;
  /** The provider's; absent while nobody knows whether it has been sent. */
  readonly id?: string;
  readonly isDone?: boolean;
}

export interface NativeState {
  /** Id of the target. */
  readonly target: string;
  /** Of its requests, as the dialect gives it. */
  readonly path: string;
  /** Of the whole batch. */
  readonly worstNanoUsd: bigint;
  readonly parts: readonly Part[];
  /** The provider took no more: what is in no part goes line by line. */
  readonly isRefused?: boolean;
}

export function stateRecord({ target, path, worstNanoUsd, parts, isRefused }: NativeState): JsonRecord {
  const rows = parts.map(({ worstNanoUsd: worst, ...part }) => ({ ...part, worst: worst.toString() }));
  return compact({ target, path, worst: worstNanoUsd.toString(), parts: rows, isRefused });
}

/** Undefined where it is not of ours. */
export function readState(record: JsonRecord | undefined): NativeState | undefined {
  const target = asString(record?.['target']);
  const path = asString(record?.['path']);
  if (record === undefined || target === undefined || path === undefined) return undefined;
  const parts = (asArray(record['parts']) ?? []).filter(isRecord).map(readPart);
  return compact({
    target,
    path,
    worstNanoUsd: amount(record['worst']),
    parts,
    isRefused: asBoolean(record['isRefused']),
  });
}

function readPart(row: JsonRecord): Part {
  return compact({
    first: asCount(row['first']) ?? 0,
    last: asCount(row['last']) ?? 0,
    worstNanoUsd: amount(row['worst']),
    id: asString(row['id']),
    isDone: asBoolean(row['isDone']),
  });
}

function amount(value: Json | undefined): bigint {
  return typeof value === 'string' && /^\d{1,30}$/.test(value) ? BigInt(value) : 0n;
}
