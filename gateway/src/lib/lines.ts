/**
 * Lines, cut out of a byte stream: JSON a line (NDJSON), as Ollama streams it. LF and CRLF end a line; empty lines say
 * nothing and are left out. Nothing is decoded to text, and what is held is bounded.
 */

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

export interface LineSplitter {
  /** Takes the next bytes and gives the lines they complete, without their ends. They stay valid: they are never written again. */
  push(chunk: Uint8Array): readonly Buffer[];
  /** The stream ended: gives the last line where only its end is missing. Whether it is whole is the reader's to say. */
  end(): readonly Buffer[];
  /** True once a line grew beyond the limit; nothing more comes out. */
  isTooBig(): boolean;
}

/** One splitter a stream. */
export function lineSplitter(maxBytes: number): LineSplitter {
  let held = EMPTY;
  let heldLength = 0;
  let tooBig = false;

  /** Puts a piece behind what is held; grows by doubling, so that one byte at a time stays linear. */
  function hold(piece: Buffer): void {
    const length = heldLength + piece.length;
    if (length > maxBytes) {
      tooBig = true;
      held = EMPTY;
      heldLength = 0;
      return;
    }
    if (length > held.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, held.length * 2, 256));
      held.copy(grown, 0, 0, heldLength);
      held = grown;
    }
    piece.copy(held, heldLength);
    heldLength = length;
  }

  function take(): Buffer {
    const line = held.subarray(0, heldLength);
    held = EMPTY;
    heldLength = 0;
    return line;
  }

  function push(bytes: Uint8Array): readonly Buffer[] {
    if (tooBig) return [];
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1 && !tooBig; end = chunk.indexOf(LF, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      if (heldLength === 0 && piece.length <= maxBytes) add(piece, lines);
      else {
        hold(piece);
        add(take(), lines);
      }
    }
    if (!tooBig && start < chunk.length) hold(chunk.subarray(start));
    return lines;
  }

  return {
    push,
    end: () => {
      const lines: Buffer[] = [];
      add(take(), lines);
      return lines;
    },
    isTooBig: () => tooBig,
  };
}

function add(line: Buffer, lines: Buffer[]): void {
  const whole = line.at(-1) === CR ? line.subarray(0, -1) : line;
  if (whole.length > 0) lines.push(whole);
}
