/** Rows F40 to F45 of the fault table: clients that leave, stop reading, or send at a crawl. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { asRecord, type JsonRecord } from '../../src/lib/json.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import { chatBody, rawCall, rawWhole, type RawCall } from './callers.ts';
import {
  assertAnswered,
  assertQuiet,
  CANCEL_MAX_MS,
  nextPoll,
  P_FINE,
  P_SAYS,
  P_ROW,
  providerRow,
  startRig,
  type Rig,
} from './rig.ts';

const FAKE_NAMES = join(import.meta.dirname, 'fake-names.ts');
const MIB = 1024 * 1024;
/** Limits of this suite; as they are where nothing is configured, the rows would take minutes (60 s, 10 s, 60 s). */
const WRITE_IDLE_MS = 3000;
const HEADER_TIMEOUT_MS = 2000;
const BODY_TIMEOUT_MS = 3000;
/** How late a limit may be noticed. Slow senders are looked for once a second. */
const LATE_MS = 600;
const LOOK_MS = 1000;
const IN_FLIGHT_MAX_BYTES = 10 * MIB;

describe('clients', () => {
  let rig: Rig;
  let tags = 0;

  before(async () => {
    const slow = 'timeouts: {connect_ms: 60000}';
    rig = await startRig({
      nodeArgs: ['--import', FAKE_NAMES],
      faces: { limited: {}, anth: { dialect: 'anthropic-messages' } },
      providers: { silent: providerRow('http://silent.test:1/v1', { fields: slow }) },
      sections: [
        `server: {write_idle_ms: ${WRITE_IDLE_MS}, header_timeout_ms: ${HEADER_TIMEOUT_MS}, body_timeout_ms: ${BODY_TIMEOUT_MS}}`,
      ],
    });
  });

  afterEach(() => rig.p.script([P_FINE]));

  after(() => rig.close());

  /** A request that can be found by its tag. */
  function ask(model: string, isStreaming: boolean): { readonly call: RawCall; readonly tag: string } {
    tags += 1;
    const tag = `leaver-${tags}`;
    return { call: rawCall(rig, chatBody({ model }, isStreaming), { 'x-turnout-tags': tag }), tag };
  }

  /** The newest request that P has received in full. */
  async function atP(predicate: (request: LoggedRequest) => boolean = () => true): Promise<LoggedRequest> {
    const since = rig.p.log.requests.at(-1)?.sequence ?? 0;
    return rig.p.log.waitFor(
      (request) => request.sequence > since && request.receivedMs !== undefined && predicate(request),
      3000,
    );
  }

  /** That P is let go of in time after `leave`. */
  async function assertCancelled(request: LoggedRequest, leave: () => void): Promise<void> {
    const leftMs = performance.now();
    leave();
    const { socketClosedMs = Infinity } = await rig.p.log.waitFor(
      ({ sequence, socketClosedMs: at }) => sequence === request.sequence && at !== undefined,
      2000,
    );
    assert.ok(
      socketClosedMs - leftMs <= CANCEL_MAX_MS,
      `P was let go of after ${(socketClosedMs - leftMs).toFixed(0)} ms`,
    );
  }

  async function assertLeft(
    tag: string,
    attempts: readonly string[],
    rows: readonly (string | RegExp)[],
  ): Promise<JsonRecord> {
    const [record] = await rig.tagged(tag);
    return rig.books(String(record?.['id']), { outcome: 'client_closed', attempts, rows });
  }

  for (const isStreaming of [false, true]) {
    const how = isStreaming ? ', streamed' : '';

    it(`F40 leaves while P is silent${how}: P is let go of, the input is billed`, async () => {
      rig.p.script([{ never_reply: true }]);
      const arrival = atP();
      const { call, tag } = ask('main', isStreaming);
      await assertCancelled(await arrival, () => call.socket.destroy());
      await assertLeft(tag, ['p/m left'], ['p/m left E+0 estimated']);
    });

    it(`F40 leaves while P has sent its headers and nothing else${how}: the same`, async () => {
      rig.p.script([{ ...P_FINE, stall_at: 0 }]);
      const arrival = atP((request) => request.firstByteMs !== undefined);
      const { call, tag } = ask('main', isStreaming);
      await assertCancelled(await arrival, () => call.socket.destroy());
      await assertLeft(tag, ['p/m left'], ['p/m left E+0 estimated']);
    });

    it(`F40 leaves while P sends an error${how}: nothing is billed, since P did nothing`, async () => {
      rig.p.script([{ status: 500, error: { message: 'the engine has stopped' }, stall_at: 10 }]);
      const arrival = atP((request) => request.firstByteMs !== undefined);
      const { call, tag } = ask('main', isStreaming);
      await assertCancelled(await arrival, () => call.socket.destroy());
      await assertLeft(tag, ['p/m left'], []);
    });

    it(`F40 leaves while the gateway is still connecting${how}: nothing was sent, and nothing is billed`, async () => {
      const known = rig.gateway.output().length;
      const { call, tag } = ask('silent/m', isStreaming);
      await lookedUp(known);
      call.socket.destroy();
      await assertLeft(tag, ['silent/m left'], []);
    });
  }

  let lookUps = 0;
  /** The gateway has begun to connect: the first time it looks the name up, later it waits for the same look-up. */
  async function lookedUp(known: number): Promise<void> {
    lookUps += 1;
    for (const limitMs = performance.now() + 3000; performance.now() < limitMs;) {
      const health = asRecord(await rig.get('/admin/v1/health'));
      const open = Number(asRecord(health?.['ledger'])?.['open_attempts']);
      if (open > 0 && (lookUps > 1 || rig.gateway.output().slice(known).includes('looked up silent.test'))) return;
    }
    assert.fail('the gateway did not begin to connect');
  }

  it('F40 leaves a provider that has told its input already: that count is billed', async () => {
    rig.p.script([{ ...P_FINE, stall_at: { event: 1 } }]);
    const arrival = atP((request) => request.firstByteMs !== undefined);
    const { call, tag } = ask('anth/m', true);
    const request = await arrival;
    await begun(request);
    await assertCancelled(request, () => call.socket.destroy());
    await assertLeft(tag, ['anth/m left'], [/^anth\/m left 5\+\d+ estimated$/]);
  });

  /** P has handed out all it ever will: its answer stands still. */
  async function begun(request: LoggedRequest): Promise<void> {
    await rig.p.log.waitFor(
      ({ sequence, answeredBytes }) => sequence === request.sequence && answeredBytes > 300,
      2000,
    );
  }

  it('F40 the official SDKs cancel: the same', async () => {
    const openai = new OpenAI({ apiKey: rig.key, baseURL: `${rig.gateway.url}/v1` });
    const anthropic = new Anthropic({ apiKey: rig.key, baseURL: rig.gateway.url });
    const body = { model: 'main', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] };
    const calls: readonly ((signal: AbortSignal, tag: string) => Promise<unknown>)[] = [
      (signal, tag) => openai.chat.completions.create(body, { signal, headers: { 'x-turnout-tags': tag } }),
      (signal, tag) =>
        openai.chat.completions.create({ ...body, stream: true }, { signal, headers: { 'x-turnout-tags': tag } }),
      (signal, tag) => anthropic.messages.create(body, { signal, headers: { 'x-turnout-tags': tag } }),
      (signal, tag) =>
        anthropic.messages.create({ ...body, stream: true }, { signal, headers: { 'x-turnout-tags': tag } }),
    ];
    for (const [index, call] of calls.entries()) {
      rig.p.script([{ never_reply: true }]);
      const arrival = atP();
      const leaving = new AbortController();
      const end = assert.rejects(call(leaving.signal, `sdk-${index}`), /abort/i);
      await assertCancelled(await arrival, () => leaving.abort());
      await end;
      await assertLeft(`sdk-${index}`, ['p/m left'], ['p/m left E+0 estimated']);
    }
  });

  it('F41 leaves in the middle of the stream: P is let go of, the tokens so far are billed once, no error is logged', async () => {
    const before = rig.gateway.output().length;
    for (const model of ['main', 'anth/m']) {
      rig.p.script([{ reply: { text: 'one two three four five six seven eight nine ten' }, chunk_delay_ms: 40 }]);
      const arrival = atP();
      const { call, tag } = ask(model, true);
      const request = await arrival;
      await call.until((received) => received.includes('three'));
      await assertCancelled(request, () => call.socket.destroy());
      const record = await assertLeft(
        tag,
        [model === 'main' ? 'p/m left' : 'anth/m left'],
        [/^(p|anth)\/m left \d+\+[1-9]\d? estimated$/],
      );
      assert.ok(Number(record['cost_nano_usd']) > 0);
    }
    assert.doesNotMatch(rig.gateway.output().slice(before), /"level":"(error|warn)"/);
  });

  it('F41 leaves in the middle of a whole reply that P is still sending: the input is billed', async () => {
    rig.p.script([{ ...P_FINE, stall_at: 100 }]);
    const arrival = atP((request) => request.firstByteMs !== undefined);
    const { call, tag } = ask('main', false);
    await assertCancelled(await arrival, () => call.socket.destroy());
    await assertLeft(tag, ['p/m left'], ['p/m left E+0 estimated']);
  });

  it('F42 leaves while the gateway waits to try again: no further attempt is made, nothing is held', async () => {
    for (const isStreaming of [false, true]) {
      rig.p.script([{ status: 429, headers: { 'retry-after': '3' }, error: { message: 'slow down' } }, P_FINE]);
      const answered = atP((request) => request.ended === 'complete');
      const { call, tag } = ask('limited/m', isStreaming);
      const before = await answered;
      const leftMs = performance.now();
      call.socket.destroy();
      const [record] = await rig.tagged(tag);
      assert.ok(performance.now() - leftMs < 1500, 'the end came with the end of the wait');
      await rig.books(String(record?.['id']), {
        outcome: 'client_closed',
        attempts: ['limited/m refused 429'],
        rows: [],
      });
      // P asks for less from here on, so that the second round need not wait for the rest of the first.
      rig.p.script([P_FINE]);
      const back = await rawWhole.ask(rig, { model: 'limited/m' });
      assertAnswered(back, rawWhole, P_SAYS);
      await rig.books(back.id, { outcome: 'ok', attempts: ['limited/m answered'], rows: ['limited/m answered 5+2'] });
      assert.equal(rig.p.log.requests.at(-1)?.sequence, before.sequence + 1, 'P was asked for one who had left');
    }
  });

  it('F43 stops reading for ever: closed at the idle-write limit, P slowed down meanwhile, others do not notice', async (test) => {
    const alone = await spread(60);
    rig.p.script([{ match: { contains: 'endless' }, times: 'forever', endless: { text: 'x'.repeat(1000) } }, P_FINE]);
    const stuck = await Promise.all(Array.from({ length: 10 }, async (_, index) => standStill(`stuck-${index}`)));
    await standing();
    await besides(60, alone);
    let takenMost = 0;
    let sentMost = 0;
    for (const { call, tag, sequence } of stuck) {
      const request = await rig.p.log.waitFor(
        (one) => one.sequence === sequence && one.socketClosedMs !== undefined,
        WRITE_IDLE_MS + LATE_MS,
      );
      const heldMs = (request.socketClosedMs ?? Infinity) - request.startedMs;
      assert.ok(
        heldMs > WRITE_IDLE_MS && heldMs < 2 * WRITE_IDLE_MS + LATE_MS,
        `P was held for ${heldMs.toFixed(0)} ms`,
      );
      const [record = {}] = await rig.tagged(tag);
      sentMost = Math.max(sentMost, request.answeredBytes - call.socket.bytesRead);
      takenMost = Math.max(takenMost, takenBytes(record, call) - call.socket.bytesRead);
      rig.owe(record, {
        outcome: 'client_closed',
        attempts: ['p/m left'],
        rows: [/^p\/m left \d+\+[1-9]\d* estimated$/],
      });
      assert.ok(Number(record['duration_ms']) < 2 * WRITE_IDLE_MS + LATE_MS);
      call.socket.destroy();
    }
    const shown = [takenMost, sentMost].map((bytes) => (bytes / MIB).toFixed(1));
    test.diagnostic(
      `of one reply, at most ${shown.join(' MiB had left the gateway unread, ')} MiB had left P (the kernel holds most of it)`,
    );
    assert.ok(takenMost < IN_FLIGHT_MAX_BYTES, `${takenMost} bytes were in flight`);
  });

  /** P has been slowed down to a standstill: what could be filled is full. */
  async function standing(): Promise<void> {
    for (let before = -1; ;) {
      const now = rig.p.log.requests.reduce((sum, request) => sum + request.answeredBytes, 0);
      if (now === before) return;
      before = now;
      await nextPoll(50);
    }
  }

  /** What the gateway read of an endless stream: all of its events are alike, and each is counted as one token. */
  function takenBytes(record: JsonRecord, call: RawCall): number {
    const events = Number(asRecord(record['usage'])?.['output_tokens']);
    const [event = ''] = /data: .*?\n\n/s.exec(call.received().slice(call.received().indexOf('xxx'))) ?? [];
    assert.ok(event.length > 1000, 'no whole event came');
    return events * event.length;
  }

  /** Takes the head of an endless stream and then nothing more. */
  async function standStill(
    tag: string,
  ): Promise<{ readonly call: RawCall; readonly tag: string; readonly sequence: number }> {
    const since = new Set(rig.p.log.requests.map((request) => request.sequence));
    const call = rawCall(rig, chatBody({ model: 'main', prompt: `endless ${tag}.` }, true), { 'x-turnout-tags': tag });
    await call.until((received) => received.split('xxx').length > 3000);
    call.socket.pause();
    const mine = rig.p.log.requests.find(
      (request) => !since.has(request.sequence) && request.bodyText?.includes(`endless ${tag}.`) === true,
    );
    return { call, tag, sequence: mine?.sequence ?? -1 };
  }

  it('F43 takes nothing of a whole reply: closed at the idle-write limit as well', async () => {
    const text = 'y'.repeat(24 * MIB);
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    const json = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices,
      usage: { prompt_tokens: 5, completion_tokens: 2 },
    };
    rig.p.script([{ json }]);
    const inFlight = (): Promise<number> => rig.metric('turnout_requests_in_flight');
    const { call, tag } = ask('main', false);
    await call.until((received) => received.includes('\r\n\r\n'));
    call.socket.pause();
    const startedMs = performance.now();
    const [record] = await rig.tagged(tag);
    await rig.books(String(record?.['id']), { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    // The request for the metrics is one itself.
    while ((await inFlight()) > 1)
      assert.ok(performance.now() - startedMs < 2 * WRITE_IDLE_MS + LATE_MS, 'the reply is still held');
    assert.ok(call.socket.bytesRead < json.choices.length * text.length, 'the client took it all');
    call.socket.destroy();
  });

  it('F44 five hundred send head or body at a byte a second: 408 or closed at the limit, others do not notice', async (test) => {
    const startedMs = performance.now();
    const alone = await spread(60);
    const slow = Array.from({ length: 500 }, (_, index) => crawl(index % 2 === 0 ? 'head' : 'body'));
    await Promise.all(slow.map(async ({ isOpen }) => isOpen));
    const beside = await besides(120, alone);
    const ends = await Promise.all(slow.map(async ({ end }) => end));
    for (const { what, answer, tookMs } of ends) {
      const limitMs = what === 'head' ? HEADER_TIMEOUT_MS : BODY_TIMEOUT_MS;
      assert.match(answer, /^(HTTP\/1\.1 408 .*|)$/m, answer);
      assert.ok(tookMs < limitMs + LOOK_MS + LATE_MS, `a slow ${what} was kept for ${tookMs.toFixed(0)} ms`);
    }
    const told = ends.filter(({ answer }) => answer.startsWith('HTTP/1.1 408')).length;
    test.diagnostic(
      `${told} of 500 got 408; others' p99 ${alone.toFixed(0)} ms before, ${beside.toFixed(0)} ms beside, in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    );
  });

  /**
   * The same while somebody is in their way: twice as long, or 100 ms longer, they would notice. What is in the way is so in
   * each of three rounds; what else goes on on the machine is not.
   */
  async function besides(count: number, aloneMs: number): Promise<number> {
    let beside = Infinity;
    const noticedMs = Math.max(2 * aloneMs, aloneMs + 100);
    for (let round = 0; round < 3 && beside >= noticedMs; round += 1) beside = Math.min(beside, await spread(count));
    assert.ok(beside < noticedMs, `others' p99 rose from ${aloneMs.toFixed(0)} to ${beside.toFixed(0)} ms`);
    return beside;
  }

  /** The 99th percentile of `count` good requests, in ms. */
  async function spread(count: number): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < count; round += 1) {
      const seen = await rawWhole.ask(rig, { model: 'main' });
      assertAnswered(seen, rawWhole, P_SAYS);
      rig.owe(await rig.record(seen.id), { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
      times.push(seen.tookMs);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(count * 0.99)] ?? Infinity;
  }

  interface Crawl {
    readonly isOpen: Promise<void>;
    readonly end: Promise<{ readonly what: string; readonly answer: string; readonly tookMs: number }>;
  }

  function crawl(what: 'head' | 'body'): Crawl {
    const startedMs = performance.now();
    const socket: Socket = connect({ port: rig.port, host: '127.0.0.1', noDelay: true });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${rig.key}\r\ncontent-type: application/json\r\n`;
    const rest = what === 'head' ? `x-slow: ${'z'.repeat(100)}` : '{"model": "main", "messages": []}'.padEnd(100, ' ');
    let answer = '';
    let sent = 0;
    const timer = setInterval(() => socket.write(rest.charAt(sent++)), 1000);
    socket.on('data', (piece) => {
      answer += piece.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.write(what === 'head' ? head : `${head}content-length: 100\r\n\r\n`);
    return {
      isOpen: new Promise((resolve) => {
        socket.once('connect', () => resolve());
      }),
      end: new Promise((resolve) => {
        socket.once('close', () => {
          clearInterval(timer);
          resolve({ what, answer: answer.split('\r\n')[0] ?? '', tookMs: performance.now() - startedMs });
        });
      }),
    };
  }

  it('F45 a thousand leave in the same instant: all are cancelled within a second, and nothing is left behind', async (test) => {
    const times: number[] = [];
    // A machine that is busy with something else may be late for reasons of its own; it is not late three times.
    while (times.length < 3 && times.every((time) => time > 1000))
      times.push(await crowdLeaves(`crowd-${times.length}`));
    test.diagnostic(`the last of 1,000 was let go of after ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
    assert.ok(Math.min(...times) <= 1000);
    assert.equal(await rig.metric('turnout_requests_in_flight'), 1);
    assertQuiet(rig.gateway);
  });

  /** A thousand wait for P and leave. Gives the time until P is rid of the last, and compares the books on each. */
  async function crowdLeaves(tag: string): Promise<number> {
    const count = 1000;
    rig.p.script([{ never_reply: true, times: 'forever' }]);
    const since = rig.p.log.requests.at(-1)?.sequence ?? 0;
    const calls = Array.from({ length: count }, () =>
      rawCall(rig, chatBody({ model: 'main' }, true), { 'x-turnout-tags': tag }),
    );
    const mine = (): readonly LoggedRequest[] => rig.p.log.requests.filter((request) => request.sequence > since);
    while (mine().filter((request) => request.receivedMs !== undefined).length < count) await nextPoll();
    const leftMs = performance.now();
    for (const { socket } of calls) socket.destroy();
    while (mine().some((request) => request.socketClosedMs === undefined)) {
      assert.ok(performance.now() - leftMs < 5000, 'some are not let go of');
      await nextPoll();
    }
    const records = await rig.tagged(tag, count);
    assert.equal(records.length, count);
    const left = { outcome: 'client_closed', attempts: ['p/m left'], rows: ['p/m left E+0 estimated'] };
    for (const record of records) rig.owe(record, left);
    return Math.max(...mine().map((request) => (request.socketClosedMs ?? Infinity) - leftMs));
  }
});
