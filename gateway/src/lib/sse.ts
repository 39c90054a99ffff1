/**
 * Server-sent events, cut out of a byte stream (WHATWG HTML, section 9.2.6), leniently:
 * LF, CRLF and CR line ends, a byte-order mark, comments, several data lines, fields without the space.
 * Works on whole blocks: nothing is decoded to text, so that a relay can pass the bytes of a block on.
 */

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const BLOCK_END = Buffer.from('\n\n');
const DATA_PREFIX = Buffer.from('data: ');
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const EMPTY = Buffer.alloc(0);

/** Longest event that is put together; a longer one is an attack or a bug (faults.md F39: a line of 10 MiB is refused). */
export const SSE_EVENT_MAX_BYTES = 8 * 1024 * 1024;

export interface SseEvent {
  /** The `event:` field, empty where there was none. */
  readonly name: string;
  /** The `data:` lines, joined by LF. Empty for a comment. */
  readonly data: Buffer;
  /** The block as it came, line ends made LF, its blank line included. */
  readonly raw: Buffer;
  /** True where `raw` is in the plain form that every client reads: `event: x` and one `data: y` line. */
  readonly isPlain: boolean;
  /** True where the block held only comments (`: ping`). */
  readonly isComment: boolean;
}

export interface SseSplitter {
  /** Takes the next bytes and gives the events they complete. Buffers in events stay valid: they are never written again. */
  push(chunk: Uint8Array): readonly SseEvent[];
  /** The stream ended: gives the last event if only its blank line is missing, nothing if it was cut inside. */
  end(): readonly SseEvent[];
  /** True once an event grew beyond the limit; nothing more comes out. */
  isTooBig(): boolean;
}

/** One splitter a stream. */
export function sseSplitter(maxBytes: number = SSE_EVENT_MAX_BYTES): SseSplitter {
  let held = EMPTY;
  let heldLength = 0;
  let atStart = true;
  let endedInCr = false;
  let tooBig = false;

  /** Puts a piece behind what is held; grows by doubling, so that one byte at a time stays linear. */
  function hold(piece: Buffer): void {
    const length = heldLength + piece.length;
    if (length > held.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, held.length * 2, 256));
      held.copy(grown, 0, 0, heldLength);
      held = grown;
    }
    piece.copy(held, heldLength);
    heldLength = length;
    if (heldLength > maxBytes) tooBig = true;
  }

  function lineFeeds(chunk: Buffer): Buffer {
    if (!endedInCr && chunk.indexOf(CR) === -1) return chunk;
    const [clean, endsInCr] = toLineFeeds(chunk, endedInCr);
    endedInCr = endsInCr;
    return clean;
  }

  function push(bytes: Uint8Array): readonly SseEvent[] {
    if (tooBig || bytes.length === 0) return [];
    const chunk = lineFeeds(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    let block = chunk;
    let from = 0;
    if (heldLength > 0) {
      from = Math.max(0, heldLength - 1);
      hold(chunk);
      if (tooBig) return [];
      block = held.subarray(0, heldLength);
      if (block.indexOf(BLOCK_END, from) === -1) return [];
      // The events below point into this memory, so the rest must begin a new one.
      held = EMPTY;
      heldLength = 0;
    }
    if (atStart) {
      if (block.length < BOM.length && BOM.subarray(0, block.length).equals(block)) return keep(block);
      atStart = false;
      if (block.subarray(0, BOM.length).equals(BOM)) block = block.subarray(BOM.length);
    }
    const { events, rest } = readBlocks(block, from);
    if (rest.length > 0) keep(rest);
    return events;
  }

  function keep(rest: Buffer): readonly SseEvent[] {
    hold(rest);
    return [];
  }

  function finish(): readonly SseEvent[] {
    if (tooBig || heldLength === 0) return [];
    const rest = held.subarray(0, heldLength);
    held = EMPTY;
    heldLength = 0;
    const event = readBlock(Buffer.concat([rest, rest.at(-1) === LF ? Buffer.from('\n') : BLOCK_END]));
    return isWhole(event.data) ? [event] : [];
  }

  return { push, end: finish, isTooBig: () => tooBig };
}

/** The finished blocks of `bytes`, and what is left behind them. Before `from` no block ends. */
function readBlocks(bytes: Buffer, from: number): { readonly events: readonly SseEvent[]; readonly rest: Buffer } {
  const events: SseEvent[] = [];
  let start = 0;
  let searched = from;
  for (;;) {
    while (bytes[start] === LF) start += 1;
    const end = bytes.indexOf(BLOCK_END, Math.max(start, searched));
    if (end === -1) return { events, rest: bytes.subarray(start) };
    events.push(readBlock(bytes.subarray(start, end + 2)));
    start = end + 2;
    searched = start;
  }
}

/** CRLF and CR become LF. A CR at the end of a chunk is already a line end: the LF that may follow it in the next is skipped. */
function toLineFeeds(chunk: Buffer, skipLineFeed: boolean): readonly [Buffer, boolean] {
  const out = Buffer.allocUnsafe(chunk.length);
  let length = 0;
  let previous = skipLineFeed ? CR : 0;
  for (const byte of chunk) {
    if (byte === CR) out[length++] = LF;
    else if (byte !== LF || previous !== CR) out[length++] = byte;
    previous = byte;
  }
  return [out.subarray(0, length), previous === CR];
}

/** Whether the data of an unfinished last block is complete: JSON is its own proof, and so is OpenAI's end mark. */
function isWhole(data: Buffer): boolean {
  const text = data.toString('utf8').trim();
  if (text === '[DONE]') return true;
  if (!text.startsWith('{') && !text.startsWith('[')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function readBlock(raw: Buffer): SseEvent {
  const body = raw.subarray(0, raw.length - 2);
  if (body.subarray(0, DATA_PREFIX.length).equals(DATA_PREFIX) && body.indexOf(LF) === -1) {
    return { name: '', data: body.subarray(DATA_PREFIX.length), raw, isPlain: true, isComment: false };
  }
  return readLines(body, raw);
}

function readLines(body: Buffer, raw: Buffer): SseEvent {
  let name = '';
  const data: Buffer[] = [];
  let isPlain = true;
  for (let start = 0; start <= body.length;) {
    const found = body.indexOf(LF, start);
    const end = found === -1 ? body.length : found;
    const line = readLine(body.subarray(start, end));
    start = end + 1;
    if (line.field === 'data') data.push(line.value);
    else if (line.field === 'event') name = line.value.toString('utf8');
    isPlain &&= line.hasSpace && (line.field === 'data' || line.field === 'event');
  }
  const [only] = data;
  return {
    name,
    data: data.length === 1 && only !== undefined ? only : joinLines(data),
    raw,
    isPlain: isPlain && data.length === 1,
    isComment: data.length === 0 && name === '',
  };
}

/** `field: value`, `field:value` or `field`. */
function readLine(line: Buffer): { readonly field: string; readonly value: Buffer; readonly hasSpace: boolean } {
  const colon = line.indexOf(COLON);
  if (colon === -1) return { field: line.toString('latin1'), value: EMPTY, hasSpace: false };
  const hasSpace = line[colon + 1] === SPACE;
  return { field: line.toString('latin1', 0, colon), value: line.subarray(colon + (hasSpace ? 2 : 1)), hasSpace };
}

function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line])));
}

/** An event in its plain form. `data` may not hold line ends outside JSON strings (JSON text from `JSON.stringify` never does). */
export function formatSse(data: string, name?: string): string {
  return name === undefined ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`;
}
