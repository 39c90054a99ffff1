/** Frames of Bedrock's streams as events: the name of an event is the frame's type, its data the payload. */
import { encodeMessage, messageSplitter, type StreamMessage } from '../../lib/event-stream.ts';
import type { Json } from '../../lib/json.ts';
import type { SseEvent, SseSplitter } from '../../lib/sse.ts';

/** Stands in the place of a frame that is damaged. It is no JSON, so that whoever reads the events takes it for what it is. */
const DAMAGED: SseEvent = {
  name: '',
  data: Buffer.from('a damaged frame'),
  raw: Buffer.alloc(0),
  isPlain: false,
  isComment: false,
};

/** Events of ConverseStream. Their bytes are the frames themselves. */
export function converseSplitter(): SseSplitter {
  return frameSplitter((message) => ({
    name: nameOf(message),
    data: dataOf(message),
    raw: message.raw,
    isPlain: true,
    isComment: false,
  }));
}

/** An event, or an exception, as a frame. */
export function encodeFrame(kind: 'event' | 'exception', type: string, payload: Json): Buffer {
  const headers = new Map([
    [`:${kind}-type`, type],
    [':content-type', 'application/json'],
    [':message-type', kind],
  ]);
  return encodeMessage(headers, Buffer.from(JSON.stringify(payload)));
}

/** A splitter whose events are made of frames by `read`. */
export function frameSplitter(read: (message: StreamMessage) => SseEvent): SseSplitter {
  const messages = messageSplitter();
  let isDamaged = false;
  return {
    push(chunk) {
      const events = messages.push(chunk).map(read);
      if (messages.problem() !== 'damaged' || isDamaged) return events;
      isDamaged = true;
      return [...events, DAMAGED];
    },
    end: () => [],
    isTooBig: () => messages.problem() === 'too-big',
  };
}

/** `contentBlockDelta`, `throttlingException`; `error` for a failure of the service itself. */
export function nameOf({ headers }: StreamMessage): string {
  const type = headers.get(':message-type');
  if (type === 'error') return 'error';
  const name = headers.get(type === 'exception' ? ':exception-type' : ':event-type');
  return typeof name === 'string' ? name : '';
}

/** An exception says what it is in a header, and so does an error, which has no payload. */
export function dataOf({ headers, payload }: StreamMessage): Buffer {
  if (headers.get(':message-type') !== 'error') return payload;
  const [code, message] = [headers.get(':error-code'), headers.get(':error-message')];
  return Buffer.from(JSON.stringify({ __type: String(code ?? ''), message: String(message ?? '') }));
}
