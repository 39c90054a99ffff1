/** Words of the Messages API that several files of this dialect share. */
import type { CacheMark, Origin, Signature } from '../../chat/part.ts';
import type { Finish, FinishReason } from '../../chat/reply.ts';
import { packSignature, unpackSignature } from '../../chat/signature.ts';
import { asString, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { fittedId } from '../fitted-id.ts';

export { others } from '../../lib/json.ts';
export { lossList, type LossList } from '../loss-list.ts';

export const HOME: Origin = 'anthropic-messages';

/** What the wire version is called. 2026-10-21 only refuses more (sampling, citations of users), so this one takes what any caller sends. */
export const API_VERSION = '2023-06-01';

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

/** No limit is documented; beyond this an id is an attack on somebody's log. */
const CALL_ID_MAX = 256;

/** An id in the form that the API takes. */
export function callId(id: string): string {
  return fittedId(id, /[^a-zA-Z0-9_-]+/g, CALL_ID_MAX);
}
