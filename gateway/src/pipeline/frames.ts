/** How events are laid into the caller's stream: server-sent events, or the elements of one JSON array. */
import type { WireForm } from '../dialects/dialect.ts';
import { formatSse, type SseEvent } from '../lib/sse.ts';

/** One write instead of many; a single piece is not copied, and texts stay text. */
export function joined(pieces: readonly WireForm[]): WireForm {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

export interface Frame {
  event(event: SseEvent): string | Buffer;
  close(): string;
}

/** Events that are already plain go on as they came; others are written anew, clean (faults.md F37). */
export function sseFrame(): Frame {
  return {
    event: (event) =>
      event.isPlain ? event.raw : formatSse(oneLine(event.data), event.name === '' ? undefined : event.name),
    close: () => '',
  };
}

/** Line ends between JSON tokens are spaces too. */
function oneLine(data: Buffer): string {
  return data.toString('utf8').replaceAll('\n', ' ');
}

/** Gemini without `alt=sse`: one JSON array, an element an event. */
export function arrayFrame(): Frame {
  let isFirst = true;
  return {
    event(event) {
      const text = `${isFirst ? '[' : ',\r\n'}${event.data.toString('utf8')}`;
      isFirst = false;
      return text;
    },
    close: () => (isFirst ? '[]' : ']'),
  };
}
