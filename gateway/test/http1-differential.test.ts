/**
 * Our reply parser beside that of `node:http` (llhttp, strict), on thousands of replies that are well made, odd or wrong.
 * We must take nothing that it refuses, and read the same where both take it. `TURNOUT_SEED` and `TURNOUT_RUNS`
 * ask for others.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Malformed } from '../src/lib/http1-reply.ts';
import { readReply, goodReply, oddReply, type Reading } from './http1-kit.ts';
import { startRawServer, type RawServer } from './raw-server.ts';

const SEED = Number(process.env['TURNOUT_SEED'] ?? 4711);
const RUNS = Number(process.env['TURNOUT_RUNS'] ?? 3000);

interface Difference {
  readonly name: string;
  readonly malformed: Malformed;
  /** What the bytes have that we refuse and `node:http` takes. */
  readonly sign: RegExp;
}

/** Where we are stricter, all of it. Nothing that a provider was ever seen to send. */
const STRICTER: readonly Difference[] = [
  {
    name: 'a transfer coding other than `chunked` alone: its framing is for a guess, its body for nobody',
    malformed: 'coding',
    sign: /\r\ntransfer-encoding:(?![ \t]*chunked[ \t]*\r\n)|\r\ntransfer-encoding:[^]*\r\ntransfer-encoding:/i,
  },
  {
    name: 'line ends before a status line, which RFC 9112 allows to servers only (section 2.2)',
    malformed: 'status-line',
    sign: /(?:^|\r\n\r\n)[\r\n]+HTTP\/1\./,
  },
  { name: 'a status below 100 (RFC 9110, section 15)', malformed: 'status-line', sign: /HTTP\/1\.[01] 0\d\d/ },
  {
    name: 'a control character in the reason (RFC 9112, section 4)',
    malformed: 'status-line',
    sign: /HTTP\/1\.[01] \d{3} [^\r\n]*[^\t\r\n -~\x80-\xff]/,
  },
  { name: 'a switch to another protocol, which nobody asked for', malformed: 'switching', sign: /HTTP\/1\.[01] 101/ },
  { name: 'a length of more than 15 digits', malformed: 'length', sign: /\r\ncontent-length:[ \t]*\d{16}/i },
  { name: 'a chunk whose size has more than 12 digits', malformed: 'chunk', sign: /\r\n[\da-f]{13}/i },
  {
    name: 'a chunk extension whose value is neither a token nor a quoted string (RFC 9112, section 7.1.1)',
    malformed: 'chunk',
    sign: /\r\n[\da-f]+;[^\r\n]*=(?:[;\r]|[^";\r\n]+")/i,
  },
  {
    name: 'a length or a coding among the trailers (RFC 9110, section 6.5.1)',
    malformed: 'trailer',
    sign: /\r\n0+(?:;[^\r\n]*)?\r\n[^]*(?:content-length|transfer-encoding):/i,
  },
];

let server: RawServer;
let next: Buffer = Buffer.alloc(0);

before(async () => {
  server = await startRawServer(({ socket }: { readonly socket: Socket }) => socket.end(next));
});
after(() => server.close());

/** What `node:http` makes of a reply. Undefined: it refuses it, or finds it cut. */
function readByNode(bytes: Buffer, method: string): Promise<Omit<Reading, 'isReusable' | 'malformed'> | undefined> {
  next = bytes;
  return new Promise((resolve) => {
    const call = request({
      host: '127.0.0.1',
      port: server.port,
      method,
      agent: false,
      insecureHTTPParser: false,
      maxHeaderSize: 128 * 1024,
    });
    let found: Omit<Reading, 'isReusable' | 'malformed'> | undefined;
    call.on('response', (reply) => {
      let body = '';
      reply.on('data', (piece: Buffer) => {
        body += piece.toString('latin1');
      });
      reply.on('error', () => undefined);
      reply.on('end', () => {
        if (reply.complete)
          found = { status: reply.statusCode, headers: listed(reply.rawHeaders), body, isWhole: true };
      });
      reply.on('close', () => resolve(found));
    });
    call.on('error', () => undefined);
    call.on('close', () => setImmediate(() => resolve(found)));
    call.end();
  });
}

function listed(rawHeaders: readonly string[]): Record<string, string[]> {
  const headers: [string, string[]][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    const known = headers.find(([one]) => one === name);
    if (known === undefined) headers.push([name, [value]]);
    else known[1].push(value);
  }
  return Object.fromEntries(headers);
}

describe('the reply parser beside that of node:http', () => {
  const seen = new Map<string, number>();

  function count(what: string): void {
    seen.set(what, (seen.get(what) ?? 0) + 1);
  }

  async function compare(bytes: Buffer, method: string): Promise<void> {
    const { isReusable: _isReusable, malformed, ...ours } = readReply([bytes], method);
    const theirs = await readByNode(bytes, method);
    if (ours.isWhole) {
      assert.deepEqual(ours, theirs);
      count('taken by both');
    } else if (theirs === undefined) {
      count('taken by neither');
    } else {
      const text = bytes.toString('latin1');
      const difference = STRICTER.find((one) => one.malformed === malformed && one.sign.test(text));
      assert.ok(difference, `refused for its ${malformed}, which node:http takes`);
      count(difference.name);
    }
  }

  for (const [kind, replies] of Object.entries({ good: goodReply, odd: oddReply })) {
    it(`reads ${kind} replies as that does, or refuses them by name (seed ${SEED})`, async (t) => {
      seen.clear();
      const cases = fc.asyncProperty(replies, fc.constantFrom('POST', 'POST', 'HEAD'), compare);
      await fc.assert(cases, { seed: SEED, numRuns: RUNS });
      for (const [what, times] of seen) t.diagnostic(`${times} ${what}`);
      if (kind === 'good') assert.deepEqual([...seen.keys()], ['taken by both']);
    });
  }
});
