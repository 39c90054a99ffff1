/** The outside of a stream's decoder, which is the same on most wires: pieces of the bytes are read until one ends the stream. */
import { fault, type Fault } from '../chat/fault.ts';
import type { ChatEvent } from '../chat/reply.ts';
import { SSE_EVENT_MAX_BYTES } from '../lib/sse.ts';
import type { StreamDecoder } from './dialect.ts';

type Events = readonly ChatEvent[];

/** What every decoder remembers. Mutable by design: it is never shared. */
export interface Reading {
  /** For texts. */
  readonly provider: string;
  isOver: boolean;
}

/** Cuts bytes into pieces: events, frames or lines. */
interface Splitter<Piece> {
  push(bytes: Uint8Array): readonly Piece[];
  end(): readonly Piece[];
  isTooBig(): boolean;
}

interface Reader<Piece> {
  /** The events of a piece; may end the stream. */
  readonly read: (piece: Piece) => Events;
  /** For what the connection's end leaves over, which may be cut inside. Absent: as every other piece. */
  readonly readRest?: (piece: Piece) => Events;
  /** What closes a stream that was complete without an end of its own; undefined where it was cut. */
  readonly close: () => Events | undefined;
  /** Longest piece in bytes. */
  readonly max?: number;
}

/** The error that ends a stream; nothing, where it has ended. */
export function broken(of: Fault, reading: Reading): Events {
  if (reading.isOver) return [];
  reading.isOver = true;
  return [{ type: 'error', fault: of }];
}

/** One a stream. A piece that is too big ends it with `upstream-too-big`, a connection that closes too early with `upstream-cut`. */
export function eventDecoder<Piece>(
  splitter: Splitter<Piece>,
  reading: Reading,
  { read, readRest = read, close, max = SSE_EVENT_MAX_BYTES }: Reader<Piece>,
): StreamDecoder {
  const { provider } = reading;

  function readAll(pieces: readonly Piece[], by: (piece: Piece) => Events): Events {
    return pieces.flatMap((piece) => (reading.isOver ? [] : by(piece)));
  }

  return {
    push(bytes) {
      if (reading.isOver) return [];
      const events = readAll(splitter.push(bytes), read);
      return splitter.isTooBig()
        ? [...events, ...broken(fault('upstream-too-big', { provider, max }), reading)]
        : events;
    },
    end() {
      if (reading.isOver) return [];
      const events = readAll(splitter.end(), readRest);
      if (reading.isOver) return events;
      const closing = close() ?? broken(fault('upstream-cut', { provider }), reading);
      reading.isOver = true;
      return [...events, ...closing];
    },
    isOver: () => reading.isOver,
  };
}
