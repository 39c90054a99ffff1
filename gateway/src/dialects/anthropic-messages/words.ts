/** Words of the Messages API that several files of this dialect share. */
import type { LossCode } from '../../chat/loss-codes.ts';
import type { CacheMark, Origin, Signature } from '../../chat/part.ts';
import type { Finish, FinishReason } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';
import { asString, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

export const HOME: Origin = 'anthropic-messages';

/** What the wire version is called. 2026-10-21 only refuses more (sampling, citations of users), so this one takes what any caller sends. */
export const API_VERSION = '2023-06-01';

/** Collects losses, each place once for each reason. */
export interface LossList {
  readonly hint: (code: LossCode, field: string, why: string) => void;
  readonly meaning: (code: LossCode, field: string, why: string) => void;
  readonly all: () => readonly Loss[];
}

/** More entries than this say nothing new, and the list goes into a header. */
const LOSSES_MAX = 100;

export function lossList(): LossList {
  const losses = new Map<string, Loss>();
  function add(loss: Loss): void {
    const key = `${loss.code} ${loss.field}`;
    if (losses.size < LOSSES_MAX && !losses.has(key)) losses.set(key, loss);
  }
  return {
    hint: (code, field, why) => add({ code, field, weight: 'hint', why }),
    meaning: (code, field, why) => add({ code, field, weight: 'meaning', why }),
    all: () => [...losses.values()],
  };
}

/** Fields of `record` that are not in `known` and not null; undefined where there are none. */
export function others(record: JsonRecord, known: ReadonlySet<string>): JsonRecord | undefined {
  let rest: Record<string, Json> | undefined;
  for (const [name, value] of Object.entries(record)) {
    if (value !== undefined && value !== null && !known.has(name)) (rest ??= {})[name] = value;
  }
  return rest;
}

/** A mark that we can say in our words; undefined where there is none, or where it says more (then it stays in `extra`, whole). */
export function decodeCache(value: Json | undefined): CacheMark | undefined {
  if (!isRecord(value) || value['type'] !== 'ephemeral') return undefined;
  const { type: _, ttl, ...rest } = value;
  if (Object.keys(rest).length > 0) return undefined;
  if (ttl === undefined || ttl === null) return {};
  return ttl === '5m' || ttl === '1h' ? { ttl } : undefined;
}

export function encodeCache(cache: CacheMark): JsonRecord {
  return cache.ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: cache.ttl };
}

/** A signature field of a block; the empty one, which stands for none, is none. */
export function decodeSignature(value: Json | undefined): Signature | undefined {
  const text = asString(value);
  return text === undefined || text === '' ? undefined : unpackSignature(text, HOME);
}

export function encodeSignature(signature: Signature | undefined): string {
  return signature === undefined ? '' : packSignature(signature, HOME);
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  pause_turn: 'pause',
  compaction: 'pause',
  refusal: 'refusal',
};

const RAW: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  error: 'end_turn',
  other: 'end_turn',
};

export function decodeFinish(reason: Json | undefined, sequence: Json | undefined): Finish {
  const raw = asString(reason);
  const stopSequence = asString(sequence);
  return {
    reason: raw !== undefined && Object.hasOwn(REASONS, raw) ? (REASONS[raw] ?? 'other') : 'other',
    ...(raw === undefined ? {} : { raw }),
    ...(stopSequence === undefined ? {} : { stopSequence }),
  };
}

export interface StopWords {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
}

export interface ReplyFacts {
  readonly hasToolCall: boolean;
  readonly hasRefusal: boolean;
}

/** The stop reason of a reply. An agent goes on only after `tool_use`, and OpenAI says `stop` after a call it was forced to make. */
export function encodeFinish(finish: Finish, facts: ReplyFacts): StopWords {
  const stop_sequence = finish.stopSequence ?? null;
  const own = ownWord(finish);
  if (own !== undefined) return { stop_reason: own, stop_sequence };
  if (finish.reason !== 'stop') return { stop_reason: RAW[finish.reason], stop_sequence };
  if (facts.hasRefusal) return { stop_reason: 'refusal', stop_sequence };
  if (facts.hasToolCall) return { stop_reason: 'tool_use', stop_sequence };
  return { stop_reason: stop_sequence === null ? 'end_turn' : 'stop_sequence', stop_sequence };
}

/** The provider's own word, where it is one of this wire, or may be a new one: no protocol of ours knows it, but it looks like one. */
function ownWord(finish: Finish): string | undefined {
  const { raw, reason } = finish;
  if (raw === undefined) return undefined;
  if (Object.hasOwn(REASONS, raw)) return REASONS[raw] === reason ? raw : undefined;
  return reason === 'other' && /^[a-z]+(?:_[a-z0-9]+)+$/.test(raw) ? raw : undefined;
}

const CALL_ID = /^[a-zA-Z0-9_-]+$/;
/** No limit is documented; beyond this an id is an attack on somebody's log. */
const CALL_ID_MAX = 256;

/** An id in the form that the API takes: as it is where it fits, else always the same other one. */
export function callId(id: string): string {
  if (CALL_ID.test(id) && id.length <= CALL_ID_MAX) return id;
  const kept = id.replace(/[^a-zA-Z0-9_-]+/g, '_').slice(0, CALL_ID_MAX - 10);
  return `${kept === '' ? 'call' : kept}_${hash(id)}`;
}

/** FNV-1a, 32 bits: two ids that look alike after cleaning must not become one. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value ^= text.charCodeAt(index);
    value = Math.imul(value, 0x01000193);
  }
  return (value >>> 0).toString(16).padStart(8, '0');
}
