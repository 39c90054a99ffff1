/** Calls to a provider that are not requests of a caller: about its batches and files. */
import type { Fault } from '../../chat/fault.ts';
import { fault } from '../../chat/fault.ts';
import { OUTSIDE } from '../../lib/crowd.ts';
import { asRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { lineSplitter } from '../../lib/lines.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { sendingTo } from '../../pipeline/outgoing.ts';
import { faultWithoutSecrets, textWithoutSecrets } from '../../pipeline/secrets.ts';
import type { UnderWay, World } from '../../pipeline/world.ts';
import { errorOf } from '../../providers/provider.ts';
import type { Target } from '../../routing/target.ts';
import type { UpstreamExchange, UpstreamHandler } from '../../upstream/upstream.ts';

/** An error answer is read up to here. */
const ERROR_BODY_MAX_BYTES = 64 * 1024;
/** Answers about a batch are short; a list of a hundred of them has some hundred kilobytes. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
/** The results of a batch, whole. */
const RESULTS_MAX_BYTES = 16 * 1024 * 1024 * 1024;

/** The provider, as one batch speaks to it. */
export interface Link {
  readonly world: World;
  readonly target: Target;
  /** Of the caller, where they are meant for the provider (`anthropic-beta`). */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface ProviderCall {
  readonly method: 'GET' | 'POST';
  /** Below its base URL. */
  readonly path: string;
  readonly body?: Buffer;
  /** Of the body; absent: JSON. */
  readonly type?: string;
}

/** A JSON object, or why there is none. */
export async function askProvider(link: Link, call: ProviderCall): Promise<Result<JsonRecord, Fault>> {
  const pieces: Buffer[] = [];
  const failed = await exchange(link, { ...call, answerMaxBytes: ANSWER_MAX_BYTES }, (piece) => {
    pieces.push(piece);
  });
  if (failed !== undefined) return err(failed);
  const record = asRecord(parseJson(Buffer.concat(pieces).toString('utf8')));
  const provider = link.target.providerId;
  return record === undefined
    ? err(fault('upstream-invalid', { provider, reason: 'it is no JSON object' }))
    : ok(record);
}

/** The lines of a file, each handed over when the one before it has been dealt with. */
export async function readProviderLines(
  link: Link,
  path: string,
  onLine: (line: Buffer) => Promise<void>,
): Promise<Fault | undefined> {
  const splitter = lineSplitter(link.world.snapshot().responseMaxBytes);
  const failed = await exchange(link, { method: 'GET', path, answerMaxBytes: RESULTS_MAX_BYTES }, async (piece) => {
    for (const line of splitter.push(piece)) await onLine(line);
  });
  if (failed !== undefined) return failed;
  for (const line of splitter.end()) await onLine(line);
  const max = link.world.snapshot().responseMaxBytes;
  return splitter.isTooBig() ? fault('upstream-too-big', { provider: link.target.providerId, max }) : undefined;
}

interface Exchanged extends ProviderCall {
  readonly answerMaxBytes: number;
}

/** One call. While a piece is dealt with, the provider is not read. */
function exchange(
  link: Link,
  call: Exchanged,
  onPiece: (piece: Buffer) => void | Promise<void>,
): Promise<Fault | undefined> {
  const { world, target } = link;
  const { method, path, body = Buffer.alloc(0), type } = call;
  const parcel = { path, isStreaming: false, isSameWire: true, instanceId: world.instanceId, body };
  const sending = sendingTo(
    target,
    { headers: link.headers, query: '' },
    type === undefined ? parcel : { ...parcel, type },
  );
  if (!sending.ok) return Promise.resolve(sending.error);
  const limits = { ...target.timeouts, bodyMaxBytes: call.answerMaxBytes };
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(link, { onPiece, resolve, reject });
    const request = { ...sending.value, method, body: method === 'GET' ? undefined : body, limits };
    reader.begin(world.upstream.send(request, reader));
  });
}

interface ReaderPorts {
  readonly onPiece: (piece: Buffer) => void | Promise<void>;
  readonly resolve: (failed: Fault | undefined) => void;
  readonly reject: (error: unknown) => void;
}

class AnswerReader implements UpstreamHandler, UnderWay {
  place = OUTSIDE;
  readonly #link: Link;
  readonly #ports: ReaderPorts;
  readonly #refusal: Buffer[] = [];
  #exchange: UpstreamExchange | undefined;
  #status = 0;
  #headers: Parameters<UpstreamHandler['head']>[1] = {};
  /** What is being dealt with. */
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(link: Link, ports: ReaderPorts) {
    this.#link = link;
    this.#ports = ports;
  }

  begin(exchanged: UpstreamExchange): void {
    this.#exchange = exchanged;
    this.#link.world.underWay.enter(this);
  }

  /** From outside: the process goes down. */
  stop(why: Fault): void {
    this.#exchange?.abort();
    this.#settle(why);
  }

  head(status: number, headers: Parameters<UpstreamHandler['head']>[1]): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): void {
    if (this.#status >= 300) {
      if (Buffer.concat(this.#refusal).length < ERROR_BODY_MAX_BYTES) this.#refusal.push(chunk);
      return;
    }
    this.#waiting += 1;
    this.#exchange?.pause();
    this.#work = this.#work.then(async () => {
      await this.#ports.onPiece(chunk);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#exchange?.resume();
    });
    // What it throws is told once, at the end; meanwhile nothing more is read.
    this.#work.catch(() => {
      this.#exchange?.abort();
      this.#settle(undefined);
    });
  }

  end(): void {
    this.#settle(this.#status >= 300 ? this.#refused() : undefined);
  }

  fail(of: Fault): void {
    this.#settle(faultWithoutSecrets(of, this.#link.target));
  }

  #settle(failed: Fault | undefined): void {
    this.#link.world.underWay.leave(this);
    this.#work.then(() => this.#ports.resolve(failed), this.#ports.reject);
  }

  #refused(): Fault {
    const { target, world } = this.#link;
    const of = errorOf(target.provider, {
      status: this.#status,
      headers: this.#headers,
      body: textWithoutSecrets(Buffer.concat(this.#refusal).toString('utf8'), target),
      provider: target.providerId,
      model: target.upstreamModel,
      nowMs: world.clock.unixMs(),
    });
    return faultWithoutSecrets({ ...of, upstreamStatus: this.#status }, target);
  }
}
