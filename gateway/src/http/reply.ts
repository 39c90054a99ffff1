/** A reply over node:http. */
import type { ServerResponse } from 'node:http';
import type { Headers, Reply } from '../pipeline/reply.ts';

/** Wraps a response. `signal` aborts when the connection closes before the answer was complete. */
export function httpReply(response: ServerResponse, isHead: boolean): Reply {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  // A write after the client left is expected, and is no fault of ours: `close` has been told above.
  response.on('error', () => gone.abort());
  return {
    signal: gone.signal,
    get hasStarted() {
      return response.headersSent;
    },
    whole(status, headers, body) {
      response.writeHead(status, withLength(headers, body));
      response.end(isHead ? undefined : body);
    },
    start(status, headers, first) {
      // Cork joins head and first bytes into one write: one packet, one system call.
      response.cork();
      response.writeHead(status, headers);
      if (first.length > 0) response.write(first);
      else response.flushHeaders();
      response.uncork();
    },
    write: (chunk) => response.write(chunk),
    end: (last) => {
      if (last === undefined) response.end();
      else response.end(last);
    },
    onDrain: (listener) => {
      response.once('drain', listener);
    },
    destroy: () => {
      response.destroy();
    },
  };
}

function withLength(headers: Headers, body: string | Buffer): Headers {
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) };
}
