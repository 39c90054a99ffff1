/** A stream of lines becomes events, however the network cut it. */
import { replay } from '../../chat/collect.ts';
import { fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { asArray, asString, compact, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { lineSplitter } from '../../lib/lines.ts';
import type { StreamDecoder } from '../dialect.ts';
import { broken, eventDecoder, type Reading } from '../event-decoder.ts';
import { readLogprobs } from '../openai-chat/response.ts';
import { readCall } from './request.ts';
import { CALLS_MAX, decodeResponse, extraOf, faultIn, finishOf, messageExtra, messageOf } from './response.ts';
import { readUsage } from './usage.ts';
import { createdAt, LINE_MAX_BYTES, readPicture, stringsOf } from './wire.ts';

/** What a stream has said so far. Mutable by design: it lives inside one decoder. */
interface LineReading extends Reading {
  hasBegun: boolean;
  calls: number;
  /** Lines of a body that is no stream: JSON over several lines, which is read at the end (faults.md F38). */
  whole: Buffer[] | undefined;
  wholeBytes: number;
}

/** One decoder a stream. `provider` is for texts. */
export function decoder(provider: string): StreamDecoder {
  const splitter = lineSplitter(LINE_MAX_BYTES);
  const reading: LineReading = { provider, hasBegun: false, calls: 0, isOver: false, whole: undefined, wholeBytes: 0 };

  return eventDecoder(splitter, reading, {
    read: (line) => readLine(line, reading),
    // The last line may lack its end; one that was cut inside is no JSON, and then the stream is no reply.
    readRest: (line) => (isWhole(line, reading) ? readLine(line, reading) : []),
    close: () => (reading.whole === undefined ? undefined : readWhole(reading)),
    max: LINE_MAX_BYTES,
  });
}

function isWhole(line: Buffer, reading: LineReading): boolean {
  return reading.whole !== undefined || parseJson(line.toString('utf8')) !== undefined;
}

function readLine(line: Buffer, reading: LineReading): readonly ChatEvent[] {
  if (reading.whole !== undefined) return gather(line, reading);
  const body = parseJson(line.toString('utf8'));
  if (isRecord(body)) return readBody(body, reading);
  if (body === undefined && !reading.hasBegun) return gather(line, reading);
  return broken(fault('upstream-invalid', { provider: reading.provider, reason: 'a line is not JSON' }), reading);
}

function gather(line: Buffer, reading: LineReading): readonly ChatEvent[] {
  reading.whole ??= [];
  reading.whole.push(line);
  reading.wholeBytes += line.length;
  if (reading.wholeBytes <= LINE_MAX_BYTES) return [];
  reading.whole = undefined;
  return broken(fault('upstream-too-big', { provider: reading.provider, max: LINE_MAX_BYTES }), reading);
}

function readWhole(reading: LineReading): readonly ChatEvent[] {
  const { provider, whole = [] } = reading;
  const body = parseJson(Buffer.concat(whole).toString('utf8'));
  if (!isRecord(body))
    return broken(fault('upstream-invalid', { provider, reason: 'it is neither a stream nor JSON' }), reading);
  const reply = decodeResponse(body, provider);
  if (!reply.ok) return broken(reply.error, reading);
  reading.isOver = true;
  return replay(reply.value);
}

function readBody(body: JsonRecord, reading: LineReading): readonly ChatEvent[] {
  const inside = faultIn(body, reading.provider);
  if (inside !== undefined) return broken(inside, reading);
  const events: ChatEvent[] = [];
  if (!reading.hasBegun) {
    reading.hasBegun = true;
    events.push({ type: 'start', ...compact({ model: asString(body['model']), createdAt: createdAt(body) }) });
  }
  events.push(...deltasOf(body, reading));
  if (body['done'] !== true) return events;
  reading.isOver = true;
  const extra = extraOf(body);
  if (extra !== undefined) events.push({ type: 'extra', extra });
  const usage = readUsage(body);
  if (usage !== undefined) events.push({ type: 'usage', usage });
  events.push({ type: 'finish', choice: 0, finish: finishOf(body, reading.calls > 0) });
  return events;
}

function deltasOf(body: JsonRecord, reading: LineReading): readonly ChatEvent[] {
  const message = messageOf(body);
  const thinking = asString(message['thinking']) ?? '';
  const text = asString(message['content']) ?? '';
  const events: ChatEvent[] = [];
  if (thinking !== '') events.push({ type: 'reasoning-delta', choice: 0, text: thinking });
  if (text !== '') events.push({ type: 'text-delta', choice: 0, text });
  for (const image of stringsOf(message['images'])) events.push({ type: 'media', choice: 0, part: readPicture(image) });
  for (const call of asArray(message['tool_calls']) ?? [])
    if (isRecord(call)) events.push(...callEvents(call, body, reading));
  const tokens = readLogprobs(body['logprobs']);
  if (tokens.length > 0) events.push({ type: 'logprobs', choice: 0, tokens });
  const extra = messageExtra(body);
  if (extra !== undefined) events.push({ type: 'extra', choice: 0, extra });
  return events;
}

/** Calls come whole. */
function callEvents(raw: JsonRecord, body: JsonRecord, reading: LineReading): readonly ChatEvent[] {
  const number = reading.calls;
  if (number >= CALLS_MAX) return [];
  const call = readCall(raw, { number, time: asString(body['created_at']) ?? '' });
  if (call === undefined) return [];
  reading.calls += 1;
  const { id, name, extra } = call;
  return [
    { type: 'tool-call-start', choice: 0, call: number, id, name, ...compact({ extra }) },
    { type: 'tool-call-delta', choice: 0, call: number, arguments: call.arguments },
  ];
}
