/**
 * A batch by way of its provider's own: decided, held, sent in parts, looked after, taken in. What is known of it stands in
 * the store before it is relied on, so that another process can go on. What the provider does not take is left to our queue.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Fault } from '../../chat/fault.ts';
import { nextTurn } from '../../pipeline/turns.ts';
import { payerFor } from '../../pipeline/payer.ts';
import type { World } from '../../pipeline/world.ts';
import type { BatchApi } from '../../providers/provider.ts';
import type { Target } from '../../routing/target.ts';
import type { BatchChange, StoredBatch } from '../../store/batch-ports.ts';
import { isHold, type Hold, type KeyRow } from '../../store/ports.ts';
import type { Doorway, LineAnswer } from '../ask.ts';
import { lineAt, linesOf, readLine, type Line, type ReadLine } from '../lines.ts';
import { verdictOn } from '../verdict.ts';
import type { BatchProtocol, LineOutcome, Look } from './protocol.ts';
import { PROTOCOLS } from './protocols.ts';
import type { Link } from './link.ts';
import { atBatchPrice, packed, planningOf, prepared, understood, type Planned, type Preparing } from './prepare.ts';
import { readState, stateRecord, type NativeState, type Part } from './state.ts';
import { takenIn } from './take-in.ts';

/** Of one part: what is held in memory while it is sent. Providers take 200 MB and more. */
const PART_BYTES_MAX = 16 * 1024 * 1024;
const PART_LINES_MAX = 10_000;
/** Between two looks at a provider's batch; the pauses grow by half each. */
const LOOK_MS = { first: 200, most: 60_000 } as const;
/** A batch that was cancelled has so long to end at the provider ("up to 10 minutes", says OpenAI). */
const CANCEL_MS = 10 * 60_000;
/** Results handed over before the store is waited for. */
const PUT_MAX = 200;
/** Lines are looked at for so long, then everybody else has a turn. */
const TURN_MS = 10;

export type Halt = 'canceled' | 'expired' | 'stopping';

/** The batch, as its job sees it. */
export interface NativeHost {
  batch(): StoredBatch;
  change(change: BatchChange): Promise<void>;
  fail(errors: NonNullable<StoredBatch['errors']>): Promise<void>;
  halt(): Halt | undefined;
  pause(mostMs: number): Promise<void>;
  /** Lines that have a result. */
  done(): Promise<ReadonlySet<number>>;
  put(line: number, customId: string, answer: LineAnswer): void;
  /** Until the store has all that was put. */
  settled(): Promise<void>;
}

export interface NativePorts {
  readonly world: World;
  readonly host: NativeHost;
  readonly file: FileHandle;
  readonly doorway: Doorway;
  readonly key: KeyRow;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Where all lines go. */
interface Goal {
  readonly target: Target;
  readonly api: BatchApi;
}

/** Does what can be done of a batch in its provider's own. What has no result afterwards is for our queue, or for nobody. */
export async function runNative(ports: NativePorts): Promise<void> {
  const known = readState(ports.host.batch().native);
  // It was refused, and what it had taken is here: it is not needed any more.
  if (known?.isRefused === true && known.parts.every((part) => part.isDone === true)) return;
  const decided = known === undefined ? await decide(ports) : { state: known, goal: await goalOf(known, ports) };
  if (decided === undefined) return;
  const { state, goal } = decided;
  const hold = await holdFor(state, known !== undefined, ports);
  if (hold === undefined) return;
  try {
    await new NativeRun(ports, { state, goal, hold }).run();
  } finally {
    ports.world.store.ledger.release(hold);
  }
}

/** One target for all lines, and a provider that takes them in batches; undefined where it is not so. */
async function decide(ports: NativePorts): Promise<{ readonly state: NativeState; readonly goal: Goal } | undefined> {
  const { world, host } = ports;
  if (!world.snapshot().batches.mayUseNative || (await host.done()).size > 0) return undefined;
  let first: { readonly line: Planned; readonly path: string } | undefined;
  let worstNanoUsd = 0n;
  for await (const read of inTurns(ports)) {
    const line = host.halt() === undefined ? await paidLine(read, ports) : undefined;
    const sent = line === undefined ? undefined : await packed(line, world);
    if (line === undefined || sent === undefined) return undefined;
    first ??= { line, path: sent.path };
    if (first.line.target.id !== line.target.id || first.path !== sent.path) return undefined;
    worstNanoUsd += sent.worstNanoUsd;
  }
  if (first === undefined) return undefined;
  const { target, api } = first.line;
  return { goal: { target, api }, state: { target: target.id, path: first.path, worstNanoUsd, parts: [] } };
}

function isPaidBy({ planning, target }: Planned, { key, world }: NativePorts): boolean {
  const { booked } = payerFor(key, { tags: [] }, world);
  const { payer } = planning;
  const at = payer.pursesAt?.({ provider: target.providerId, model: target.model });
  return payer.booked.join(' ') === booked.join(' ') && (at === undefined || at.hard.length === 0);
}

async function* inTurns({ file, world }: NativePorts): AsyncGenerator<ReadLine> {
  let turnMs = performance.now();
  for await (const read of linesOf(file, world.snapshot().bodyMaxBytes)) {
    yield read;
    if (performance.now() - turnMs < TURN_MS) continue;
    await nextTurn();
    turnMs = performance.now();
  }
}

/** The batch has one hold: a line that counts in other budgets than the batch's key is held and sent by itself. */
async function paidLine(read: ReadLine, ports: NativePorts): Promise<Planned | undefined> {
  const line = await preparedLine(read, ports);
  return line === undefined || isPaidBy(line, ports) ? line : undefined;
}

async function preparedLine({ bytes, line }: ReadLine, ports: NativePorts): Promise<Planned | undefined> {
  const read = bytes === undefined ? undefined : await readLine(bytes, ports.host.batch());
  if (read?.ok !== true) return undefined;
  return prepared(read.value, requestIdOf(ports, line), preparing(ports));
}

function preparing({ world, doorway, key, headers, host }: NativePorts): Preparing {
  const { id: batchId, seen } = host.batch();
  return { world, doorway, key, headers, batchId, seen };
}

/** The same after a crash: the record of a line that is taken in twice is one. */
function requestIdOf({ host }: NativePorts, line: number): string {
  const { id } = host.batch();
  return `req_${id.slice(id.indexOf('_') + 1)}_${line}`;
}

/** The target of a batch that was begun before: it may have no name of its own in the configuration. */
async function goalOf({ target: id }: NativeState, ports: NativePorts): Promise<Goal> {
  const named = ports.world.snapshot().targets.get(id);
  const api = named?.provider.batches;
  if (named !== undefined && api !== undefined) return { target: atBatchPrice(named, api), api };
  for await (const read of linesOf(ports.file, ports.world.snapshot().bodyMaxBytes)) {
    const line = await preparedLine(read, ports);
    if (line?.target.id !== id) break;
    return { target: line.target, api: line.api };
  }
  throw new Error(`the provider works on a batch for ${id}, and the configuration has it no more`);
}

/** Money for all of it, or the batch fails. What was sent before a crash has to be paid, whether it is covered or not. */
async function holdFor(state: NativeState, isSent: boolean, ports: NativePorts): Promise<Hold | undefined> {
  const { world, key, host } = ports;
  const { ledger } = world.store;
  const done = state.parts.reduce((sum, part) => (part.isDone === true ? sum + part.worstNanoUsd : sum), 0n);
  const requestId = host.batch().id;
  const payer = payerFor(key, { tags: [] }, world);
  const held = await ledger.hold(payer, state.worstNanoUsd - done, requestId);
  if (isHold(held)) return held;
  if (held.code !== 'budget-exceeded') throw new Error(held.message);
  if (isSent) {
    const bare = await ledger.hold(payer, 0n, requestId);
    if (isHold(bare)) return bare;
    throw new Error(bare.message);
  }
  await host.fail([{ code: 'budget_exceeded', message: held.message, param: null, line: null }]);
  return undefined;
}

interface Course {
  readonly state: NativeState;
  readonly goal: Goal;
  readonly hold: Hold;
}

class NativeRun {
  readonly #ports: NativePorts;
  readonly #protocol: BatchProtocol;
  readonly #link: Link;
  readonly #goal: Goal;
  readonly #hold: Hold;
  #state: NativeState;

  constructor(ports: NativePorts, { state, goal, hold }: Course) {
    this.#ports = ports;
    this.#state = state;
    this.#goal = goal;
    this.#hold = hold;
    this.#protocol = PROTOCOLS[goal.api.form];
    this.#link = { world: ports.world, target: goal.target, headers: ports.headers };
  }

  async run(): Promise<void> {
    await this.#send();
    await this.#lookAfter();
  }

  async #send(): Promise<void> {
    const { file, world, host } = this.#ports;
    const feed = linesOf(file, world.snapshot().bodyMaxBytes);
    let index = await this.#firstUnsent();
    while (this.#state.isRefused !== true && host.halt() === undefined) {
      const gathered = await this.#gather(feed, this.#rangeOf(index));
      if (gathered === undefined) return;
      const { lines, ...part } = gathered;
      await this.#keep(index, part);
      await this.#submit(index, part, lines);
      index += 1;
    }
  }

  /** Place of the first part that is not with the provider. The last that is known may be there without an id. */
  async #firstUnsent(): Promise<number> {
    const { parts } = this.#state;
    const index = parts.findIndex((part) => part.id === undefined);
    const part = parts[index];
    if (part === undefined) return parts.length;
    return (await this.#found(index, part)) ? index + 1 : index;
  }

  /** Lines of a part: those that it had, or all that come behind the parts there are. */
  #rangeOf(index: number): { readonly from: number; readonly to: number } {
    const { parts } = this.#state;
    const part = parts[index];
    return part === undefined
      ? { from: (parts.at(-1)?.last ?? 0) + 1, to: Infinity }
      : { from: part.first, to: part.last };
  }

  /** Whether a part that may have been sent is there. Asked until the provider says so, since to send it twice costs twice. */
  async #found(index: number, part: Part): Promise<boolean> {
    const found = await this.#patiently(async () => this.#protocol.find(this.#link, this.#mark(index)));
    if (found === undefined || !found.ok || found.value === undefined) return false;
    await this.#keep(index, { ...part, id: found.value });
    return true;
  }

  #mark(index: number): string {
    return `${this.#ports.host.batch().id}_${index}`;
  }

  /** The next lines that go together; undefined after the last. */
  async #gather(
    feed: AsyncGenerator<ReadLine>,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<(Part & { readonly lines: readonly Buffer[] }) | undefined> {
    const lines: Buffer[] = [];
    let part = { first: 0, last: 0, worstNanoUsd: 0n };
    for (let bytes = 0; bytes < PART_BYTES_MAX && lines.length < PART_LINES_MAX && part.last < to;) {
      const { value: read, done } = await feed.next();
      if (done === true) break;
      if (read.line < from) continue;
      const sent = await this.#wireLine(read);
      if (sent === undefined) {
        // The configuration is not what it was: the rest goes line by line.
        await this.#change({ isRefused: true });
        return undefined;
      }
      lines.push(sent.bytes);
      bytes += sent.bytes.length;
      const worstNanoUsd = part.worstNanoUsd + sent.worstNanoUsd;
      part = { first: part.first === 0 ? read.line : part.first, last: read.line, worstNanoUsd };
      if (lines.length % 64 === 0) await nextTurn();
    }
    return lines.length === 0 ? undefined : { ...part, lines };
  }

  async #wireLine(read: ReadLine): Promise<{ readonly bytes: Buffer; readonly worstNanoUsd: bigint } | undefined> {
    const line = await preparedLine(read, this.#ports);
    const sent = line === undefined ? undefined : await packed(line, this.#ports.world);
    if (sent === undefined || line?.target.id !== this.#state.target) return undefined;
    const { path, body, worstNanoUsd } = sent;
    return { bytes: this.#protocol.line(`l${read.line}`, path, body), worstNanoUsd };
  }

  async #submit(index: number, part: Part, lines: readonly Buffer[]): Promise<void> {
    const parcel = { lines, path: this.#state.path, mark: this.#mark(index) };
    const sent = await this.#patiently(async () => this.#protocol.submit(this.#link, parcel));
    if (sent === undefined) return;
    if (sent.ok) {
      await this.#keep(index, { ...part, id: sent.value });
      this.#log('info', 'a part of a batch is with its provider', { part: index, lines: lines.length, id: sent.value });
      return;
    }
    await this.#change({ isRefused: true, parts: this.#state.parts.filter((one) => one.id !== undefined) });
    this.#log('warn', 'a provider takes no batch: it goes line by line', { reason: sent.error.message });
  }

  /** Asks until there is an answer that a repeat would not change; undefined where the batch is halted meanwhile. */
  async #patiently<T extends { readonly ok: boolean; readonly error?: Fault }>(
    ask: () => Promise<T>,
  ): Promise<T | undefined> {
    const { host, world } = this.#ports;
    for (let tries = 1; host.halt() === undefined; tries += 1) {
      const answer = await ask();
      if (answer.ok || answer.error === undefined) return answer;
      const verdict = verdictOn(answer.error, { tries, wasAlone: true, random: world.random });
      if (verdict.do !== 'again') return answer;
      await this.#rest(verdict.afterMs);
    }
    return undefined;
  }

  /** Until the time has come, or the batch is halted in another way than it was. */
  async #rest(forMs: number): Promise<void> {
    const { host, world } = this.#ports;
    const halted = host.halt();
    const untilMs = world.clock.monotonicMs() + forMs;
    for (;;) {
      const leftMs = untilMs - world.clock.monotonicMs();
      if (leftMs <= 0 || host.halt() !== halted) return;
      await host.pause(leftMs);
    }
  }

  async #lookAfter(): Promise<void> {
    const { host, world } = this.#ports;
    let waitMs: number = LOOK_MS.first;
    let haltedMs: number | undefined;
    for (;;) {
      await this.#checkKey();
      const halt = host.halt();
      if (halt === 'stopping') return;
      if (halt !== undefined && haltedMs === undefined) {
        haltedMs = world.clock.monotonicMs();
        waitMs = LOOK_MS.first;
        await this.#cancel();
      }
      for (const [index, part] of this.#state.parts.entries())
        if (part.id !== undefined && part.isDone !== true) await this.#lookAt(index, part.id);
      const isDone = this.#state.parts.every((part) => part.isDone === true || part.id === undefined);
      if (isDone || world.clock.monotonicMs() - (haltedMs ?? Infinity) > CANCEL_MS) return;
      await this.#rest(waitMs);
      waitMs = Math.min(LOOK_MS.most, waitMs * 1.5);
    }
  }

  /** A key that may do nothing any more stops its batch at the provider, too. */
  async #checkKey(): Promise<void> {
    const { host, world, key } = this.#ports;
    const standing = world.store.keys.standing(key.id);
    if (standing.ok || standing.error.code === 'store-unavailable' || host.halt() !== undefined) return;
    const { code, message } = standing.error;
    const errors = [{ code: code.replaceAll('-', '_'), message, param: null, line: null }];
    await host.change({ status: 'cancelling', cancellingAtMs: world.clock.unixMs(), errors });
  }

  async #cancel(): Promise<void> {
    for (const { id, isDone } of this.#state.parts) {
      if (id === undefined || isDone === true) continue;
      const cancelled = await this.#protocol.cancel(this.#link, id);
      if (!cancelled.ok) this.#log('warn', 'a provider did not cancel a batch', { reason: cancelled.error.message });
    }
  }

  async #lookAt(index: number, id: string): Promise<void> {
    const look = await this.#protocol.look(this.#link, id);
    const part = this.#state.parts[index];
    if (part === undefined) return;
    if (!look.ok) {
      this.#log('warn', 'a provider does not tell how a batch stands', { reason: look.error.message });
      return;
    }
    if (!look.value.hasEnded) return;
    const { failed } = look.value;
    if (failed !== undefined)
      this.#log('warn', 'a provider found a batch wrong: it goes line by line', { reason: failed });
    const unread = failed === undefined ? await this.#takeIn(part, look.value) : undefined;
    if (unread === undefined) await this.#keep(index, { ...part, isDone: true });
    else this.#log('warn', 'the results of a batch could not be read and are read again', { reason: unread.message });
  }

  async #takeIn(part: Part, look: Look): Promise<Fault | undefined> {
    const { host, file, world } = this.#ports;
    const places = new Map<string, Line>();
    for await (const { line, offset, length } of linesOf(file, world.snapshot().bodyMaxBytes)) {
      if (line > part.last) break;
      if (line >= part.first) places.set(`l${line}`, { line, offset, length });
    }
    const done = new Set(await host.done());
    let count = 0;
    const failed = await this.#protocol.results(this.#link, look, async ({ customId, result }) => {
      const place = places.get(customId);
      if (place === undefined || done.has(place.line) || result.kind === 'undone') return;
      done.add(place.line);
      await this.#takeLine(place, result);
      count += 1;
      if (count % PUT_MAX === 0) await host.settled();
    });
    await host.settled();
    return failed;
  }

  async #takeLine(place: Line, result: Extract<LineOutcome['result'], { kind: 'answered' }>): Promise<void> {
    const { host, file, world } = this.#ports;
    const { line } = place;
    const batch = host.batch();
    const read = await readLine(await lineAt(file, place), batch);
    const requestId = requestIdOf(this.#ports, line);
    const { target } = this.#goal;
    const by = preparing(this.#ports);
    const call = read.ok ? await understood(read.value, requestId, by) : undefined;
    if (!read.ok || call === undefined) throw new Error(`line ${line} was sent and cannot be read any more`);
    const at = { world, hold: this.#hold, batchId: batch.id, line, requestId };
    host.put(line, read.value.customId, takenIn(result, { call, target, planning: planningOf(call, target, by) }, at));
  }

  /** A part in its place, in the store. */
  async #keep(index: number, part: Part): Promise<void> {
    await this.#change({ parts: [...this.#state.parts.slice(0, index), part, ...this.#state.parts.slice(index + 1)] });
  }

  async #change(change: Partial<NativeState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await this.#ports.host.change({ native: stateRecord(this.#state) });
  }

  #log(level: 'info' | 'warn', text: string, more: Readonly<Record<string, string | number>>): void {
    this.#ports.world.log(level, text, { batch: this.#ports.host.batch().id, target: this.#state.target, ...more });
  }
}
