/**
 * Races of attempts in virtual time: providers that answer, fail, break or fall silent at any moment, callers that leave at any
 * moment. Whatever comes, there is one answer or one fault, every attempt is settled once, and nothing is written after the end.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { loadCatalog } from '../../src/cli/catalog-file.ts';
import { parseConfig } from '../../src/config/load.ts';
import { fault } from '../../src/chat/fault.ts';
import { REPLACEABLE } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { Observatory } from '../../src/health/observatory.ts';
import { asArray, compact, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { parseBody } from '../../src/pipeline/body.ts';
import { chatArrival } from '../../src/pipeline/chat.ts';
import { handle } from '../../src/pipeline/handle.ts';
import type { Ending, Reply } from '../../src/pipeline/reply.ts';
import type { Timers, World } from '../../src/pipeline/world.ts';
import { compile } from '../../src/routing/compile.ts';
import type { Snapshot } from '../../src/routing/snapshot.ts';
import type { KeyRow, Store } from '../../src/store/ports.ts';
import { openStore } from '../../src/store/store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import { wire, type Gateway } from '../../src/wire.ts';
import type { Ways } from '../e2e/attempts-kit.ts';
import { ROOT_KEY, testConfig } from '../harness.ts';

const RUNS = Number(process.env['TURNOUT_SIM_RUNS'] ?? 400);
const TARGETS = ['p/m', 's/m', 't/m'];

/** Time that passes when told to. */
interface VirtualTime extends Timers {
  nowMs(): number;
  /** Lets the next thing happen; false where nothing is to come. */
  step(): boolean;
  pending(): number;
}

function virtualTime(): VirtualTime {
  let nowMs = 0;
  let order = 0;
  const queue = new Map<number, { readonly atMs: number; readonly fire: () => void }>();
  return {
    nowMs: () => nowMs,
    pending: () => queue.size,
    after(delayMs, fire) {
      if (!Number.isFinite(delayMs)) return () => undefined;
      const id = (order += 1);
      queue.set(id, { atMs: nowMs + Math.max(0, delayMs), fire });
      return () => void queue.delete(id);
    },
    step() {
      const next = [...queue].toSorted(([a, one], [b, two]) => one.atMs - two.atMs || a - b)[0];
      if (next === undefined) return false;
      queue.delete(next[0]);
      nowMs = Math.max(nowMs, next[1].atMs);
      next[1].fire();
      return true;
    },
  };
}

/** How a provider takes one call. */
interface Play {
  readonly headMs: number;
  readonly status: 200 | 429 | 500;
  /** Before each of the pieces. */
  readonly pieceMs: readonly number[];
  readonly end: 'well' | 'cut' | 'reset' | 'silence';
}

const SILENT: Play = { headMs: 0, status: 200, pieceMs: [], end: 'silence' };

interface Line {
  readonly provider: string;
  readonly play: Play;
  abortedMs?: number;
  isOver: boolean;
}

/** A provider whose text says whose it is. */
function playing(time: VirtualTime, plays: readonly Play[], lines: Line[]): Upstream {
  return {
    close: () => Promise.resolve(),
    send(call, handler) {
      const play = plays[lines.length % plays.length] ?? SILENT;
      const line: Line = { provider: call.provider, play, isOver: false };
      lines.push(line);
      const isStreaming = call.headers['accept'] === 'text/event-stream';
      let cancel = time.after(play.headMs, () => {
        handler.head(play.status, { 'content-type': isStreaming ? 'text/event-stream' : 'application/json' });
        if (play.status !== 200) over(() => handler.end());
        else piece(0);
      });
      function over(last: () => void): void {
        if (line.isOver) return;
        line.isOver = true;
        last();
      }
      function piece(at: number): void {
        if (line.isOver) return;
        const waitMs = play.pieceMs[at];
        if (waitMs === undefined) {
          close();
          return;
        }
        cancel = time.after(waitMs, () => {
          if (isStreaming) handler.data(Buffer.from(chunk({ content: `${call.provider}${at} ` })));
          piece(at + 1);
        });
      }
      function close(): void {
        if (play.end === 'silence') return;
        if (play.end === 'well') {
          const text = play.pieceMs.map((_, at) => `${call.provider}${at} `).join('');
          handler.data(Buffer.from(isStreaming ? `${chunk({}, 'stop')}data: [DONE]\n\n` : whole(text)));
        }
        if (play.end === 'reset')
          over(() =>
            handler.fail(fault('upstream-cut', { provider: 'x' }), { outcome: 'upstream_reset', wasSent: true }),
          );
        else over(() => handler.end());
      }
      return {
        wasSent: true,
        abort() {
          if (line.isOver) return;
          line.isOver = true;
          line.abortedMs = time.nowMs();
          cancel();
        },
        pause: () => undefined,
        resume: () => undefined,
      };
    },
  };
}

function chunk(delta: JsonRecord, finish: string | null = null): string {
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}

function whole(content: string): string {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices,
    usage: { prompt_tokens: 3, completion_tokens: 2 },
  });
}

/** What the caller saw. Fails at once where something comes after the end. */
interface Seen extends Reply {
  text(): string;
  status(): number;
  isEnded(): boolean;
  leave(): void;
}

function caller(): Seen {
  const gone = new AbortController();
  let text = '';
  let status = 0;
  let isEnded = false;
  function add(bytes: string | Buffer): void {
    assert.ok(!isEnded, 'something was written after the end');
    text += bytes.toString();
  }
  return {
    text: () => text,
    status: () => status,
    isEnded: () => isEnded,
    leave: () => gone.abort(),
    whole(code, _headers, body) {
      assert.equal(status, 0, 'a second answer');
      status = code;
      add(body);
      isEnded = true;
    },
    start(code, _headers, first) {
      assert.equal(status, 0, 'a second answer');
      status = code;
      add(first);
    },
    write(bytes) {
      add(bytes);
      return true;
    },
    end(last = '') {
      add(last);
      isEnded = true;
    },
    onDrain: () => undefined,
    signal: gone.signal,
    get hasStarted() {
      return status !== 0;
    },
    destroy: () => gone.abort(),
  };
}

const plays = fc.array(
  fc.record<Play>({
    headMs: fc.nat(600),
    status: fc.constantFrom(200, 200, 200, 200, 429, 500),
    pieceMs: fc.array(fc.nat(400), { maxLength: 4 }),
    end: fc.constantFrom('well', 'well', 'well', 'cut', 'reset', 'silence'),
  }),
  { minLength: 3, maxLength: 3 },
);
const ways = fc.record<Ways>(
  {
    hedge: fc.record({ afterMs: fc.nat(500), budget: fc.constant(1) }),
    firstTokenMs: fc.integer({ min: 50, max: 800 }),
    attemptsMax: fc.constantFrom(2, 3),
    continues: fc.constant(true),
  },
  { requiredKeys: [] },
);
const scene = fc.record({
  plays,
  ways,
  isStreaming: fc.boolean(),
  leavesMs: fc.option(fc.nat(1500), { nil: undefined }),
});

let store: Store;
let gateway: Gateway;
let dir: string;
let key: KeyRow;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'turnout-races-'));
  const row = (id: string): string =>
    `{dialect: openai-chat, base_url: "http://${id}.example/v1", api_key: k, models: {m: {price: {input: 1, output: 2}}}}`;
  const text = testConfig(
    { p: row('p'), s: row('s'), t: row('t') },
    `routes: {main: {targets: [${TARGETS.join(', ')}]}}`,
  );
  const read = parseConfig(text, { file: 'turnout.yaml', env: {} });
  assert.ok(read.ok);
  const { config } = read.value;
  const catalog = loadCatalog(dir, () => undefined);
  const { snapshot } = compile({ config, catalog, env: {}, dialects: gateDialects });
  store = await openStore({ dataDir: dir, now: Date.now, warn: () => undefined, adminKey: ROOT_KEY });
  gateway = wire({
    store,
    upstream: { send: () => assert.fail('nothing is sent here'), close: () => Promise.resolve() },
    env: {},
    dataDir: dir,
    log: createLog({ write: () => undefined, now: Date.now, level: 'error' }),
    snapshot: () => snapshot,
    config: () => config,
    configProblem: () => undefined,
    limits: config.server,
    version: 'test',
  });
  const made = await store.keys.create({ name: 'races', budgetNanoUsd: 10n ** 12n });
  assert.ok(made.ok);
  key = made.value.row;
});

after(async () => {
  await gateway.close();
  await store.ledger.flush();
  const spend = await store.keys.spend(key.id);
  const proof = await store.verify();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
  assert.deepEqual(proof.ok ? proof.value.problems : [proof.error.message], []);
  assert.equal(spend.ok ? spend.value?.heldNanoUsd : -1n, 0n);
});

interface Played {
  readonly seen: Seen;
  readonly lines: readonly Line[];
  readonly ending: Ending;
  readonly record: JsonRecord;
  readonly time: VirtualTime;
  readonly world: World;
}

interface Scene {
  readonly plays: readonly Play[];
  readonly ways: Ways;
  readonly isStreaming: boolean;
  readonly leavesMs: number | undefined;
}

async function played({ plays: of, ways: by, isStreaming, leavesMs }: Scene): Promise<Played> {
  const time = virtualTime();
  const lines: Line[] = [];
  const snapshot = withWays(gateway.world.snapshot(), by);
  const world: World = {
    ...gateway.world,
    snapshot: () => snapshot,
    clock: { monotonicMs: () => time.nowMs(), unixMs: () => 1_795_000_000_000 + time.nowMs() },
    timers: time,
    upstream: playing(time, of, lines),
    together: (work) => work(),
    // Books of this request alone: what earlier ones have learned is nothing to it.
    hedges: { ...gateway.world.hedges, take: () => undefined },
    health: new Observatory({ random: () => 0.5, changed: () => undefined }),
    random: () => 0.5,
  };
  const asked = { model: 'main', stream: isStreaming, messages: [{ role: 'user', content: 'hi' }], max_tokens: 50 };
  const body = parseBody(Buffer.from(JSON.stringify(asked)));
  assert.ok(body.ok);
  const requestId = world.newId('req');
  const arrival = chatArrival({
    requestId,
    dialect: openaiChat,
    path: {},
    isJsonArray: false,
    headers: {},
    query: '',
    body: body.value,
    startedMs: 0,
  });
  const seen = caller();
  if (leavesMs !== undefined) time.after(leavesMs, () => seen.leave());
  const handled = handle(arrival, { key, reply: seen }, world);
  const ending = await passTime(time, handled);
  const record = await store.requests.get(requestId, key);
  assert.ok(record.ok && record.value !== undefined);
  return { seen, lines, ending, record: record.value, time, world };
}

/** The same configuration, but for what its route does about slow and broken attempts. */
function withWays(snapshot: Snapshot, { hedge, firstTokenMs, continues, attemptsMax }: Ways): Snapshot {
  return {
    ...snapshot,
    resolve(name) {
      const found = snapshot.resolve(name);
      if (found.kind === 'unknown') return found;
      const { policy } = found;
      const ways = {
        hedge: hedge === undefined ? undefined : { after: hedge.afterMs, budget: hedge.budget },
        continues,
        fallback: { replaceable: REPLACEABLE, ...policy.fallback, ...compact({ firstTokenMs, attemptsMax }) },
      };
      return { ...found, policy: { ...policy, ...compact(ways) } };
    },
  };
}

/** Lets things happen one by one, each after all that the one before it has set off, until `handled` is over. */
async function passTime(time: VirtualTime, handled: Promise<Ending>): Promise<Ending> {
  const turn = new Promise<undefined>((resolve) => {
    setImmediate(resolve, undefined);
  });
  const ending = await Promise.race([handled, turn]);
  if (ending !== undefined) return ending;
  time.step();
  return passTime(time, handled);
}

/** What must hold of every request, however its attempts went. */
function assertWhole(
  { ways: { attemptsMax = 3, continues = false }, isStreaming, leavesMs }: Scene,
  { seen, lines, ending, record, world }: Played,
): void {
  assert.ok(lines.length <= attemptsMax, 'more attempts than are allowed');
  assert.ok(
    lines.every((line) => line.isOver),
    'an attempt goes on after the end',
  );
  assert.equal(world.underWay.size, 0);
  assert.equal(store.ledger.health().openAttempts, 0);
  const attempts = (asArray(record['attempts']) ?? []).filter(isRecord);
  // Who is gone before the first byte goes out has cost nothing.
  const sent = attempts.filter((attempt) => attempt['outcome'] !== 'left' || attempt['usage'] !== undefined);
  assert.equal(sent.length, lines.length, 'not every attempt is in the record once');
  const answered = attempts.filter((attempt) => attempt['outcome'] === 'answered');
  if (ending.outcome === 'ok') {
    assert.equal(answered.length, 1);
    assert.ok(seen.isEnded() || seen.signal.aborted);
    const voices = new Set([...seen.text().matchAll(/([pst])\d /g)].map(([, voice]) => voice));
    const isOneVoice = voices.size <= 1 || (continues && isStreaming);
    assert.ok(isOneVoice, `two answers in one: ${seen.text()}`);
    // Where one goes on with another's text, the caller has all that both have said, once.
    const said = [...seen.text().matchAll(/[pst]\d /g)].map(([piece]) => piece);
    assert.equal(new Set(said).size, said.length, `said twice: ${seen.text()}`);
  } else {
    assert.equal(answered.length, 0);
    assert.ok(seen.isEnded() || seen.signal.aborted, 'neither answered nor refused');
  }
  for (const line of lines)
    if (line.abortedMs !== undefined && leavesMs !== undefined)
      assert.ok(line.abortedMs <= leavesMs || ending.outcome === 'ok');
}

describe('a race of attempts', () => {
  it('has one answer or one fault, and every attempt is settled once, whatever the timing', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async (of) => assertWhole(of, await played(of))),
      { numRuns: RUNS },
    );
  });

  it('is won by whoever first has content, at that very moment', async () => {
    const steady = fc.record({
      first: fc.integer({ min: 0, max: 400 }),
      second: fc.integer({ min: 0, max: 400 }),
      afterMs: fc.integer({ min: 10, max: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(steady, fc.boolean(), async ({ first, second, afterMs }, isStreaming) => {
        const play = (headMs: number): Play => ({ headMs, status: 200, pieceMs: [0, 0], end: 'well' });
        const { seen, lines, ending } = await played({
          plays: [play(first), play(second)],
          ways: { hedge: { afterMs, budget: 1 } },
          isStreaming,
          leavesMs: undefined,
        });
        assert.equal(ending.outcome, 'ok');
        const winner = first <= afterMs + second ? 'p' : 's';
        assert.match(seen.text(), new RegExp(`${winner}0 `));
        const loser = lines.find((line) => line.provider !== winner);
        assert.equal(loser?.abortedMs, loser === undefined ? undefined : Math.min(first, afterMs + second));
      }),
      { numRuns: RUNS / 4 },
    );
  });
});
