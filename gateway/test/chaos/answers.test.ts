/** Rows F10 to F21 and F25 to F27 of the fault table: P answers, but not as it should. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { asArray, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import type { Step } from '../../src/simulator/step.ts';
import { reply, startRawServer, type RawServer } from '../raw-server.ts';
import { CALLERS, rawStream, rawWhole, type Seen } from './callers.ts';
import {
  assertAnswered,
  assertFailed,
  CANCEL_MAX_MS,
  eachCaller,
  memoryOf,
  P_FINE,
  P_ROW,
  P_SAYS,
  S_ROW,
  S_SAYS,
  startRig,
  type Rig,
} from './rig.ts';

const MIB = 1024 * 1024;
/** The limit of a reply, as it is where nothing is configured. */
const RESPONSE_MAX_BYTES = 64 * MIB;
/** What P has sent and nobody has read may lie in the kernel's buffers of both sides (tcp(7)), which it makes as large as it likes. */
function onTheWayMax(): number {
  const [receive, send] = ['tcp_rmem', 'tcp_wmem'].map((name) =>
    Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim().split(/\s+/)[2]),
  );
  return 8 * MIB + (receive ?? 0) + (send ?? 0);
}
const GROWTH_MAX_BYTES = 150 * MIB;
/** How late a timer may fire on a busy machine. */
const LATE_MS = 400;
/** No doubted target is probed again sooner (`health/breaker.ts`): half of the first pause. */
const PAUSE_LEAST_MS = 250;
/** From the choice of a target to the start that the record tells, on a busy machine. */
const LATE_START_MS = 150;
/** Providers of their own in front of P: what one row teaches the gateway about it must not reach the next row. */
const FACES = [
  'f19',
  'f19only',
  'f20',
  'f20none',
  'f20date',
  'f20far',
  'f20minus',
  'f20abc',
  'f20huge',
  'f21',
  'f21only',
  'f25',
  'f27',
];

const OUR_COUNT = Math.ceil(P_SAYS.length / 4);

function completion(more: JsonRecord = {}): JsonRecord {
  const choices = [{ index: 0, message: { role: 'assistant', content: P_SAYS }, finish_reason: 'stop' }];
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices, ...more };
}
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
const PAGE = '<!DOCTYPE html><html><head><title>Welcome</title></head><body>sign in to the network</body></html>';

describe('what the upstream answers', () => {
  let rig: Rig;
  let raw: RawServer;

  before(async () => {
    raw = await startRawServer(({ head, socket }) => {
      const isGood = head.includes('Bearer sk-upstream-good-0123456789');
      const refusal = JSON.stringify({
        error: { message: 'Incorrect API key provided', type: 'invalid_request_error' },
      });
      socket.write(isGood ? reply(200, JSON.stringify(completion({ usage: USAGE }))) : reply(401, refusal));
    });
    const keys = '["sk-upstream-bad-0123456789", "sk-upstream-good-0123456789"]';
    rig = await startRig({
      faces: {
        ...Object.fromEntries(FACES.map((name) => [name, { key: `sk-upstream-${name}-0123456789` }])),
        f25text: { key: 'f25text-secret-of-no-known-form' },
        anth: { dialect: 'anthropic-messages' },
      },
      providers: {
        twokeys: `{dialect: openai-chat, base_url: "http://127.0.0.1:${raw.port}/v1", api_key: ${keys}, models: {m: {price: {input: 1, output: 2}}}}`,
      },
      routes: ['strict: {targets: [p/m, s/m], fallback: {on: [error]}}', 'keys: {targets: [twokeys/m]}'],
    });
  });

  afterEach(() => rig.p.script([P_FINE]));

  after(async () => {
    try {
      await rig.close();
    } finally {
      await raw.close();
    }
  });

  /** P answers all requests so. */
  function script(step: Step): void {
    rig.p.script([{ times: 'forever', ...step }]);
  }

  /** S takes over where there is one, and where there is none P is asked as often as `attempts` says and the caller gets an error. */
  async function takenOver(expected: {
    reason: string;
    status: number;
    code: string;
    message: RegExp;
    attempts: number;
  }): Promise<void> {
    await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: [`p/m broke ${expected.reason}`, 's/m answered'],
        rows: [S_ROW],
      });
    });
    await eachCaller(rig, { model: 'p/m' }, async (seen, caller) => {
      assertFailed(seen, caller, expected);
      const attempts = Array.from({ length: expected.attempts }, () => `p/m broke ${expected.reason}`);
      await rig.books(seen.id, { outcome: 'upstream_error', attempts, rows: [] });
    });
  }

  it('F10 200 with an HTML page: S answers, with no S 502; it counts as a failure of P', async () => {
    script({ headers: { 'content-type': 'text/html' }, body: PAGE });
    const broken = 'turnout_attempts_total{provider="p",outcome="broke"}';
    const before = await rig.metric(broken);
    await takenOver({
      reason: 'invalid_answer',
      status: 502,
      code: 'upstream_invalid',
      message: /cannot be read: it is not JSON/,
      attempts: 2,
    });
    assert.equal((await rig.metric(broken)) - before, 3 * CALLERS.length);
  });

  it('F10 200 with a page of text: the same', async () => {
    script({ headers: { 'content-type': 'text/plain' }, body: 'Bad gateway, try again' });
    await takenOver({
      reason: 'invalid_answer',
      status: 502,
      code: 'upstream_cut',
      message: /ended the stream before it was complete/,
      attempts: 2,
    });
  });

  const CUTS = [
    {
      what: 'with more length announced than sent',
      step: { framing: 'length', cut_at: 150 },
      reason: 'truncated',
      code: 'upstream_cut',
    },
    {
      what: 'chunked, and the last chunk never comes',
      step: { framing: 'chunked', cut_at: 150 },
      reason: 'truncated',
      code: 'upstream_cut',
    },
    {
      what: 'with neither length nor chunks',
      step: { framing: 'close', cut_at: 150 },
      reason: 'invalid_answer',
      code: 'upstream_invalid',
    },
    { what: 'and reset', step: { framing: 'close', reset_at: 150 }, reason: 'upstream_reset', code: 'upstream_cut' },
  ] as const;
  for (const { what, step, reason, code } of CUTS) {
    it(`F11 200 and the JSON is cut short, ${what}: S answers, with no S 502`, async () => {
      script({ json: completion({ usage: USAGE }), ...step });
      await takenOver({ reason, status: 502, code, message: /cannot be read|ended the stream before/, attempts: 2 });
    });
  }

  it('F12 200 with an empty body, by length and in chunks: S answers, with no S 502', async () => {
    for (const framing of ['length', 'chunked'] as const) {
      script({ body: '', framing });
      await takenOver({
        reason: 'invalid_answer',
        status: 502,
        code: 'upstream_invalid',
        message: /the answer is empty/,
        attempts: 2,
      });
    }
  });

  it('F13 200 whose JSON is an error: treated as the error it is', async () => {
    const server = { error: { message: 'the engine has stopped', type: 'server_error' } };
    script({ json: server });
    await takenOver({
      reason: 'invalid_answer',
      status: 502,
      code: 'upstream_error',
      message: /the engine has stopped/,
      attempts: 2,
    });
    const tooLong = "This model's maximum context length is 8192 tokens, your messages have 9000.";
    script({ json: { error: { message: tooLong, type: 'invalid_request_error', code: 'context_length_exceeded' } } });
    await eachCaller(rig, { model: 'p/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 400, code: /^context_length/, message: /8192 tokens/ });
      await rig.books(seen.id, { outcome: 'invalid', attempts: ['p/m broke invalid_answer'], rows: [] });
    });
    script({ json: { type: 'error', error: { type: 'api_error', message: 'the engine has stopped' } } });
    await eachCaller(rig, { model: 'anth/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 502, code: 'upstream_error', message: /the engine has stopped/ });
      const attempts = ['anth/m broke invalid_answer', 'anth/m broke invalid_answer'];
      await rig.books(seen.id, { outcome: 'upstream_error', attempts, rows: [] });
    });
  });

  it('F14 a valid reply with another content type, or none: 200, and a warning is counted', async () => {
    const series = 'turnout_upstream_warnings_total{provider="p",kind="content_type"}';
    for (const type of ['text/plain', 'application/octet-stream', null]) {
      rig.p.script([{ ...P_FINE, headers: { 'content-type': type } }]);
      const before = await rig.metric(series);
      await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
        assertAnswered(seen, caller, P_SAYS);
        assert.match(
          seen.headers['content-type'] ?? '',
          caller.isStreaming ? /^text\/event-stream/ : /^application\/json/,
        );
        await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
      });
      assert.equal((await rig.metric(series)) - before, CALLERS.length, `with ${String(type)}`);
    }
  });

  const USAGES: Readonly<Record<string, { readonly usage: JsonRecord | undefined; readonly row: string }>> = {
    'is missing': { usage: undefined, row: `p/m answered E+${OUR_COUNT} estimated` },
    'is empty': { usage: {}, row: `p/m answered E+${OUR_COUNT} estimated` },
    'has strings': {
      usage: { prompt_tokens: '5', completion_tokens: '2' },
      row: `p/m answered E+${OUR_COUNT} estimated`,
    },
    'is negative': {
      usage: { prompt_tokens: -5, completion_tokens: -2 },
      row: `p/m answered E+${OUR_COUNT} estimated`,
    },
    'has half a token': {
      usage: { prompt_tokens: 5, completion_tokens: 2.5 },
      row: `p/m answered 5+${OUR_COUNT} estimated`,
    },
    'is 10^15': {
      usage: { prompt_tokens: 1e15, completion_tokens: 1e15 },
      row: `p/m answered E+${OUR_COUNT} estimated`,
    },
    'is 10^15 in one count': {
      usage: { prompt_tokens: 5, completion_tokens: 1e15 },
      row: `p/m answered 5+${OUR_COUNT} estimated`,
    },
  };
  for (const [what, { usage, row }] of Object.entries(USAGES)) {
    it(`F15 usage ${what}: 200, billed by our own count, and marked`, async () => {
      script({ json: completion(usage === undefined ? {} : { usage }) });
      await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
        assertAnswered(seen, caller, P_SAYS);
        await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [row] });
      });
    });
  }

  it('F15 usage is NaN, as Python writes it: 200, and the client can read the reply', async () => {
    const usage = '"usage":{"prompt_tokens":NaN,"completion_tokens":NaN,"total_tokens":-Infinity}';
    script({
      body: JSON.stringify(completion({ usage: null })).replace('"usage":null', usage),
      headers: { 'content-type': 'application/json' },
    });
    await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['p/m answered'],
        rows: [`p/m answered E+${OUR_COUNT} estimated`],
      });
    });
  });

  it('F15 usage at the end of a stream is missing, absurd or NaN: the same', async () => {
    const chunk = (more: JsonRecord): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], ...more })}\n\n`;
    const text = P_SAYS.split(' ').map((word, index) =>
      chunk({ choices: [{ index: 0, delta: { content: index === 0 ? word : ` ${word}` }, finish_reason: null }] }),
    );
    const finish = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    const usages = [
      '',
      chunk({ usage: { prompt_tokens: 1e15, completion_tokens: -1, total_tokens: 1e15 } }),
      chunk({ usage: null }).replace('"usage":null', '"usage": {"prompt_tokens":NaN,"completion_tokens":NaN}'),
    ];
    for (const usage of usages) {
      script({ stream: [...text, finish, usage, 'data: [DONE]\n\n'] });
      await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
        assertAnswered(seen, caller, P_SAYS);
        const record = await rig.books(seen.id, {
          outcome: 'ok',
          attempts: ['p/m answered'],
          rows: [/^p\/m answered \d+\+[3-6] estimated$/],
        });
        assert.ok(record['cost_nano_usd'] !== undefined);
      });
    }
  });

  it('F16 a gzip reply that grows a thousandfold: 502; decoded bytes are counted, the process grows by 150 MiB at most', async (test) => {
    script({ gzip_bomb: { bytes: 200 * MIB } });
    await rejectedAsTooBig(test.diagnostic.bind(test));
  });

  for (const framing of ['length', 'chunked'] as const) {
    it(`F17 a plain reply of 200 MiB, ${framing === 'length' ? 'announced' : 'in chunks'}: 502 at the limit; not held whole, P is let go`, async (test) => {
      script({ huge: { bytes: 200 * MIB, as: 'json' }, framing });
      const since = rig.p.log.requests.at(-1)?.sequence ?? 0;
      await rejectedAsTooBig(test.diagnostic.bind(test));
      for (const { sequence } of rig.p.log.requests.filter((request) => request.sequence > since)) {
        const request = await closedSoon(sequence);
        assert.ok(request.answeredBytes < RESPONSE_MAX_BYTES + onTheWayMax(), `P sent ${request.answeredBytes} bytes`);
      }
    });
  }

  async function closedSoon(sequence: number): Promise<LoggedRequest> {
    return rig.p.log.waitFor(
      (request) => request.sequence === sequence && request.socketClosedMs !== undefined,
      CANCEL_MAX_MS,
    );
  }

  async function rejectedAsTooBig(tell: (text: string) => void): Promise<void> {
    const memory = memoryOf(rig.gateway);
    await eachCaller(rig, { model: 'p/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 502, code: 'upstream_too_big', message: /larger than 67108864 bytes/ });
      await rig.books(seen.id, { outcome: 'upstream_error', attempts: ['p/m broke too_big'], rows: [] });
    });
    const growth = memory.growth();
    tell(
      growth === undefined
        ? 'memory: not known on this platform'
        : `the process grew by ${(growth / MIB).toFixed(0)} MiB at most`,
    );
    assert.ok((growth ?? 0) <= GROWTH_MAX_BYTES, `the process grew by ${((growth ?? 0) / MIB).toFixed(0)} MiB`);
  }

  it('F18 the same id in every reply: each request has a row and a charge of its own', async () => {
    script({ json: completion({ id: 'always-the-same', usage: USAGE }) });
    const ids = new Set<string>();
    await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      ids.add(seen.id);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    });
    const many = await Promise.all(Array.from({ length: 50 }, async () => rawWhole.ask(rig, { model: 'main' })));
    for (const seen of many) {
      ids.add(seen.id);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
    }
    assert.equal(ids.size, CALLERS.length + 50);
  });

  const limited = (headers: Readonly<Record<string, string>> = {}): Step => ({
    status: 429,
    headers,
    error: { message: 'Rate limit reached for requests', code: 'rate_limit_exceeded' },
  });

  it('F19 429 with retry-after 1: S answers at once, and P’s key rests for a second', async () => {
    script(limited({ 'retry-after': '1' }));
    const first = await rawWhole.ask(rig, { model: 'to-f19' });
    const restingSinceMs = performance.now();
    assertAnswered(first, rawWhole, S_SAYS);
    await rig.books(first.id, { outcome: 'ok', attempts: ['f19/m refused 429', 's/m answered'], rows: [S_ROW] });
    await eachCaller(rig, { model: 'to-f19' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['s/m answered'], rows: [S_ROW] });
    });
    const restedMs = performance.now() - restingSinceMs;
    assert.ok(restedMs < 1000, `the six callers took ${restedMs.toFixed(0)} ms, longer than P rests`);
    rig.p.script([P_FINE]);
    const back = await until(rawWhole, 'to-f19', P_SAYS, ['f19/m answered'], ['f19/m answered 5+2']);
    const pauseMs = back - restingSinceMs;
    assert.ok(pauseMs > 950 && pauseMs < 1000 + LATE_MS, `P was used again after ${pauseMs.toFixed(0)} ms`);
  });

  /** Asks until P answers; all before must have been answered by S alone. Gives the time of P's answer. */
  async function until(
    caller: typeof rawWhole,
    model: string,
    text: string,
    attempts: readonly string[],
    rows: readonly string[],
  ): Promise<number> {
    for (const limitMs = performance.now() + 10_000; performance.now() < limitMs;) {
      const seen = await caller.ask(rig, { model });
      const isBack = seen.text === text;
      await rig.books(
        seen.id,
        isBack ? { outcome: 'ok', attempts, rows } : { outcome: 'ok', attempts: ['s/m answered'], rows: [S_ROW] },
      );
      if (isBack) return performance.now();
    }
    return assert.fail('P was not used again');
  }

  it('F19 with no S: P answers after a second where the deadline allows, else 429 at once', async () => {
    for (const caller of CALLERS) {
      rig.p.script([limited({ 'retry-after': '1' }), P_FINE]);
      const seen = await caller.ask(rig, { model: 'f19only/m', retries: 0 });
      assertAnswered(seen, caller, P_SAYS);
      assert.ok(
        seen.tookMs > 990 && seen.tookMs < 1000 + LATE_MS,
        `${caller.name} waited ${seen.tookMs.toFixed(0)} ms`,
      );
      const attempts = ['f19only/m refused 429', 'f19only/m answered'];
      await rig.books(seen.id, { outcome: 'ok', attempts, rows: ['f19only/m answered 5+2'] });
    }
    rig.p.script([limited({ 'retry-after': '1' }), P_FINE]);
    const hurried = { model: 'f19only/m', retries: 0, headers: { 'x-turnout-deadline-ms': '500' } };
    const first = await rawWhole.ask(rig, hurried);
    assertFailed(first, rawWhole, {
      status: 429,
      code: 'upstream_rate_limited',
      message: /limiting our rate/,
      shouldRetry: true,
    });
    assert.deepEqual([first.headers['retry-after'], first.headers['retry-after-ms']], ['1', '1000']);
    await rig.books(first.id, { outcome: 'rate_limited', attempts: ['f19only/m refused 429'], rows: [] });
    // P rests now, for longer than the next one may take: it is told so without a request to P.
    const second = await rawWhole.ask(rig, hurried);
    assertFailed(second, rawWhole, { status: 503, code: 'no_target', message: /asked us to wait/, shouldRetry: true });
    const restMs = Number(second.headers['retry-after-ms']);
    assert.ok(restMs > 500 && restMs <= 1000, `retry-after-ms ${restMs}`);
    await rig.books(second.id, { outcome: 'overloaded', attempts: [], rows: [] });
  });

  it('F20 429 with no or an absurd header: S answers', async () => {
    for (const headers of [{}, { 'retry-after': '-5' }, { 'retry-after': 'abc' }, { 'retry-after': '99999' }]) {
      script(limited(headers));
      const seen = await rawWhole.ask(rig, { model: 'to-f20' });
      assertAnswered(seen, rawWhole, S_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: [
          /^(f20\/m refused 429|s\/m answered)$/,
          ...(seen.headers['x-turnout-attempts'] === '2' ? ['s/m answered'] : []),
        ],
        rows: [S_ROW],
      });
    }
  });

  it('F20 with no S: a short wait and one repeat where nothing sane is said, else 429 with our own retry-after', async () => {
    const inTwoSeconds = new Date(Date.now() + 3000).toUTCString();
    const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
    const rows = [
      { provider: 'f20none', headers: {}, tries: 2, atMostMs: 1000, retryAfter: /^1$/ },
      { provider: 'f20minus', headers: { 'retry-after': '-5' }, tries: 2, atMostMs: 1000, retryAfter: /^1$/ },
      { provider: 'f20abc', headers: { 'retry-after': 'abc' }, tries: 2, atMostMs: 1000, retryAfter: /^1$/ },
      {
        provider: 'f20date',
        headers: { 'retry-after': inTwoSeconds },
        tries: 2,
        atMostMs: 3000 + LATE_MS,
        retryAfter: /^[123]$/,
      },
      { provider: 'f20far', headers: { 'retry-after': inAnHour }, tries: 1, atMostMs: 1000, retryAfter: /^60$/ },
      { provider: 'f20huge', headers: { 'retry-after': '99999' }, tries: 1, atMostMs: 1000, retryAfter: /^60$/ },
    ];
    for (const { provider, headers, tries, atMostMs, retryAfter } of rows) {
      script(limited(headers));
      const seen = await rawStream.ask(rig, { model: `${provider}/m` });
      assertFailed(seen, rawStream, { status: 429, code: 'upstream_rate_limited', shouldRetry: true });
      assert.match(seen.headers['retry-after'] ?? '', retryAfter, provider);
      assert.ok(Number(seen.headers['retry-after-ms']) <= 60_000, provider);
      assert.ok(seen.tookMs < atMostMs, `${provider} took ${seen.tookMs.toFixed(0)} ms`);
      const attempts = Array.from({ length: tries }, () => `${provider}/m refused 429`);
      await rig.books(seen.id, { outcome: 'rate_limited', attempts, rows: [] });
    }
  });

  it('F21 P is overloaded, S healthy: S answers; P is probed by few, and used again when it is well', async (test) => {
    const since = rig.p.log.requests.length;
    let asked = 0;
    const waves: number[][] = [];
    for (const status of [529, 503]) {
      script({ status, error: { message: 'Overloaded' } });
      for (const untilMs = performance.now() + 1500; performance.now() < untilMs;) {
        const seen = await Promise.all(CALLERS.map(async (caller) => caller.ask(rig, { model: 'to-f21' })));
        asked += seen.length;
        const begun: number[] = [];
        for (const [index, one] of seen.entries()) {
          assertAnswered(one, CALLERS[index] ?? rawWhole, S_SAYS);
          const isProbe = one.headers['x-turnout-attempts'] === '2';
          const attempts = isProbe ? [`f21/m refused ${status}`, 's/m answered'] : ['s/m answered'];
          const record = await rig.books(one.id, { outcome: 'ok', attempts, rows: [S_ROW] });
          const [first] = (asArray(record['attempts']) ?? []).filter(isRecord);
          if (isProbe) begun.push(Date.parse(asString(first?.['started_at']) ?? ''));
        }
        waves.push(begun.toSorted((a, b) => a - b));
      }
    }
    const reached = rig.p.log.requests.slice(since).map((request) => request.startedMs);
    const probes = reached.length;
    test.diagnostic(`${asked} requests in 3 s, ${probes} of them reached P`);
    // Those that came together learned of it together. From then on one goes a pause, however many come at the same moment.
    const later = waves.slice(1).flat();
    const gaps = later.slice(1).map((atMs, index) => atMs - (later[index] ?? 0));
    assert.ok(
      gaps.every((gapMs) => gapMs >= PAUSE_LEAST_MS - LATE_START_MS),
      `probes began after ${gaps.join(', ')} ms`,
    );
    // Six at most before anything was known, then one a pause: 0.5, 1, 2 s and so on.
    assert.ok(probes <= 12, `${probes} of ${asked} requests reached P`);
    assert.ok((reached.at(-1) ?? 0) - (reached[0] ?? 0) > 250, 'P was not probed');
    rig.p.script([P_FINE]);
    await until(rawWhole, 'to-f21', P_SAYS, ['f21/m answered'], ['f21/m answered 5+2']);
    await eachCaller(rig, { model: 'to-f21' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['f21/m answered'], rows: ['f21/m answered 5+2'] });
    });
  });

  it('F21 with no S: one repeat after a pause that is drawn by lot, then 503 with retry-after', async () => {
    script({ status: 529, error: { message: 'Overloaded' } });
    const pauses: number[] = [];
    await eachCaller(rig, { model: 'f21only/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 503, code: 'upstream_overloaded', message: /is overloaded/ });
      assert.equal(seen.headers['retry-after'], '1');
      await rig.books(seen.id, {
        outcome: 'overloaded',
        attempts: ['f21only/m refused 529', 'f21only/m refused 529'],
        rows: [],
      });
      const [first, second] = rig.p.log.requests.slice(-2);
      pauses.push((second?.startedMs ?? 0) - (first?.startedMs ?? 0));
    });
    assert.ok(
      pauses.every((pause) => pause >= 45 && pause < 100 + LATE_MS),
      `pauses of ${pauses.map(Math.round).join(', ')} ms`,
    );
    assert.ok(new Set(pauses.map(Math.round)).size > 1, 'all pauses are the same');
  });

  it('F25 P refuses our key: S answers and P is tried last; with no S 502 that names the provider, not the key; the operator is told', async () => {
    const message = 'Incorrect API key provided: sk-upstream-f25-0123456789. Find yours at https://example.com.';
    const refused = 'turnout_upstream_warnings_total{provider="f25",kind="key_refused"}';
    for (const status of [401, 403]) {
      script({ status, error: { message, code: 'invalid_api_key' } });
      await eachCaller(rig, { model: 'f25/m' }, async (seen, caller) => {
        assertFailed(seen, caller, { status: 502, code: 'upstream_auth', message: /f25 refused our credentials/ });
        const record = await rig.books(seen.id, {
          outcome: 'upstream_error',
          attempts: [`f25/m refused ${status}`],
          rows: [],
        });
        assert.doesNotMatch(JSON.stringify(record), /sk-upstream/);
      });
      await eachCaller(rig, { model: 'to-f25' }, async (seen, caller) => {
        assertAnswered(seen, caller, S_SAYS);
        // Known to be bad by now: nobody else has to find out.
        await rig.books(seen.id, { outcome: 'ok', attempts: ['s/m answered'], rows: [S_ROW] });
      });
    }
    assert.equal(await rig.metric(refused), 2 * CALLERS.length);
    assert.equal(told(/"message":"a provider refuses our key","provider":"f25"/g), 1, 'times that the log says so');
    assert.doesNotMatch(rig.gateway.output(), /sk-upstream/);
  });

  function told(what: RegExp): number {
    return rig.gateway.output().match(what)?.length ?? 0;
  }

  it('F25 another key of the provider is good: it answers, and is asked first from then on', async () => {
    const first = await rawWhole.ask(rig, { model: 'keys' });
    assertAnswered(first, rawWhole, P_SAYS);
    await rig.books(first.id, {
      outcome: 'ok',
      attempts: ['twokeys/m refused 401', 'twokeys/m#2 answered'],
      rows: ['twokeys/m#2 answered 5+2'],
    });
    await eachCaller(rig, { model: 'keys' }, async (seen, caller) => {
      assertAnswered(seen, caller, P_SAYS);
      await rig.books(seen.id, {
        outcome: 'ok',
        attempts: ['twokeys/m#2 answered'],
        rows: ['twokeys/m#2 answered 5+2'],
      });
    });
  });

  it('F25 a text of the provider that repeats our key, of whatever form, is shown without it', async () => {
    script({ status: 400, error: { message: 'the account of f25text-secret-of-no-known-form may not do this' } });
    await eachCaller(rig, { model: 'f25text/m' }, async (seen, caller) => {
      assertFailed(seen, caller, {
        status: 400,
        code: /^(invalid_request_error|upstream_refused)$/,
        message: /the account of \[redacted\] may not do this/,
      });
      const record = await rig.books(seen.id, { outcome: 'invalid', attempts: ['f25text/m refused 400'], rows: [] });
      assert.doesNotMatch(JSON.stringify(record), /no-known-form/);
    });
  });

  it('F26 the prompt is too long for P: S answers where the route allows, else 400 with P’s reason; P is not asked twice and stays first', async () => {
    const message =
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.";
    const tooLong: Step = { status: 400, error: { message, code: 'context_length_exceeded', param: 'messages' } };
    script(tooLong);
    await eachCaller(rig, { model: 'main' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['p/m refused 400', 's/m answered'], rows: [S_ROW] });
    });
    for (const model of ['strict', 'p/m']) {
      await eachCaller(rig, { model }, async (seen, caller) => {
        assertFailed(seen, caller, {
          status: 400,
          code: /^context_length/,
          message: /maximum context length is 8192 tokens/,
        });
        await rig.books(seen.id, { outcome: 'invalid', attempts: ['p/m refused 400'], rows: [] });
      });
    }
    rig.p.script([P_FINE]);
    const next = await rawWhole.ask(rig, { model: 'main' });
    assertAnswered(next, rawWhole, P_SAYS);
    await rig.books(next.id, { outcome: 'ok', attempts: ['p/m answered'], rows: [P_ROW] });
  });

  it('F27 P does not know the model any more: the route’s fallback answers, else 502; the operator is told', async () => {
    script({ status: 404, error: { message: 'The model `m` does not exist', code: 'model_not_found' } });
    const first: Seen = await rawWhole.ask(rig, { model: 'to-f27' });
    assertAnswered(first, rawWhole, S_SAYS);
    await rig.books(first.id, { outcome: 'ok', attempts: ['f27/m refused 404', 's/m answered'], rows: [S_ROW] });
    await eachCaller(rig, { model: 'to-f27' }, async (seen, caller) => {
      assertAnswered(seen, caller, S_SAYS);
      await rig.books(seen.id, { outcome: 'ok', attempts: ['s/m answered'], rows: [S_ROW] });
    });
    await eachCaller(rig, { model: 'f27/m' }, async (seen, caller) => {
      assertFailed(seen, caller, { status: 502, code: 'upstream_not_found', message: /does not know the model m/ });
      await rig.books(seen.id, { outcome: 'upstream_error', attempts: ['f27/m refused 404'], rows: [] });
    });
    assert.equal(
      await rig.metric('turnout_upstream_warnings_total{provider="f27",kind="model_gone"}'),
      1 + CALLERS.length,
    );
    assert.equal(told(/"message":"a provider does not know a model any more","provider":"f27","target":"f27\/m"/g), 1);
  });
});
