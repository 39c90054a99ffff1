/** The load generator: keep-alive connections on bare sockets. Every reply is checked; a wrong one fails the benchmark. */
import { connect, type Socket } from 'node:net';
import { WORDS, type Case } from './cases.ts';
import { ReplyReader, type ReadReply } from './reply-reader.ts';

/** A reply that takes longer is a hang, and the benchmark says so instead of waiting. */
const REPLY_MAX_MS = 20_000;

/** Where requests go, and with what headers beside the usual. */
export interface Aim {
  readonly name: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

export interface Timing {
  /** From the request's write to the first bytes of the reply's body. */
  readonly firstMs: number;
  /** To the reply's last byte. */
  readonly wholeMs: number;
}

export interface Load {
  /** As many requests as the connections carry, for so long or so many; waits for the last replies. Gives how many there were. */
  saturate(forMs: number, repliesMax?: number): Promise<number>;
  /** An open loop: requests leave at a fixed rate, whether or not earlier ones were answered. */
  pace(perSecond: number, forMs: number): Promise<readonly Timing[]>;
  close(): void;
}

/** One request as bytes, with the headers that an SDK sends. */
export function requestBytes(aim: Aim, of: Case): Buffer {
  const headers: Record<string, string> = {
    host: `127.0.0.1:${aim.port}`,
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'OpenAI/JS 6.0.0',
    'x-stainless-lang': 'js',
    'x-stainless-os': 'Linux',
    'x-stainless-runtime': 'node',
    'x-stainless-retry-count': '0',
    authorization: 'Bearer sk-bench',
    ...aim.headers,
    'content-length': String(Buffer.byteLength(of.body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${of.body}`);
}

/** Opens the connections and asks once, looking closely; later replies must have as many bytes as that one. */
export async function openLoad(aim: Aim, of: Case): Promise<Load> {
  const request = requestBytes(aim, of);
  const bytes = await firstReplyBytes(aim, of, request);
  const peers = await Promise.all(Array.from({ length: of.connections }, () => openPeer(aim, request, false)));

  function check(reply: ReadReply): void {
    if (reply.status === 200 && reply.bytes === bytes) return;
    throw new Error(`${aim.name}, ${of.title}: ${reply.status} with ${reply.bytes} bytes, not 200 with ${bytes}`);
  }

  return {
    async saturate(forMs, repliesMax = Number.POSITIVE_INFINITY) {
      const endMs = performance.now() + forMs;
      let replies = 0;
      await Promise.all(
        peers.map(async (peer) => {
          while (performance.now() < endMs && replies < repliesMax) {
            check((await peer.ask()).reply);
            replies += 1;
          }
        }),
      );
      return replies;
    },
    async pace(perSecond, forMs) {
      const free = [...peers];
      const asked: Promise<Timing>[] = [];
      await paced(perSecond, forMs, () => {
        const peer = free.pop();
        if (peer === undefined) throw new Error(`${aim.name} does not keep up with ${perSecond} requests a second`);
        const timing = peer.ask().then((answer) => {
          check(answer.reply);
          free.push(peer);
          return answer;
        });
        timing.catch(() => undefined);
        asked.push(timing);
      });
      return Promise.all(asked);
    },
    close: () => {
      for (const peer of peers) peer.close();
    },
  };
}

/** Calls at even distances in time; a late call does not move the later ones. */
function paced(perSecond: number, forMs: number, call: () => void): Promise<void> {
  const startMs = performance.now();
  const count = Math.round((perSecond * forMs) / 1000);
  let made = 0;
  return new Promise((resolve, reject) => {
    function next(): void {
      try {
        while (made < count && performance.now() - startMs >= (made * 1000) / perSecond) {
          made += 1;
          call();
        }
      } catch (error) {
        reject(error);
        return;
      }
      if (made === count) resolve();
      else setTimeout(next, 1);
    }
    next();
  });
}

async function firstReplyBytes(aim: Aim, of: Case, request: Buffer): Promise<number> {
  const peer = await openPeer(aim, request, true);
  const { reply } = await peer.ask();
  peer.close();
  const wrong = reply.status === 200 ? wrongIn(reply.body, of) : `status ${reply.status}`;
  if (wrong !== undefined) throw new Error(`${aim.name}, ${of.title}: ${wrong}\n${reply.body.slice(0, 2000)}`);
  return reply.bytes;
}

function wrongIn(body: string, of: Case): string | undefined {
  if (of.isStreaming) {
    const events = body.split('\n\n').filter((event) => event.startsWith('data: '));
    if (of.events !== undefined && events.length !== of.events) return `${events.length} events, not ${of.events}`;
    const words = events.filter((event) => event.includes('" word')).length;
    return words === WORDS.length && events.at(-1) === 'data: [DONE]' ? undefined : 'a piece of the stream is missing';
  }
  const reply: unknown = JSON.parse(body);
  const hasText =
    JSON.stringify(reply).includes('The quick brown fox') &&
    body.includes('"finish_reason"') &&
    body.includes('"usage"');
  return hasText ? undefined : 'the reply is not the one that was sent';
}

interface Answer extends Timing {
  readonly reply: ReadReply;
}

interface Peer {
  /** One request at a time. */
  ask(): Promise<Answer>;
  close(): void;
}

async function openPeer(aim: Aim, request: Buffer, keepsBody: boolean): Promise<Peer> {
  let sentMs = 0;
  let firstMs = 0;
  let pending: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  function fail(reason: string): void {
    const waiting = pending;
    pending = undefined;
    socket.destroy();
    waiting?.reject(new Error(`${aim.name}: ${reason}`));
  }

  const reader = new ReplyReader(
    {
      begun: () => {
        firstMs = performance.now() - sentMs;
      },
      ended: (reply) => {
        const waiting = pending;
        pending = undefined;
        waiting?.resolve({ reply, firstMs, wholeMs: performance.now() - sentMs });
      },
    },
    keepsBody,
  );
  const socket: Socket = await opened(aim.port);
  socket.setTimeout(REPLY_MAX_MS, () => fail('no reply'));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('it closed the connection before the reply was complete'));
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      fail(String(error));
    }
  });
  return {
    ask: () =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject };
        sentMs = performance.now();
        if (socket.destroyed) fail('the connection is gone');
        else socket.write(request);
      }),
    close: () => {
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
