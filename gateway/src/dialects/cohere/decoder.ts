/** A stream becomes events, however the network cut it: events of v2, or lines of v1. */
import { replay } from '../../chat/collect.ts';
import { fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { lineSplitter } from '../../lib/lines.ts';
import { SSE_EVENT_MAX_BYTES, sseSplitter } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { broken, eventDecoder, type Reading } from '../event-decoder.ts';
import { faultIn, faultOfEnd } from './errors.ts';
import { eventReader } from './events.ts';
import { decodeResponse, readV1 } from './response.ts';

/** One decoder a stream. `provider` is for texts. */
export function decoder(provider: string): StreamDecoder {
  const reading: Reading = { provider, isOver: false };
  let chosen: StreamDecoder | undefined;
  return {
    push: (bytes) => {
      chosen ??= choose(bytes, reading);
      return chosen?.push(bytes) ?? [];
    },
    end: () => chosen?.end() ?? broken(fault('upstream-cut', { provider }), reading),
    isOver: () => reading.isOver,
  };
}

/** JSON begins a whole reply, or the lines of v1; no line of an event does. */
function choose(bytes: Uint8Array, reading: Reading): StreamDecoder | undefined {
  const first = Buffer.from(bytes).toString('latin1').trimStart()[0];
  if (first === undefined) return undefined;
  return first === '{' || first === '<' ? lineReader(reading) : sseReader(reading);
}

function sseReader(reading: Reading): StreamDecoder {
  const { provider } = reading;
  const events = eventReader();

  function read(data: Buffer): readonly ChatEvent[] {
    const text = data.toString('utf8').trim();
    if (text === '' || text === '[DONE]') return [];
    const body = parseJson(text);
    if (!isRecord(body))
      return broken(fault('upstream-invalid', { provider, reason: 'an event is not JSON' }), reading);
    const delta = asRecord(body['delta']) ?? {};
    const told = body['type'] === 'message-end' ? faultOfEnd(delta, provider) : faultIn(body, provider);
    if (told !== undefined) return broken(told, reading);
    if (body['type'] === 'message-end') reading.isOver = true;
    return events.read(body);
  }

  return eventDecoder(sseSplitter(), reading, { read: ({ data }) => read(data), close: () => undefined });
}

/** Lines of v1. A whole reply is one line, or several, which are put together at the end (faults.md F38). */
function lineReader(reading: Reading): StreamDecoder {
  const { provider } = reading;
  const whole: Buffer[] = [];
  let wholeBytes = 0;
  let text = '';

  function read(line: Buffer): readonly ChatEvent[] {
    const body = whole.length === 0 ? parseJson(line.toString('utf8')) : undefined;
    if (isRecord(body) && typeof body['event_type'] === 'string') return readEvent(body);
    whole.push(line);
    wholeBytes += line.length;
    if (wholeBytes <= SSE_EVENT_MAX_BYTES) return [];
    return broken(fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }), reading);
  }

  function readEvent(body: JsonRecord): readonly ChatEvent[] {
    switch (body['event_type']) {
      case 'stream-start':
        return [{ type: 'start', ...idOf(body) }];
      case 'text-generation': {
        const said = asString(body['text']) ?? '';
        text += said;
        return said === '' ? [] : [{ type: 'text-delta', choice: 0, text: said }];
      }
      case 'stream-end':
        return readEnd(body);
      default:
        return [];
    }
  }

  /** The last event repeats the whole reply, with what did not come piece by piece. */
  function readEnd(body: JsonRecord): readonly ChatEvent[] {
    const response = asRecord(body['response']) ?? {};
    const told = faultOfEnd({ error: body['error'], finish_reason: body['finish_reason'] }, provider);
    if (told !== undefined) return broken(told, reading);
    reading.isOver = true;
    const reply = readV1({ ...response, text, finish_reason: body['finish_reason'] });
    return replay(reply).filter((event) => event.type !== 'start' && event.type !== 'text-delta');
  }

  function readWhole(): readonly ChatEvent[] {
    const body = parseJson(Buffer.concat(whole).toString('utf8'));
    if (!isRecord(body))
      return broken(fault('upstream-invalid', { provider, reason: 'it is neither a stream nor JSON' }), reading);
    const reply = decodeResponse(body, provider);
    if (!reply.ok) return broken(reply.error, reading);
    reading.isOver = true;
    return replay(reply.value);
  }

  return eventDecoder(lineSplitter(SSE_EVENT_MAX_BYTES), reading, {
    read,
    // A line of a stream that was cut inside is no reply.
    readRest: (line) => (isEvent(line) || whole.length > 0 || text === '' ? read(line) : []),
    close: () => (whole.length === 0 ? undefined : readWhole()),
  });
}

function isEvent(line: Buffer): boolean {
  const body = parseJson(line.toString('utf8'));
  return isRecord(body) && body['event_type'] !== undefined;
}

function idOf(body: JsonRecord): { readonly id?: string } {
  const id = asString(body['generation_id']);
  return id === undefined ? {} : { id };
}
