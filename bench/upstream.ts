/**
 * A provider that knows its answer by heart, on bare sockets, so that what is measured is the gateway. Reads a request
 * to its end, then answers it: streamed where the body says so, whole otherwise. Prints its port.
 */
import { createServer, type Socket } from 'node:net';
import { EVENT_EVERY_MS, streamedAnswer, wholeAnswer } from './cases.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const WANTS_STREAM = Buffer.from('"stream":true');
const WHOLE = wholeAnswer();
const STREAMED = streamedAnswer();

/** Streams under way in `EVENT_EVERY_MS` groups; one group a millisecond gets its next event, so that they do not come in step. */
const groups = Array.from({ length: EVENT_EVERY_MS }, () => new Set<Stream>());
let turn = 0;

interface Stream {
  readonly socket: Socket;
  sent: number;
}

setInterval(() => {
  turn = (turn + 1) % EVENT_EVERY_MS;
  for (const stream of groups[turn] ?? []) push(stream);
}, 1);

function push(stream: Stream): void {
  const piece = STREAMED[stream.sent];
  if (piece !== undefined) stream.socket.write(piece);
  stream.sent += 1;
  if (stream.sent >= STREAMED.length || stream.socket.destroyed) for (const group of groups) group.delete(stream);
}

function answer(socket: Socket, wantsStream: boolean): void {
  if (!wantsStream) {
    socket.write(WHOLE);
    return;
  }
  const stream: Stream = { socket, sent: 0 };
  groups[turn]?.add(stream);
  // Role and first word come together, as they do from providers.
  push(stream);
  push(stream);
}

function serve(socket: Socket): void {
  let head: Buffer | undefined;
  let missing = 0;
  let wantsStream = false;

  function begin(chunk: Buffer): void {
    const seen: Buffer = head === undefined ? chunk : Buffer.concat([head, chunk]);
    const end = seen.indexOf(HEAD_END);
    if (end === -1) {
      head = seen;
      return;
    }
    head = undefined;
    const length = /content-length: *(\d+)/i.exec(seen.toString('latin1', 0, end))?.[1];
    if (length === undefined) throw new Error('a request without a length');
    const body = seen.subarray(end + HEAD_END.length);
    missing = Number(length);
    wantsStream = false;
    read(body);
  }

  function read(body: Buffer): void {
    wantsStream ||= body.includes(WANTS_STREAM);
    missing -= body.length;
    if (missing < 0) throw new Error('more bytes than the request has');
    if (missing === 0) answer(socket, wantsStream);
  }

  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (missing > 0) read(chunk);
    else begin(chunk);
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`);
});
