/** attempt: one try at one target, from the first byte out to the last byte in. The only place that talks to the upstream port. */
import { fault, type Fault } from '../chat/fault.ts';
import { NOTHING_SPENT, type Invalid, type Outcome, type Spent } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import { compact } from '../lib/json.ts';
import type { Target } from '../routing/target.ts';
import type { UpstreamExchange, UpstreamFailure } from '../upstream/upstream.ts';
import type { Call, Outgoing } from './call.ts';
import type { Going } from './unfinished.ts';
import type { Outlet, Source } from './outlet.ts';
import { sendParts, type PartsHandler } from './parts.ts';
import type { Race, Racer } from './race.ts';
import type { Receiver, Receiving } from './receiver.ts';
import type { Headers, Reply } from './reply.ts';
import { faultWithoutSecrets, textWithoutSecrets } from './secrets.ts';
import type { UnderWay, World } from './world.ts';

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
  /** Takes the end of a good answer: the whole of it, or the last pieces of a stream. */
  readonly keep?: ((answer: string | Buffer) => void) | undefined;
  /** Set where another attempt may run beside this one: who has something to show first takes the reply. */
  readonly race?: Race | undefined;
  /** When it is given up for being slow, earlier than its target's own limit says. */
  readonly slow?: Slow | undefined;
  /** Set where its answer may be gone on with, should it break off. */
  readonly going?: Going | undefined;
  /** Takes the headers of the provider's reply, whatever its status. */
  readonly heard: (headers: Refusal['headers']) => void;
  /** Headers of a streamed reply that begins now. */
  readonly streamHeaders: (losses: readonly Loss[], type: string | undefined) => Headers;
}

/** Without content `afterMs` after it began, an attempt is given up where another target is left. */
export interface Slow {
  readonly afterMs: number;
  /** Whether to give it up now; `later`: another attempt runs beside it, ask again. */
  verdict(of: Fault): 'give-up' | 'later' | 'stay';
}

/** Runs the attempt. Resolves when it is over and booked; what could be handed to the caller has been handed over. */
export function attempt(options: AttemptOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    new Attempt(options, resolve).start();
  });
}

/** An attempt under way: many things can end it (the provider, a timer, the caller, a shutdown), and exactly one does. */
class Attempt implements PartsHandler, Receiving, Source, UnderWay, Racer {
  place = OUTSIDE;
  readonly #options: AttemptOptions;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #startedMs: number;
  readonly #cancels: (() => void)[] = [];
  readonly #left = (): void => this.#leave();
  readonly #complete = (): void => this.#takeWhole();
  #exchange: UpstreamExchange | undefined;
  #receiver: Receiver | undefined;
  #refusal: Refusal | undefined;
  #status = 0;
  #isOver = false;

  constructor(options: AttemptOptions, resolve: (outcome: Outcome) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#startedMs = options.world.clock.monotonicMs();
  }

  start(): void {
    const { reply, world, outgoing, target, responseMaxBytes, race } = this.#options;
    if (reply.signal.aborted) {
      this.#leave();
      return;
    }
    if (race?.enter(this) === false) {
      this.callOff();
      return;
    }
    reply.signal.addEventListener('abort', this.#left, { once: true });
    world.underWay.enter(this);
    this.#setTimers();
    const limits = { ...target.timeouts, bodyMaxBytes: responseMaxBytes };
    const { upstream } = world;
    const { call, more, choices } = outgoing;
    const isStreaming = choices !== undefined && this.#options.call.delivery.isStreaming;
    this.#exchange =
      more === undefined
        ? upstream.send({ ...call, limits }, this)
        : sendParts({ upstream, calls: [call, ...more], limits, isStreaming }, this);
  }

  /** From outside: the process goes down. */
  stop(why: Fault): void {
    this.#break(why, 'shutdown');
  }

  /** From outside: another attempt has answered first. */
  callOff(): void {
    this.#leave('hedged');
  }

  hasContent(): boolean {
    return this.#receiver?.hasContent() === true;
  }

  // What the upstream port calls.

  head(status: number, headers: Refusal['headers']): void {
    this.#status = status;
    this.#options.heard(headers);
    if (status < 200 || status >= 300) {
      this.#refusal = { headers, chunks: [], bytes: 0 };
      return;
    }
    const { world, target } = this.#options;
    if (!isUsualType(headers['content-type']))
      world.meters.warnings.add({ provider: target.providerId, kind: 'content_type' });
    this.#receiver = this.#makeReceiver(headers);
  }

  data(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#refusal === undefined) {
      this.#receiver?.data(chunk);
      return;
    }
    this.#refusal.chunks.push(chunk);
    this.#refusal.bytes += chunk.length;
    if (this.#refusal.bytes > ERROR_BODY_MAX_BYTES) this.#refuse(this.#refusal);
  }

  piece(index: number, chunk: Buffer): void {
    if (!this.#isOver) this.#receiver?.piece?.(index, chunk);
  }

  part(index: number, body: Buffer): void {
    if (!this.#isOver) this.#receiver?.part?.(index, body);
  }

  end(): void {
    this.#options.world.together(this.#complete);
  }

  #takeWhole(): void {
    if (this.#isOver) return;
    if (this.#refusal === undefined) this.#receiver?.end();
    else this.#refuse(this.#refusal);
  }

  /** The upstream port and the receiver fail alike: the one says what happened, the other that the answer was no answer. */
  fail(of: Fault, failure?: UpstreamFailure): void {
    if (this.#isOver) return;
    // An error status says more than the connection that broke after it.
    if (this.#refusal === undefined) this.#break(of, failure?.outcome ?? 'invalid_answer');
    else this.#refuse(this.#refusal);
  }

  // What the receiver calls.

  send(bytes: string | Buffer): void {
    const { outlet, outgoing, streamHeaders, race } = this.#options;
    if (race?.claim(this) === false) return;
    outlet.send(() => streamHeaders(outgoing.losses, this.#receiver?.type?.()), bytes, this);
  }

  finish(last: string | Buffer, finish: string | undefined, losses: readonly Loss[]): void {
    const { outlet, outgoing, streamHeaders, race } = this.#options;
    if (race?.claim(this) === false) return;
    this.#over(this.#answered(finish), losses, () =>
      outlet.end(() => streamHeaders([...outgoing.losses, ...losses], this.#receiver?.type?.()), last),
    );
    this.#options.keep?.(last);
  }

  whole(body: string | Buffer, finish: string | undefined, losses: readonly Loss[]): void {
    const { outlet, reply, race } = this.#options;
    if (race?.claim(this) === false) return;
    this.#over(this.#answered(finish), losses, (headers) => {
      outlet.stop();
      reply.whole(200, { ...headers, 'content-type': this.#receiver?.type?.() ?? 'application/json' }, body);
    });
    this.#options.keep?.(body);
  }

  invalid({ answer, reason }: Invalid): void {
    const { provider } = this.#options.outgoing.call;
    this.#break(fault('output-invalid', { provider, reason }), 'output_invalid', { answer, reason });
  }

  enough(): void {
    this.#exchange?.abort();
  }

  // What the outlet calls when the caller reads too slowly.

  pause(): void {
    this.#exchange?.pause();
  }

  resume(): void {
    this.#exchange?.resume();
  }

  #setTimers(): void {
    const { world, target, call, deadlineMs, slow } = this.#options;
    const provider = target.providerId;
    const leftMs = deadlineMs - this.#startedMs;
    const late = (): void =>
      this.#break(fault('upstream-timeout', { provider, phase: 'finish', ms: Math.round(leftMs) }), 'total_timeout');
    this.#cancels.push(world.timers.after(leftMs, late));
    if (!call.delivery.isStreaming) return;
    const { firstTokenMs } = target.timeouts;
    const silent = (): void => {
      if (this.hasContent()) return;
      this.#break(
        fault('upstream-timeout', { provider, phase: 'send a first token', ms: firstTokenMs }),
        'first_token_timeout',
      );
    };
    this.#cancels.push(world.timers.after(firstTokenMs, silent));
    if (slow !== undefined) this.#awaitFirstToken(slow);
  }

  #awaitFirstToken(slow: Slow): void {
    const { world, target } = this.#options;
    const tooSlow = (): void => {
      if (this.hasContent()) return;
      const of = fault('upstream-slow', { provider: target.providerId, ms: slow.afterMs });
      const verdict = slow.verdict(of);
      if (verdict === 'give-up') this.#break(of, 'slow');
      else if (verdict === 'later') this.#awaitFirstToken(slow);
    };
    this.#cancels.push(world.timers.after(slow.afterMs, tooSlow));
  }

  #makeReceiver(headers: Refusal['headers']): Receiver {
    const { call, target, world, outgoing, going } = this.#options;
    return call.receiver(target, {
      headers,
      ...compact({ reshaping: outgoing.reshaping, choices: outgoing.choices, going }),
      nowS: Math.floor(world.clock.unixMs() / 1000),
      now: () => world.clock.monotonicMs(),
      startedMs: this.#startedMs,
      to: this,
    });
  }

  #spent(): Spent {
    return this.#receiver?.spent() ?? NOTHING_SPENT;
  }

  #answered(finish: string | undefined): Outcome {
    return {
      kind: 'answered',
      status: this.#status,
      ...(finish === undefined ? {} : { finish }),
      spent: this.#spent(),
    };
  }

  #break(of: Fault, detail: string, invalid?: Invalid): void {
    this.#exchange?.abort();
    const { target, outgoing } = this.#options;
    const when = this.#when();
    const safe = faultWithoutSecrets(of, target, outgoing.grant);
    const spent = this.#spent();
    const told = invalid === undefined ? {} : { invalid };
    if (when === 'mid-stream') this.#leaveOff();
    this.#over({ kind: 'broke', when, fault: safe, detail, spent, ...told }, []);
  }

  /** What the caller has of the answer is for another attempt to go on with, where it can be. */
  #leaveOff(): void {
    const { going } = this.#options;
    const unfinished = this.#receiver?.unfinished?.();
    if (going !== undefined && unfinished !== undefined) going.left = unfinished;
  }

  /** Whether the caller has content already. */
  #when(): 'mid-stream' | 'before-content' {
    const { reply, call } = this.#options;
    const isShown = this.hasContent() && this.#receiver?.isHeld?.() !== true;
    return isShown && reply.hasStarted && call.delivery.isStreaming ? 'mid-stream' : 'before-content';
  }

  #leave(why?: 'hedged'): void {
    const known = this.#spent();
    this.#exchange?.abort();
    // The provider had the request, or a part of it, when nobody wanted it any more: it may be working on it, and bills it.
    const wasAccepted = known.wasAccepted || (this.#exchange?.wasSent === true && this.#status < 400);
    this.#over({ kind: 'left', spent: { ...known, wasAccepted }, ...(why === undefined ? {} : { why }) }, []);
  }

  #refuse(refusal: Refusal): void {
    const { call, target, world } = this.#options;
    const { grant } = this.#options.outgoing;
    this.#exchange?.abort();
    if (grant !== undefined && target.identity !== undefined && (this.#status === 401 || this.#status === 403))
      world.credentials.refused(target.identity, grant, refusal.headers['date']);
    const of = call.decodeError(target, {
      status: this.#status,
      headers: refusal.headers,
      // Before the text is cut to its length: a part of a key would not be known as one.
      body: textWithoutSecrets(Buffer.concat(refusal.chunks).toString('utf8'), target, grant),
      provider: target.providerId,
      model: target.upstreamModel,
      nowMs: world.clock.unixMs(),
    });
    const told = faultWithoutSecrets(of, target, grant);
    const spent = this.#spent();
    // A part was refused after others had been answered: those are paid for.
    const when = this.#when();
    if (spent.usage === undefined && when === 'before-content')
      this.#over({ kind: 'refused', status: this.#status, fault: told }, []);
    else this.#over({ kind: 'broke', when, fault: told, detail: 'part_refused', spent }, []);
  }

  /** The single exit. Books first, so that the money is written down before the caller's last byte. */
  #over(outcome: Outcome, losses: readonly Loss[], handOver?: (headers: Headers) => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { reply, world, settle, race } = this.#options;
    race?.leave(this);
    for (const cancel of this.#cancels) cancel();
    reply.signal.removeEventListener('abort', this.#left);
    world.underWay.leave(this);
    const headers = settle(outcome, losses);
    handOver?.(headers);
    this.#resolve(outcome);
  }
}

/** JSON, or a stream of events, lines or AWS's frames. Anything else is read all the same, but it is odd (faults.md F14). */
function isUsualType(header: string | string[] | undefined): boolean {
  return (
    typeof header === 'string' &&
    /^(?:application\/(?:x-nd|[\w.-]+\+)?json|text\/event-stream|application\/vnd\.amazon\.eventstream)\b/i.test(
      header.trim(),
    )
  );
}

/** An answer that is no success: read to its end, then classified by the dialect. */
interface Refusal {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly chunks: Buffer[];
  bytes: number;
}
