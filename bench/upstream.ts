/**
 * A provider that knows its answer by heart, on bare sockets, so that what is measured is the gateway. Reads a request
 * to its end, then answers it: streamed where the body says so, whole otherwise. Prints its port.
 */
import { createServer, type Socket } from 'node:net';
import { EVENT_EVERY_MS } from './cases.ts';
import { WIRES } from './wires.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const WANTS_STREAM = Buffer.from('"stream":true');
/** What is answered on each wire; the path says on which. */
const ANSWERS = WIRES.map(({ path, streamPath, whole, streamed }) => ({
  path,
  streamPath,
  whole: whole(),
  streamed: streamed(),
}));

type Answers = (typeof ANSWERS)[number];

interface Asked {
  readonly answers: Answers;
  /** Whether the path asks for a stream; on other wires the body does. */
  readonly isStream: boolean;
}

/** Streams under way in `EVENT_EVERY_MS` groups; one group a millisecond gets its next event, so that they do not come in step. */
const groups = Array.from({ length: EVENT_EVERY_MS }, () => new Set<Stream>());
let turn = 0;

interface Stream {
  readonly socket: Socket;
  readonly pieces: readonly Buffer[];
  sent: number;
}

setInterval(() => {
  turn = (turn + 1) % EVENT_EVERY_MS;
  for (const stream of groups[turn] ?? []) push(stream);
}, 1);

function push(stream: Stream): void {
  const piece = stream.pieces[stream.sent];
  if (piece !== undefined) stream.socket.write(piece);
  stream.sent += 1;
  if (stream.sent >= stream.pieces.length || stream.socket.destroyed) for (const group of groups) group.delete(stream);
}

function answer(socket: Socket, { whole, streamed }: Answers, wantsStream: boolean): void {
  if (!wantsStream) {
    socket.write(whole);
    return;
  }
  const stream: Stream = { socket, pieces: streamed, sent: 0 };
  groups[turn]?.add(stream);
  // Role and first word come together, as they do from providers.
  push(stream);
  push(stream);
}

/** Found once a path, so that looking for it is not what is measured. */
const found = new Map<string, Asked>();

function askedFor(head: string): Asked {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
  const known = found.get(path);
  if (known !== undefined) return known;
  const answers = ANSWERS.find((one) => one.path.test(path));
  if (answers === undefined) throw new Error(`nothing is answered at ${path}`);
  const asked = { answers, isStream: answers.streamPath?.test(path) === true };
  found.set(path, asked);
  return asked;
}

function serve(socket: Socket): void {
  let head: Buffer | undefined;
  let missing = 0;
  let wantsStream = false;
  let answers: Answers | undefined;

  function begin(chunk: Buffer): void {
    const seen: Buffer = head === undefined ? chunk : Buffer.concat([head, chunk]);
    const end = seen.indexOf(HEAD_END);
    if (end === -1) {
      head = seen;
      return;
    }
    head = undefined;
    const text = seen.toString('latin1', 0, end);
    const length = /content-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined) throw new Error('a request without a length');
    const body = seen.subarray(end + HEAD_END.length);
    missing = Number(length);
    const asked = askedFor(text);
    answers = asked.answers;
    wantsStream = asked.isStream;
    read(body);
  }

  function read(body: Buffer): void {
    wantsStream ||= body.includes(WANTS_STREAM);
    missing -= body.length;
    if (missing < 0) throw new Error('more bytes than the request has');
    if (missing === 0 && answers !== undefined) answer(socket, answers, wantsStream);
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
