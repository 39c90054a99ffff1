/** What each event of a v2 stream says. */
import type { Signature } from '../../chat/part.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { asCount, asRecord, asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { CALLS_MAX, CITATIONS_MAX, readCall } from './message.ts';
import { readLogprobs } from './response.ts';
import { readUsage } from './usage.ts';
import { HOME, isTextCitation, readCitation, readFinish, readSignature } from './wire.ts';

/** Text kept to find the places of citations in, in code units; those of longer texts come without. */
const TEXT_MAX = 1024 * 1024;

/** What a stream has said so far. Mutable by design: it lives inside one reader. */
interface Reading {
  /** Kind and place of the block of content that is open, or was last. */
  kind: 'text' | 'thinking' | 'other' | undefined;
  block: number;
  text: string;
  /** Numbers of the calls by their place in the stream. */
  readonly calls: Map<number, number>;
  citations: number;
  /** Citations of a plan or of thoughts, which have no part of their own. */
  others: readonly JsonRecord[];
}

/** Reads event after event of one stream. */
export function eventReader(): { read(body: JsonRecord): readonly ChatEvent[] } {
  const reading: Reading = { kind: undefined, block: -1, text: '', calls: new Map(), citations: 0, others: [] };
  return { read: (body) => readEvent(body, reading) };
}

type Reader = (body: JsonRecord, message: JsonRecord, reading: Reading) => readonly ChatEvent[];

/** By an event's type; others (`content-end`, `debug`) say nothing. */
const READERS: ReadonlyMap<Json | undefined, Reader> = new Map<Json | undefined, Reader>([
  ['message-start', (body) => [{ type: 'start', ...compact({ id: asString(body['id']) }) }]],
  ['content-start', startContent],
  [
    'content-delta',
    (body, message, reading) => [...readContent(asRecord(message['content']) ?? {}, reading), ...logprobsOf(body)],
  ],
  ['tool-plan-delta', (_, message) => planOf(asString(message['tool_plan']) ?? '')],
  ['tool-call-start', startCall],
  ['tool-call-delta', readArguments],
  ['citation-start', (_, message, reading) => readCitations(message['citations'], reading)],
  ['message-end', (body, _, reading) => endOf(asRecord(body['delta']) ?? {}, reading)],
]);

function readEvent(body: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const message = asRecord(asRecord(body['delta'])?.['message']) ?? {};
  return READERS.get(body['type'])?.(body, message, reading) ?? [];
}

function planOf(text: string): readonly ChatEvent[] {
  return text === '' ? [] : [{ type: 'reasoning-delta', choice: 0, text, isSummary: true }];
}

function logprobsOf(body: JsonRecord): readonly ChatEvent[] {
  const tokens = readLogprobs(body['logprobs']);
  return tokens.length === 0 ? [] : [{ type: 'logprobs', choice: 0, tokens }];
}

function startContent(body: JsonRecord, message: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const content = asRecord(message['content']) ?? {};
  const type = content['type'];
  const kind = type === 'thinking' ? 'thinking' : type === 'text' || type === undefined ? 'text' : 'other';
  const isSame = kind === reading.kind;
  reading.kind = kind;
  reading.block = asCount(body['index']) ?? reading.block + 1;
  reading.text = '';
  if (kind === 'other')
    return [
      {
        type: 'opaque',
        choice: 0,
        part: { kind: 'opaque', origin: HOME, name: asString(type) ?? 'content', value: content },
      },
    ];
  return [...(isSame ? [{ type: 'part-break' as const, choice: 0 }] : []), ...readContent(content, reading)];
}

function readContent(content: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const events: ChatEvent[] = [];
  const thinking = asString(content['thinking']) ?? '';
  const text = asString(content['text']) ?? '';
  if (thinking !== '') events.push({ type: 'reasoning-delta', choice: 0, text: thinking });
  if (text !== '') {
    if (reading.text.length < TEXT_MAX) reading.text += text;
    events.push({ type: 'text-delta', choice: 0, text });
  }
  const signature: Signature | undefined = readSignature(content, 'signature');
  const encrypted = readSignature(content, 'encrypted');
  const of = reading.kind === 'text' ? 'text' : 'reasoning';
  if (signature !== undefined) events.push({ type: 'signature', choice: 0, of, signature });
  if (encrypted !== undefined) events.push({ type: 'reasoning-encrypted', choice: 0, encrypted });
  return events;
}

function startCall(body: JsonRecord, message: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const raw = asRecord(message['tool_calls']) ?? {};
  const number = reading.calls.size;
  const call = number < CALLS_MAX ? readCall(raw, { index: number }) : undefined;
  if (call === undefined) return [];
  reading.calls.set(asCount(body['index']) ?? number, number);
  const { id, name, signature, extra } = call;
  const start: ChatEvent = {
    type: 'tool-call-start',
    choice: 0,
    call: number,
    id,
    name,
    ...compact({ signature, extra }),
  };
  if (call.arguments === '') return [start];
  return [start, { type: 'tool-call-delta', choice: 0, call: number, arguments: call.arguments }];
}

function readArguments(body: JsonRecord, message: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const raw = asRecord(message['tool_calls']) ?? {};
  const call = reading.calls.get(asCount(body['index']) ?? reading.calls.size - 1);
  const text = asString(asRecord(raw['function'])?.['arguments']) ?? '';
  return call === undefined || text === '' ? [] : [{ type: 'tool-call-delta', choice: 0, call, arguments: text }];
}

function readCitations(value: Json | undefined, reading: Reading): readonly ChatEvent[] {
  return (isArray(value) ? value : [value]).filter(isRecord).flatMap((raw): readonly ChatEvent[] => {
    reading.citations += 1;
    if (reading.citations > CITATIONS_MAX) return [];
    if (isTextCitation(raw)) return [{ type: 'citation', choice: 0, citation: readCitation(raw, reading.text) }];
    reading.others = [...reading.others, raw];
    return [{ type: 'extra', choice: 0, extra: { citations: reading.others } }];
  });
}

function endOf(delta: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const usage = readUsage(asRecord(delta['usage']));
  return [
    ...(usage === undefined ? [] : [{ type: 'usage' as const, usage }]),
    { type: 'finish', choice: 0, finish: readFinish(delta['finish_reason'], reading.calls.size > 0) },
  ];
}
