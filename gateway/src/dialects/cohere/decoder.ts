/** A stream becomes events, however the network cut it: events of v2, or lines of v1. */
import { replay } from '../../chat/collect.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { lineSplitter } from '../../lib/lines.ts';
import { SSE_EVENT_MAX_BYTES, sseSplitter } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { faultIn, faultOfEnd } from './errors.ts';
import { eventReader } from './events.ts';
import { decodeResponse, readV1 } from './response.ts';

/** What is common to both ways of reading. Mutable by design: it lives inside one decoder. */
interface Reading {
  readonly provider: string;
  isOver: boolean;
}

type Reader = Pick<StreamDecoder, 'push' | 'end'>;

/** One decoder a stream. `provider` is for texts. */
export function decoder(provider: string): StreamDecoder {
  const reading: Reading = { provider, isOver: false };
  let chosen: Reader | undefined;
  return {
    push: (bytes) => {
      chosen ??= choose(bytes, reading);
      return chosen?.push(bytes) ?? [];
    },
    end: () => {
      const events = chosen?.end() ?? [];
      return reading.isOver ? events : [...events, ...fail(reading, fault('upstream-cut', { provider }))];
    },
    isOver: () => reading.isOver,
  };
}

/** JSON begins a whole reply, or the lines of v1; no line of an event does. */
function choose(bytes: Uint8Array, reading: Reading): Reader | undefined {
  const first = Buffer.from(bytes).toString('latin1').trimStart()[0];
  if (first === undefined) return undefined;
  return first === '{' || first === '<' ? lineReader(reading) : sseReader(reading);
}

function fail(reading: Reading, of: Fault): readonly ChatEvent[] {
  if (reading.isOver) return [];
  reading.isOver = true;
  return [{ type: 'error', fault: of }];
}

function tooBig(provider: string): Fault {
  return fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES });
}

function sseReader(reading: Reading): Reader {
  const { provider } = reading;
  const splitter = sseSplitter();
  const events = eventReader();

  function read(data: Buffer): readonly ChatEvent[] {
    const text = data.toString('utf8').trim();
    if (reading.isOver || text === '' || text === '[DONE]') return [];
    const body = parseJson(text);
    if (!isRecord(body)) return fail(reading, fault('upstream-invalid', { provider, reason: 'an event is not JSON' }));
    const delta = asRecord(body['delta']) ?? {};
    const told = body['type'] === 'message-end' ? faultOfEnd(delta, provider) : faultIn(body, provider);
    if (told !== undefined) return fail(reading, told);
    if (body['type'] === 'message-end') reading.isOver = true;
    return events.read(body);
  }

  return {
    push: (bytes) => {
      const said = splitter.push(bytes).flatMap(({ data }) => read(data));
      return splitter.isTooBig() ? [...said, ...fail(reading, tooBig(provider))] : said;
    },
    end: () => splitter.end().flatMap(({ data }) => read(data)),
  };
}

/** Lines of v1. A whole reply is one line, or several, which are put together at the end (faults.md F38). */
function lineReader(reading: Reading): Reader {
  const { provider } = reading;
  const splitter = lineSplitter(SSE_EVENT_MAX_BYTES);
  const whole: Buffer[] = [];
  let wholeBytes = 0;
  let text = '';

  function read(line: Buffer): readonly ChatEvent[] {
    const body = whole.length === 0 ? parseJson(line.toString('utf8')) : undefined;
    if (reading.isOver) return [];
    if (isRecord(body) && typeof body['event_type'] === 'string') return readEvent(body);
    whole.push(line);
    wholeBytes += line.length;
    return wholeBytes > SSE_EVENT_MAX_BYTES ? fail(reading, tooBig(provider)) : [];
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
    if (told !== undefined) return fail(reading, told);
    reading.isOver = true;
    const reply = readV1({ ...response, text, finish_reason: body['finish_reason'] });
    return replay(reply).filter((event) => event.type !== 'start' && event.type !== 'text-delta');
  }

  function readWhole(): readonly ChatEvent[] {
    const body = parseJson(Buffer.concat(whole).toString('utf8'));
    if (!isRecord(body))
      return fail(reading, fault('upstream-invalid', { provider, reason: 'it is neither a stream nor JSON' }));
    const reply = decodeResponse(body, provider);
    if (!reply.ok) return fail(reading, reply.error);
    reading.isOver = true;
    return replay(reply.value);
  }

  return {
    push: (bytes) => {
      const said = splitter.push(bytes).flatMap(read);
      return splitter.isTooBig() ? [...said, ...fail(reading, tooBig(provider))] : said;
    },
    end: () => {
      const rest = splitter.end();
      // A line of a stream that was cut inside is no reply.
      const said = rest.flatMap((line) => (isEvent(line) || whole.length > 0 || text === '' ? read(line) : []));
      return reading.isOver || whole.length === 0 ? said : [...said, ...readWhole()];
    },
  };
}

function isEvent(line: Buffer): boolean {
  const body = parseJson(line.toString('utf8'));
  return isRecord(body) && body['event_type'] !== undefined;
}

function idOf(body: JsonRecord): { readonly id?: string } {
  const id = asString(body['generation_id']);
  return id === undefined ? {} : { id };
}
