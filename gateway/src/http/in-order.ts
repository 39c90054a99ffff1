/** Requests of one connection are worked on one after another, also where a client did not wait for the answer (pipelining). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Requests that may wait behind one another. Official clients wait for each answer; a thousand at once are an attack. */
const WAITING_MAX = 64;

export interface InOrder {
  /** Begins with the request once all earlier ones of its connection are answered; never, where an answer closed it. */
  take(request: IncomingMessage, response: ServerResponse): void;
  /** The response of this connection that is not complete yet. */
  underWay(connection: Duplex): ServerResponse | undefined;
}

/** One connection. Mutable by design: nobody else sees it. */
interface Line {
  last: ServerResponse;
  waiting: number;
}

/**
 * node:http hands over pipelined requests at once. If the first one's body was shorter than its sender thinks, the
 * second one is a piece of that body: it must not be worked on before the first was found to be sound.
 */
export function inOrder(begin: (request: IncomingMessage, response: ServerResponse) => void): InOrder {
  const lines = new WeakMap<Duplex, Line>();

  function wait(line: Line, earlier: ServerResponse, next: () => void): void {
    line.waiting += 1;
    earlier.once('close', () => {
      line.waiting -= 1;
      // One connection with many requests must not keep all others waiting: it gets one turn at a time.
      setImmediate(next);
    });
  }

  return {
    take(request, response) {
      const { socket } = request;
      const line = lines.get(socket);
      if (line === undefined) {
        lines.set(socket, { last: response, waiting: 0 });
        begin(request, response);
        return;
      }
      const earlier = line.last;
      line.last = response;
      if (earlier.closed) begin(request, response);
      else if (line.waiting >= WAITING_MAX) socket.destroy();
      else
        wait(line, earlier, () => {
          if (socket.writable) begin(request, response);
        });
    },
    underWay(connection) {
      const response = lines.get(connection)?.last;
      return response === undefined || response.closed ? undefined : response;
    },
  };
}
