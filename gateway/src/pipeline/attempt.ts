/** attempt: one try at one target, from the first byte out to the last byte in. The only place that talks to the upstream port. */
import { fault, type Fault } from '../chat/fault.ts';
import { NOTHING_SPENT, type Outcome, type Spent } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import type { Target } from '../routing/target.ts';
import type { UpstreamExchange, UpstreamFailure } from '../upstream/upstream.ts';
import type { Call } from './call.ts';
import type { Outgoing } from './outgoing.ts';
import type { Outlet, Source } from './outlet.ts';
import { receive, type Receiver } from './receive.ts';
import type { Headers, Reply } from './reply.ts';
import type { World } from './world.ts';

/** An error answer is read up to here; the rest can only be noise. */
const ERROR_BODY_MAX_BYTES = 64 * 1024;

export interface AttemptOptions {
  readonly call: Call;
  readonly target: Target;
  readonly outgoing: Outgoing;
  readonly reply: Reply;
  readonly outlet: Outlet;
  readonly world: World;
  readonly responseMaxBytes: number;
  /** Monotonic: the request's deadline. */
  readonly deadlineMs: number;
  /** Books the attempt; called once, before the reply's last byte. Gives the headers of a reply that ends well. */
  readonly settle: (outcome: Outcome, losses: readonly Loss[]) => Headers;
  /** Headers of a streamed reply that begins now. */
  readonly streamHeaders: (losses: readonly Loss[]) => Headers;
}

/** Runs the attempt. Resolves when it is over and booked; what could be handed to the caller has been handed over. */
export function attempt(options: AttemptOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    start(options, resolve);
  });
}

function start(options: AttemptOptions, resolve: (outcome: Outcome) => void): void {
  const { call, target, outgoing, reply, outlet, world } = options;
  const { clock, timers } = world;
  const startedMs = clock.monotonicMs();
  const provider = target.providerId;
  let exchange: UpstreamExchange | undefined;
  let receiver: Receiver | undefined;
  let status = 0;
  let error: { chunks: Buffer[]; bytes: number; headers: Readonly<Record<string, string | string[] | undefined>> } | undefined;
  let isOver = false;
  const cancels: (() => void)[] = [];

  const source: Source = { pause: () => exchange?.pause(), resume: () => exchange?.resume() };

  /** The single exit. Books first, so that the money is written down before the caller's last byte. */
  function over(outcome: Outcome, losses: readonly Loss[], handOver?: (headers: Headers) => void): void {
    if (isOver) return;
    isOver = true;
    for (const cancel of cancels) cancel();
    reply.signal.removeEventListener('abort', leave);
    world.underWay.delete(stopped);
    const headers = options.settle(outcome, losses);
    handOver?.(headers);
    resolve(outcome);
  }

  function spent(): Spent {
    return receiver?.spent() ?? NOTHING_SPENT;
  }

  function broke(of: Fault, detail: string): void {
    exchange?.abort();
    const when = receiver?.hasContent === true && reply.hasStarted && call.inspection.isStreaming ? 'mid-stream' : 'before-content';
    over({ kind: 'broke', when, fault: of, detail, spent: spent() }, []);
  }

  function stopped(why: Fault): void {
    broke(why, 'shutdown');
  }

  function leave(): void {
    const known = spent();
    exchange?.abort();
    // The caller left while the provider had the request: it may be working on it, and bills it.
    over({ kind: 'left', spent: { ...known, wasAccepted: known.wasAccepted || (exchange !== undefined && status < 400) } }, []);
  }

  function answered(finish: string | undefined): Outcome {
    return { kind: 'answered', status, ...(finish === undefined ? {} : { finish }), spent: spent() };
  }

  function makeReceiver(): Receiver {
    return receive({
      inbound: call.dialect,
      outbound: target.provider.dialect,
      provider,
      ...(target.provider.amendUsage === undefined ? {} : { amendUsage: target.provider.amendUsage }),
      wantsStream: call.inspection.isStreaming,
      context: {
        requestId: call.requestId,
        model: call.inspection.model,
        nowS: Math.floor(clock.unixMs() / 1000),
        wantsStreamUsage: call.inspection.wantsStreamUsage,
        isJsonArray: call.isJsonArray,
      },
      now: () => clock.monotonicMs(),
      startedMs,
      to: {
        send: (bytes) => outlet.send(() => options.streamHeaders(outgoing.losses), bytes, source),
        finish: (last, finish, losses) => over(answered(finish), losses, () => outlet.end(() => options.streamHeaders([...outgoing.losses, ...losses]), last)),
        whole: (body, finish, losses) =>
          over(answered(finish), losses, (headers) => {
            outlet.stop();
            reply.whole(200, { ...headers, 'content-type': 'application/json' }, body);
          }),
        fail: (of) => broke(of, 'invalid_answer'),
      },
    });
  }

  function refused(): void {
    const body = Buffer.concat(error?.chunks ?? []).toString('utf8');
    const answer = { status, headers: error?.headers ?? {}, body, provider, model: target.upstreamModel, nowMs: clock.unixMs() };
    exchange?.abort();
    over({ kind: 'refused', status, fault: target.provider.dialect.decodeError(answer) }, []);
  }

  reply.signal.addEventListener('abort', leave, { once: true });
  if (reply.signal.aborted) {
    leave();
    return;
  }
  world.underWay.add(stopped);
  const leftMs = options.deadlineMs - startedMs;
  cancels.push(timers.after(leftMs, () => broke(fault('upstream-timeout', { provider, phase: 'finish', ms: Math.round(leftMs) }), 'total_timeout')));
  if (call.inspection.isStreaming) {
    const { firstTokenMs } = target.timeouts;
    const cancel = timers.after(firstTokenMs, () => {
      if (receiver?.hasContent !== true) broke(fault('upstream-timeout', { provider, phase: 'send a first token', ms: firstTokenMs }), 'first_token_timeout');
    });
    cancels.push(cancel);
  }
  exchange = world.upstream.send(
    { ...outgoing.call, limits: { ...target.timeouts, bodyMaxBytes: options.responseMaxBytes } },
    {
      head(code, headers) {
        status = code;
        if (code >= 200 && code < 300) receiver = makeReceiver();
        else error = { chunks: [], bytes: 0, headers };
      },
      data(chunk) {
        if (isOver) return;
        if (error === undefined) receiver?.data(chunk);
        else {
          error.chunks.push(chunk);
          error.bytes += chunk.length;
          if (error.bytes > ERROR_BODY_MAX_BYTES) refused();
        }
      },
      end() {
        if (isOver) return;
        if (error === undefined) receiver?.end();
        else refused();
      },
      fail(of: Fault, failure: UpstreamFailure) {
        if (isOver) return;
        if (error !== undefined) refused();
        else broke(of, failure.outcome);
      },
    },
  );
  // The port may fail a call at once, before it has given its handle.
  if (isOver) exchange.abort();
}
