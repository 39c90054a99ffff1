/** What the tests of the upstream port share: servers of bare sockets, upstreams over a codec, one call from its start to its end. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { Fault } from '../../src/chat/fault.ts';
import type { Codec } from '../../src/upstream/codec.ts';
import { createUpstream, type HttpUpstream, type UpstreamOptions } from '../../src/upstream/http-upstream.ts';
import type { UpstreamCall, UpstreamExchange, UpstreamFailure, UpstreamLimits } from '../../src/upstream/upstream.ts';
import { startRawServer, tlsFixture, type RawRequest, type RawServer } from '../raw-server.ts';

export const LIMITS: UpstreamLimits = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000, bodyMaxBytes: 1_000_000 };
export const BODY = Buffer.from('{"model":"x"}');

export interface Outcome {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly size: number;
  readonly fault: Fault | undefined;
  readonly detail: UpstreamFailure | undefined;
  readonly tookMs: number;
}

const open: { close(): Promise<void> }[] = [];

export async function serve(answer: (request: RawRequest) => void, options = {}): Promise<RawServer> {
  const server = await startRawServer(answer, options);
  open.unshift(server);
  return server;
}

/** Unlike `once` of node:events, does not mind that a reset comes as an error first. */
export async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.closed) return;
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

export interface Hooks {
  readonly onHead?: (exchange: UpstreamExchange) => void;
  readonly onData?: (exchange: UpstreamExchange, chunk: Buffer) => void;
}

export type Given = Partial<Omit<UpstreamCall, 'limits'>> & {
  readonly url: string;
  readonly limits?: Partial<UpstreamLimits>;
};

export function callOf(given: Given): UpstreamCall {
  return {
    method: 'POST',
    headers: { authorization: 'Bearer sk-1234', 'content-type': 'application/json' },
    body: BODY,
    provider: 'acme',
    allowPrivate: true,
    ...given,
    limits: { ...LIMITS, ...given.limits },
  };
}

/** Sends and waits for the end; asserts that there is exactly one. */
export function run(upstream: HttpUpstream, given: Given, hooks: Hooks = {}): Promise<Outcome> {
  const began = performance.now();
  let status: number | undefined;
  let headers: Outcome['headers'] = {};
  const chunks: Buffer[] = [];
  let size = 0;
  let ends = 0;
  let isSending = true;
  return new Promise((resolve) => {
    const finish = (fault?: Fault, detail?: UpstreamFailure): void => {
      ends += 1;
      assert.equal(ends, 1, 'ended twice');
      assert.equal(isSending, false, 'a callback before send returned');
      const body = Buffer.concat(chunks).toString();
      resolve({ status, headers, body, size, fault, detail, tookMs: performance.now() - began });
    };
    const exchange = upstream.send(callOf(given), {
      head(code, all) {
        assert.equal(status, undefined, 'two heads');
        status = code;
        headers = all;
        hooks.onHead?.(exchange);
      },
      data(chunk) {
        assert.equal(ends, 0, 'data after the end');
        size += chunk.length;
        if (size < 2_000_000) chunks.push(chunk);
        hooks.onData?.(exchange, chunk);
      },
      end: () => finish(),
      fail: (fault, detail) => finish(fault, detail),
    });
    isSending = false;
  });
}

export function assertFailed(
  outcome: Outcome,
  expected: { outcome: string; code: string; wasSent: boolean; text?: RegExp },
): void {
  assert.deepEqual(
    { outcome: outcome.detail?.outcome, code: outcome.fault?.code, wasSent: outcome.detail?.wasSent },
    { outcome: expected.outcome, code: expected.code, wasSent: expected.wasSent },
  );
  if (expected.text !== undefined) assert.match(outcome.fault?.message ?? '', expected.text);
  assert.doesNotMatch(outcome.fault?.message ?? '', /127\.0\.0\.1|sk-1234|HPE_|ECONN/, 'shows what it should not');
}

export function url(server: { readonly port: number }, path = '/v1/chat/completions'): string {
  return `http://127.0.0.1:${server.port}${path}`;
}

/** Makes upstreams over one codec. */
export type MakeUpstream = (options?: UpstreamOptions) => HttpUpstream;

export function upstreamsOver(codec: Codec): MakeUpstream {
  return (options = {}) => {
    const upstream = createUpstream({
      codec,
      resolver: (_name, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      ca: tlsFixture('ca.pem'),
      ...options,
    });
    open.push(upstream);
    return upstream;
  };
}

/** Closes all servers and upstreams that were made. */
export async function closeAll(): Promise<void> {
  await Promise.all(open.map((one) => one.close()));
}
