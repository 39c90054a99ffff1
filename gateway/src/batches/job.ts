/** One batch under way in this process: checked, run line by line, ended. What stands in the store is enough to go on after a crash. */
import type { FileHandle } from 'node:fs/promises';
import type { Fault } from '../chat/fault.ts';
import type { World } from '../pipeline/world.ts';
import {
  RUNNING,
  type BatchChange,
  type BatchStatus,
  type LineResult,
  type StoredBatch,
} from '../store/batch-ports.ts';
import { askLine, type Door, type Doorway, type LineAnswer } from './ask.ts';
import { checkLines } from './check.ts';
import { createLater, type Later } from './later.ts';
import { lineAt, linesOf, readLine, type Line } from './lines.ts';
import { runNative, type Halt } from './native/run.ts';
import { outputIds, writeOutput } from './output.ts';
import { createResults, type Results } from './results.ts';
import { anthropicAnswer, anthropicUnanswered, openaiAnswer, openaiUnanswered } from './shapes.ts';
import type { Slots } from './slots.ts';
import type { Spool } from './spool.ts';
import { verdictOn } from './verdict.ts';

/** Lines that wait for another try; beyond it no new one is begun. */
const WAITING_MAX = 10_000;
/** A batch with nothing to do looks again at the latest after so long: its window may have ended. */
const IDLE_MS = 1000;

export interface JobPorts {
  readonly world: World;
  readonly door: Door;
  readonly spool: Spool;
  readonly slots: Slots;
  /** The process ends: no new line is begun. */
  readonly isStopping: () => boolean;
}

interface Item extends Line {
  readonly tries: number;
  /** Only while it is tried for the first time; afterwards it is read again. */
  readonly bytes?: Buffer;
  /** Nothing else of the batch may run beside it. */
  readonly isAlone?: true;
}

export class Job {
  readonly #ports: JobPorts;
  readonly #results: Results;
  readonly #later: Later<Item> = createLater<Item>();
  /** To be tried while nothing else of the batch is. */
  readonly #alone: Item[] = [];
  #batch: StoredBatch;
  #underWay = 0;
  #tenths = -1;
  #wake: () => void = () => undefined;

  constructor(batch: StoredBatch, ports: JobPorts) {
    this.#batch = batch;
    this.#ports = ports;
    const onRow = (row: StoredBatch): void => this.update(row);
    this.#results = createResults(batch.id, { world: ports.world, isStopping: ports.isStopping, onRow });
  }

  get id(): string {
    return this.#batch.id;
  }

  /** How it stands in the store, where somebody may have cancelled it. What was read before our own last change is older. */
  update(batch: StoredBatch): void {
    if (!isNewer(batch, this.#batch)) return;
    this.#batch = batch;
    this.#wake();
    const done = batch.succeeded + batch.errored;
    const tenths = batch.total === 0 ? -1 : Math.floor((done * 10) / batch.total);
    if (tenths <= this.#tenths) return;
    const isFirst = this.#tenths === -1;
    this.#tenths = tenths;
    if (!isFirst && tenths < 10) this.#log('info', 'a batch goes on', { done, percent: tenths * 10 });
  }

  wake(): void {
    this.#wake();
  }

  /** Until its end, or that of the process. Throws where the disk or the store gives no way on: to be begun again later. */
  async run(): Promise<void> {
    const file = await this.#ports.spool.find(this.#batch.inputFileId);
    if (file === undefined) {
      await this.#fail([
        { code: 'file_not_found', message: 'The input file is gone.', param: 'input_file_id', line: null },
      ]);
      return;
    }
    try {
      if (this.#batch.status === 'validating') await this.#validate(file);
      await this.#native(file);
      if (this.#batch.status === 'in_progress') await this.#lines(file);
      if (this.#ports.isStopping() || !RUNNING.includes(this.#batch.status)) return;
      if (this.#batch.startedAtMs !== undefined) await this.#fillUp(file);
      await this.#finish();
    } finally {
      await file.close();
    }
  }

  async #validate(file: FileHandle): Promise<void> {
    const { world } = this.#ports;
    const { total, problems } = await checkLines(file, this.#batch, world.snapshot().bodyMaxBytes);
    if (problems.length > 0) {
      await this.#fail(problems);
      return;
    }
    await this.#change({ status: 'in_progress', total, startedAtMs: world.clock.unixMs() }, ['validating']);
    this.#log('info', 'a batch begins', { lines: total, endpoint: this.#batch.endpoint });
  }

  /** As far as its provider's own batches go: what is left afterwards goes line by line. */
  async #native(file: FileHandle): Promise<void> {
    const { world } = this.#ports;
    const { status, native, keyId } = this.#batch;
    const isBegun = status === 'cancelling' && native !== undefined;
    const { keys } = world.store;
    const key = keys.standing(keyId);
    if ((status !== 'in_progress' && !isBegun) || (!key.ok && native === undefined)) return;
    // What the provider has of a key that may do nothing any more is cancelled, and paid for by whom it belongs to.
    const gone = { id: keyId, name: keyId, isRoot: false, isDisabled: true, createdAtMs: 0, tags: [] };
    const row = key.ok ? key.value : (keys.get(keyId) ?? gone);
    await runNative({
      world,
      file,
      key: row,
      doorway: this.#doorway(),
      headers: headersOf(this.#batch),
      host: {
        batch: () => this.#batch,
        change: async (change) => this.#change(change, ['in_progress', 'cancelling']),
        fail: async (errors) => this.#fail(errors),
        halt: () => this.#halt(),
        pause: async (mostMs) => this.#pause(mostMs),
        done: async () => this.#done(),
        put: (line, customId, answer) => this.#put(line, customId, answer),
        settled: async () => this.#results.settled(),
      },
    });
  }

  #doorway(): Doorway {
    const doorway = this.#ports.door(this.#batch.endpoint);
    if (doorway === undefined) throw new Error(`nothing answers at ${this.#batch.endpoint}`);
    return doorway;
  }

  async #lines(file: FileHandle): Promise<void> {
    const doorway = this.#doorway();
    const feed = this.#feed(file, await this.#done());
    this.update(this.#batch);
    while (this.#halt() === undefined) {
      const item = this.#next() ?? (this.#mayFeed() ? await feed.next() : undefined);
      if (item !== undefined) await this.#begin(item, { file, doorway });
      else if (feed.isOver() && this.#isIdle()) break;
      else await this.#pause();
    }
    while (this.#underWay > 0) await this.#pause();
    await this.#results.settled();
  }

  async #done(): Promise<ReadonlySet<number>> {
    const known = await this.#ports.world.store.batches(async (books) => books.resultLines(this.#batch.id));
    if (!known.ok) throw new Error(known.error.message);
    return new Set(known.value);
  }

  /** The lines that have no result, in order; undefined after the last. */
  #feed(file: FileHandle, done: ReadonlySet<number>): Feed {
    const lines = linesOf(file, this.#ports.world.snapshot().bodyMaxBytes);
    let isOver = false;
    return {
      isOver: () => isOver,
      next: async () => {
        while (!isOver) {
          const { value, done: isEnd } = await lines.next();
          if (isEnd === true) isOver = true;
          else if (!done.has(value.line)) return { ...value, tries: 0 };
        }
        return undefined;
      },
    };
  }

  #isIdle(): boolean {
    return this.#underWay === 0 && this.#later.size === 0 && this.#alone.length === 0;
  }

  /** A line that must be alone first, then one whose wait is over. */
  #next(): Item | undefined {
    if (this.#alone.length > 0) return this.#underWay === 0 ? this.#alone.shift() : undefined;
    return this.#results.isFull() ? undefined : this.#later.take(this.#ports.world.clock.monotonicMs());
  }

  #mayFeed(): boolean {
    return this.#alone.length === 0 && this.#later.size < WAITING_MAX && !this.#results.isFull();
  }

  async #begin(item: Item, place: Place): Promise<void> {
    const { slots, world } = this.#ports;
    await slots.enter();
    if (this.#halt() !== undefined) {
      slots.leave();
      return;
    }
    const wasAlone = this.#underWay === 0;
    this.#underWay += 1;
    const over = this.#try(item, { ...place, wasAlone })
      .catch((error: unknown) => {
        // The disk, most likely. The line has no result, so that it is tried again.
        this.#later.add(retried(item), world.clock.monotonicMs() + IDLE_MS);
        this.#log('error', 'a line of a batch could not be tried', { line: item.line, error: String(error) });
      })
      .finally(() => {
        this.#underWay -= 1;
        slots.leave();
        this.#wake();
      });
    if (item.isAlone === true) await over;
  }

  async #try(item: Item, { file, doorway, wasAlone }: Trying): Promise<void> {
    const { world } = this.#ports;
    const { id: batchId, keyId } = this.#batch;
    const read = await readLine(item.bytes ?? (await lineAt(file, item)), this.#batch);
    if (!read.ok) throw new Error(`a line that was checked is wrong: ${read.error.message}`);
    const key = world.store.keys.standing(keyId);
    if (!key.ok) {
      await this.#withoutKey(key.error, item);
      return;
    }
    const place = { headers: headersOf(this.#batch), seen: this.#batch.seen };
    const answer = await askLine(read.value, { doorway, world, key: key.value, batchId, ...place });
    const tries = item.tries + 1;
    const verdict =
      answer.fault === undefined
        ? ({ do: 'end' } as const)
        : verdictOn(answer.fault, { tries, wasAlone, random: world.random });
    switch (verdict.do) {
      case 'leave':
        return;
      case 'again':
        this.#later.add(retried(item), world.clock.monotonicMs() + verdict.afterMs);
        return;
      case 'alone':
        this.#alone.push({ ...retried(item), isAlone: true });
        return;
      case 'end':
        this.#put(item.line, read.value.customId, answer);
    }
  }

  #put(line: number, customId: string, answer: LineAnswer): void {
    const told = { batchId: this.#batch.id, line, customId, ...answer };
    const text = this.#batch.form === 'openai' ? openaiAnswer(told) : anthropicAnswer(told);
    this.#results.add({ line, state: answer.status < 400 ? 'succeeded' : 'errored', text });
  }

  /** Its key may do nothing any more: the batch ends as if it had been cancelled. Where only nobody knows, the line waits. */
  async #withoutKey(of: Fault, item: Item): Promise<void> {
    const { world } = this.#ports;
    if (of.code === 'store-unavailable') {
      this.#later.add(item, world.clock.monotonicMs() + IDLE_MS);
      return;
    }
    const errors = [{ code: of.code.replaceAll('-', '_'), message: of.message, param: null, line: null }];
    await this.#change({ status: 'cancelling', cancellingAtMs: world.clock.unixMs(), errors }, ['in_progress']);
  }

  #halt(): Halt | undefined {
    const { world, isStopping } = this.#ports;
    if (isStopping()) return 'stopping';
    if (this.#batch.status !== 'in_progress') return 'canceled';
    return world.clock.unixMs() >= this.#batch.expiresAtMs ? 'expired' : undefined;
  }

  /** What has no result gets one that says why. */
  async #fillUp(file: FileHandle): Promise<void> {
    const { world } = this.#ports;
    const { id: batchId, total, form } = this.#batch;
    const done = await this.#done();
    if (done.size >= total) return;
    const state = this.#batch.cancellingAtMs === undefined ? 'expired' : 'canceled';
    let rows: LineResult[] = [];
    const put = async (): Promise<void> => {
      const stored = await world.store.batches(async (books) => books.putResults(batchId, rows));
      if (!stored.ok) throw new Error(stored.error.message);
      if (stored.value !== undefined) this.#batch = stored.value;
      rows = [];
    };
    for await (const { line, bytes } of linesOf(file, world.snapshot().bodyMaxBytes)) {
      if (done.has(line) || bytes === undefined) continue;
      const read = await readLine(bytes, this.#batch);
      const customId = read.ok ? read.value.customId : '';
      const text =
        form === 'openai' ? openaiUnanswered({ batchId, line, customId }, state) : anthropicUnanswered(customId, state);
      rows.push({ line, state, text });
      if (rows.length >= 500) await put();
    }
    await put();
  }

  async #finish(): Promise<void> {
    const { world, spool } = this.#ports;
    const nowMs = world.clock.unixMs();
    const ids = outputIds(this.#batch, world.newId);
    const isCancelled = this.#batch.cancellingAtMs !== undefined;
    const stage = isCancelled ? {} : ({ status: 'finalizing', finalizingAtMs: nowMs } as const);
    await this.#change({ ...stage, ...ids }, RUNNING);
    await writeOutput(this.#batch, { world, spool });
    const status = isCancelled ? 'cancelled' : this.#batch.expired > 0 ? 'expired' : 'completed';
    await this.#end({ status, endedAtMs: world.clock.unixMs() });
  }

  async #fail(errors: NonNullable<StoredBatch['errors']>): Promise<void> {
    await this.#end({ status: 'failed', errors, endedAtMs: this.#ports.world.clock.unixMs() });
  }

  async #end(change: BatchChange): Promise<void> {
    await this.#change(change, RUNNING);
    const { status, total, succeeded, errored, canceled, expired } = this.#batch;
    this.#log('info', 'a batch ends', { status, lines: total, succeeded, errored, canceled, expired });
  }

  async #change(change: BatchChange, from: readonly BatchStatus[]): Promise<void> {
    const changed = await this.#ports.world.store.batches(async (books) =>
      books.changeBatch(this.#batch.id, change, from),
    );
    if (!changed.ok) throw new Error(changed.error.message);
    if (changed.value === undefined) throw new Error('a running batch is gone from the store');
    this.#batch = changed.value;
  }

  /** Until something of the batch has changed, or the next of its lines is due. */
  #pause(mostMs: number = IDLE_MS): Promise<void> {
    const { world } = this.#ports;
    const dueMs = (this.#later.nextMs() ?? Infinity) - world.clock.monotonicMs();
    return new Promise((resolve) => {
      const cancel = world.timers.after(Math.max(1, Math.min(dueMs, mostMs, IDLE_MS)), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #log(level: 'info' | 'error', text: string, more: Readonly<Record<string, string | number>>): void {
    this.#ports.world.log(level, text, { batch: this.#batch.id, ...more });
  }
}

interface Feed {
  next(): Promise<Item | undefined>;
  isOver(): boolean;
}

interface Place {
  readonly file: FileHandle;
  readonly doorway: Doorway;
}

interface Trying extends Place {
  readonly wasAlone: boolean;
}

/** In the order in which a batch goes through them. */
const STAGES: readonly BatchStatus[] = ['validating', 'in_progress', 'finalizing', 'cancelling'];

function isNewer(row: StoredBatch, known: StoredBatch): boolean {
  const [stage, stageKnown] = [STAGES.indexOf(row.status), STAGES.indexOf(known.status)];
  if (stage !== stageKnown) return stage > stageKnown && stageKnown !== -1;
  return row.succeeded + row.errored >= known.succeeded + known.errored;
}

function retried({ line, offset, length, tries }: Item): Item {
  return { line, offset, length, tries: tries + 1 };
}

/** Headers of an Anthropic batch that hold for each of its messages; kept as its metadata, of which that protocol has none. */
function headersOf({ form, metadata = {} }: StoredBatch): Readonly<Record<string, string>> {
  if (form === 'openai') return {};
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
