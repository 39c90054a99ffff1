/** Cuts the two forms of a Gemini stream into JSON texts: server-sent events, and one JSON array that grows. */
import { SSE_EVENT_MAX_BYTES, sseSplitter, type SseSplitter } from '../../lib/sse.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const LIST = 0x5b;

export interface Frames {
  /** The JSON texts that these bytes complete. */
  push(bytes: Uint8Array): readonly Buffer[];
  end(): readonly Buffer[];
  isTooBig(): boolean;
}

/** Decides by the first letter: `[` or `{` begins plain JSON, anything else is a stream of events. */
export function frames(): Frames {
  let held: Frames | undefined;
  return {
    push: (bytes) => {
      held ??= framesFor(bytes);
      return held?.push(bytes) ?? [];
    },
    end: () => held?.end() ?? [],
    isTooBig: () => held?.isTooBig() ?? false,
  };
}

/** White space alone decides nothing, and may be dropped: neither form begins with it. */
function framesFor(bytes: Uint8Array): Frames | undefined {
  const first = bytes.find((byte) => byte > 0x20);
  if (first === undefined) return undefined;
  return first === LIST || first === OPEN ? objectFrames() : eventFrames(sseSplitter());
}

function eventFrames(splitter: SseSplitter): Frames {
  const dataOf = (events: ReturnType<SseSplitter['push']>): readonly Buffer[] =>
    events.flatMap((event) => (event.data.length === 0 ? [] : [event.data]));
  return {
    push: (bytes) => dataOf(splitter.push(bytes)),
    end: () => dataOf(splitter.end()),
    isTooBig: () => splitter.isTooBig(),
  };
}

/** The objects of the outermost level, whatever stands between them. Looks at each byte once. */
function objectFrames(): Frames {
  const pieces: Buffer[] = [];
  let length = 0;
  let depth = 0;
  let inText = false;
  let isEscaped = false;
  let tooBig = false;

  function keep(piece: Buffer): void {
    length += piece.length;
    if (length > SSE_EVENT_MAX_BYTES) tooBig = true;
    else pieces.push(piece);
  }

  function take(piece: Buffer): Buffer {
    keep(piece);
    const whole = pieces.length === 1 ? piece : Buffer.concat(pieces);
    pieces.length = 0;
    length = 0;
    return whole;
  }

  /** Moves over one byte; true where it closes an object of the outermost level. */
  function step(byte: number): boolean {
    if (inText) {
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) inText = false;
      return false;
    }
    if (byte === QUOTE) inText = depth > 0;
    else if (byte === OPEN) depth += 1;
    else if (byte === CLOSE && depth > 0) {
      depth -= 1;
      return depth === 0;
    }
    return false;
  }

  function push(bytes: Uint8Array): readonly Buffer[] {
    if (tooBig) return [];
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const found: Buffer[] = [];
    let from = depth > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const isClosed = step(chunk[at] ?? 0);
      if (from === -1 && depth > 0) from = at;
      if (!isClosed) continue;
      found.push(take(chunk.subarray(from, at + 1)));
      from = -1;
    }
    if (from !== -1) keep(chunk.subarray(from));
    return tooBig ? [] : found;
  }

  return { push, end: () => [], isTooBig: () => tooBig };
}
