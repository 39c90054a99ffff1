/** Requests of one connection are worked on one after another, also where a client did not wait for the answer (pipelining). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface InOrder {
  /** Begins with the request once all earlier ones of its connection are answered; never, where an answer closed it. */
  take(request: IncomingMessage, response: ServerResponse): void;
  /** The response of this connection that is not complete yet. */
  underWay(connection: Duplex): ServerResponse | undefined;
}

/**
 * node:http hands over pipelined requests at once. If the first one's body was shorter than its sender thinks, the
 * second one is a piece of that body: it must not be worked on before the first was found to be sound.
 */
export function inOrder(begin: (request: IncomingMessage, response: ServerResponse) => void): InOrder {
  const last = new WeakMap<Duplex, ServerResponse>();
  return {
    take(request, response) {
      const { socket } = request;
      const earlier = last.get(socket);
      last.set(socket, response);
      if (earlier === undefined || earlier.closed) begin(request, response);
      else
        earlier.once('close', () => {
          if (socket.writable) begin(request, response);
        });
    },
    underWay(connection) {
      const response = last.get(connection);
      return response === undefined || response.closed ? undefined : response;
    },
  };
}
