/** The streamed side of a reply: begins late, beats its heart while nothing comes, and waits for slow readers. */
import type { Headers, Reply } from './reply.ts';
import type { Timers } from './world.ts';

const PING = ': ping\n\n';

export interface OutletOptions {
  readonly timers: Timers;
  readonly heartbeatMs: number;
  /** A client that takes nothing for this long is given up. */
  readonly writeIdleMs: number;
  /** False where a comment cannot stand in the stream (Gemini's JSON array). */
  readonly canPing: boolean;
  /** Headers for a reply that must begin before it is known which target answers. */
  readonly earlyHeaders: () => Headers;
}

/** Whoever feeds the outlet, so that it can be slowed down. */
export interface Source {
  pause(): void;
  resume(): void;
}

export interface Outlet {
  /** Writes finished events. The first call sends the head with them. */
  send(headers: () => Headers, bytes: string | Buffer, source: Source): void;
  /** The last bytes; nothing may follow. */
  end(headers: () => Headers, last: string | Buffer): void;
  /** Stops the heartbeat without ending the reply. */
  stop(): void;
}

export function createOutlet(reply: Reply, options: OutletOptions): Outlet {
  let isOver = false;
  let hasWritten = false;
  let cancelIdle: (() => void) | undefined;
  let cancelBeat: (() => void) | undefined = options.timers.after(options.heartbeatMs, beat);

  function beat(): void {
    if (isOver) return;
    if (!hasWritten && options.canPing && cancelIdle === undefined) {
      if (reply.hasStarted) reply.write(PING);
      else reply.start(200, options.earlyHeaders(), PING);
    }
    hasWritten = false;
    cancelBeat = options.timers.after(options.heartbeatMs, beat);
  }

  function slowDown(source: Source): void {
    if (cancelIdle !== undefined) return;
    source.pause();
    cancelIdle = options.timers.after(options.writeIdleMs, () => reply.destroy());
    reply.onDrain(() => {
      cancelIdle?.();
      cancelIdle = undefined;
      source.resume();
    });
  }

  function stop(): void {
    isOver = true;
    cancelBeat?.();
    cancelBeat = undefined;
    cancelIdle?.();
    cancelIdle = undefined;
  }

  return {
    stop,
    send(headers, bytes, source) {
      if (isOver || bytes.length === 0) return;
      hasWritten = true;
      if (!reply.hasStarted) reply.start(200, headers(), bytes);
      else if (!reply.write(bytes)) slowDown(source);
    },
    end(headers, last) {
      if (isOver) return;
      stop();
      if (!reply.hasStarted) reply.start(200, headers(), last);
      else if (last.length > 0) {
        reply.end(last);
        return;
      }
      reply.end();
    },
  };
}
