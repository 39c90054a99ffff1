/** Two tries for one answer, seen by official clients, in the simulator's log (which socket closed when) and in all books. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { asRecord, type JsonRecord } from '../../src/lib/json.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import type { Step } from '../../src/simulator/step.ts';
import { CANCEL_MAX_MS, nextPoll } from '../chaos/rig.ts';
import { ROOT_KEY } from '../harness.ts';
import { startAttemptsRig, textOf, type AttemptsRig, type Posted } from './attempts-kit.ts';

const AFTER_MS = 250;
/** Longer than any test waits: whoever is so slow has lost. */
const SLOW_MS = 8000;

const says = (provider: string, more: Partial<Step> = {}): Step => ({
  match: { provider },
  times: 'forever',
  reply: { text: `this comes from ${provider}`, usage: { input_tokens: 10, output_tokens: 5 } },
  ...more,
});
const slowP = says('p', { delay_ms: SLOW_MS });
/** A head at once, and then nothing for long. */
const silentP = says('p', { chunk_delay_ms: SLOW_MS });
const fineS = says('s');

let rig: AttemptsRig;

before(async () => {
  // Every request may be hedged: what the share does is looked at elsewhere.
  rig = await startAttemptsRig({ ways: { hedge: { afterMs: AFTER_MS, budget: 1 } } });
});
beforeEach(async () => {
  rig.simulator.script([says('p'), fineS]);
  await ask({ max_tokens: 5 });
});
after(() => rig.close());

function ask(more: JsonRecord = {}, model = 'main'): Promise<Posted> {
  return rig.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], ...more });
}

/** The last request that reached a provider, once it is over. */
async function lastAt(provider: string): Promise<LoggedRequest> {
  const seen = rig.simulator.log.requests.findLast((one) => one.provider === provider);
  return rig.simulator.log.waitFor((one) => one.sequence === seen?.sequence && one.ended !== undefined, 2000);
}

describe('a try that is slow gets another one beside it', () => {
  for (const stream of [true, false]) {
    const kind = stream ? 'streams' : 'whole answers';
    it(`answers with the second one's ${kind}, and calls the first one off in time`, async () => {
      rig.simulator.script([slowP, fineS]);
      const startedMs = performance.now();
      const got = await ask({ stream });
      const tookMs = performance.now() - startedMs;
      assert.equal(got.status, 200);
      assert.match(stream ? textOf(got.text) : got.text, /this comes from s/);
      assert.ok(tookMs > AFTER_MS - 20 && tookMs < SLOW_MS / 4, `it took ${tookMs} ms`);
      assert.equal(got.headers.get('x-turnout-provider'), 's');
      assert.equal(got.headers.get('x-turnout-attempts'), '2');
      const lost = await lastAt('p');
      assert.equal(lost.ended, 'client-closed');
      assert.ok((lost.socketClosedMs ?? 0) - startedMs - tookMs < CANCEL_MAX_MS);
      assert.deepEqual(await rig.attempts(got.id), ['p/m left hedged', 's/m answered']);
      const rows = await rig.rows(got.id);
      assert.deepEqual(
        rows.map((row) => [row.target, row.outcome, row.estimated, row.output_tokens]),
        [
          ['p/m', 'left', true, 0],
          ['s/m', 'answered', false, 5],
        ],
      );
    });
  }

  it('lets the first one win that was only a little late', async () => {
    rig.simulator.script([says('p', { delay_ms: AFTER_MS + 80 }), says('s', { delay_ms: SLOW_MS })]);
    const got = await ask({ stream: true });
    assert.equal(textOf(got.text), 'this comes from p');
    assert.deepEqual(await rig.attempts(got.id), ['s/m left hedged', 'p/m answered']);
    assert.equal((await lastAt('s')).ended, 'client-closed');
    assert.deepEqual(asRecord((await rig.record(got.id))['hedged']), {
      after_ms: AFTER_MS,
      target: 's/m',
      result: 'lost',
    });
  });

  it('is not hurried by a head without content', async () => {
    rig.simulator.script([silentP, fineS]);
    const got = await ask({ stream: true });
    assert.equal(textOf(got.text), 'this comes from s');
  });

  it('is left alone once content has come, however slow the rest is', async () => {
    rig.simulator.script([says('p', { chunk_delay_ms: 40 }), fineS]);
    const got = await ask({ stream: true });
    assert.equal(textOf(got.text), 'this comes from p');
    assert.deepEqual(await rig.attempts(got.id), ['p/m answered']);
    assert.equal((await rig.record(got.id))['hedged'], undefined);
  });

  it('goes on alone where the other one fails, and no third one comes', async () => {
    rig.simulator.script([says('p', { delay_ms: AFTER_MS * 3 }), says('s', { status: 500, delay_ms: 20 })]);
    const got = await ask();
    assert.match(got.text, /this comes from p/);
    assert.deepEqual(await rig.attempts(got.id), ['s/m refused', 'p/m answered']);
    rig.simulator.script([says('p', { status: 500, delay_ms: AFTER_MS + 50 }), says('s', { delay_ms: 200 })]);
    const other = await ask();
    assert.match(other.text, /this comes from s/);
    assert.deepEqual(await rig.attempts(other.id), ['p/m refused', 's/m answered']);
  });

  it('ends both where the caller leaves', async () => {
    rig.simulator.script([slowP, says('s', { delay_ms: SLOW_MS })]);
    const gone = new AbortController();
    const before = rig.simulator.log.requests.length;
    const left = rig
      .post(
        '/v1/chat/completions',
        { model: 'main', stream: true, messages: [{ role: 'user', content: 'hi' }] },
        { signal: gone.signal },
      )
      .then(
        () => 'answered',
        () => 'left',
      );
    while (rig.simulator.log.requests.length < before + 2) await nextPoll();
    await nextPoll(20);
    const leftMs = performance.now();
    gone.abort();
    assert.equal(await left, 'left');
    for (const provider of ['p', 's']) {
      const { socketClosedMs = 0, ended } = await lastAt(provider);
      assert.equal(ended, 'client-closed');
      assert.ok(socketClosedMs - leftMs < CANCEL_MAX_MS, `${provider} was closed after ${socketClosedMs - leftMs} ms`);
    }
  });

  it('is told apart by no official client', async () => {
    rig.simulator.script([slowP, says('s', { chunk_delay_ms: 5 })]);
    const openai = new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1`, maxRetries: 0 });
    const anthropic = new Anthropic({ apiKey: rig.key, baseURL: rig.url, maxRetries: 0 });
    const google = new GoogleGenAI({ apiKey: rig.key, httpOptions: { baseUrl: rig.url } });
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const texts: Readonly<Record<string, () => Promise<string | null | undefined>>> = {
      openai: async () =>
        (await openai.chat.completions.create({ model: 'main', messages })).choices[0]?.message.content,
      'openai, streamed': async () => {
        let text = '';
        const stream = await openai.chat.completions.create({ model: 'main', messages, stream: true });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
        return text;
      },
      anthropic: () => anthropic.messages.stream({ model: 'main', max_tokens: 50, messages }).finalText(),
      google: async () => (await google.models.generateContent({ model: 'main', contents: 'hi' })).text,
      'google, streamed': async () => {
        let text = '';
        for await (const chunk of await google.models.generateContentStream({ model: 'main', contents: 'hi' }))
          text += chunk.text ?? '';
        return text;
      },
    };
    for (const [name, read] of Object.entries(texts)) assert.equal(await read(), 'this comes from s', name);
  });
});

describe('what hedges may cost', () => {
  it('is a share of the requests and of the spend, and what was withheld is told', async () => {
    const tight = await startAttemptsRig({ ways: { hedge: { afterMs: 50, budget: 0.25 } } });
    try {
      tight.simulator.script([says('p', { delay_ms: 120 }), says('s', { delay_ms: SLOW_MS })]);
      const results: unknown[] = [];
      for (let count = 0; count < 8; count += 1) {
        const { id } = await tight.post('/v1/chat/completions', {
          model: 'main',
          messages: [{ role: 'user', content: 'hi' }],
        });
        const hedge = asRecord((await tight.record(id))['hedged']);
        results.push(hedge?.['why'] ?? hedge?.['result']);
      }
      // Four requests earn one; what it costs must have been earned too.
      assert.deepEqual(results, [
        'requests',
        'requests',
        'requests',
        'lost',
        'requests',
        'requests',
        'requests',
        'lost',
      ]);
      assert.match(await tight.metrics(), /turnout_hedges_total\{.*result="withheld_requests".*\} 6\n/);
      const spentNanoUsd = (await tight.metrics()).match(/turnout_hedge_cost_nano_usd_total\{.*\} (\d+)\n/)?.[1];
      assert.ok(Number(spentNanoUsd) > 0, 'what was called off has a price');
    } finally {
      await tight.close();
    }
  });

  it('is held beside the first try, and is not spent where the budget has no room for both', async () => {
    const { id: keyId, token } = await rig.newKey('0.0018');
    rig.simulator.script([says('p', { delay_ms: AFTER_MS + 150 }), says('s', { delay_ms: SLOW_MS })]);
    const body = { model: 'main', max_tokens: 100, messages: [{ role: 'user', content: 'hi there' }] };
    const got = await rig.post('/v1/chat/completions', body, { token });
    assert.equal(got.status, 200, got.text);
    const record = await rig.record(got.id);
    assert.equal(asRecord(record['hedged'])?.['why'], 'budget');
    assert.deepEqual(await rig.attempts(got.id), ['p/m answered']);
    assert.equal(await rig.held(keyId), 0n);
  });

  it('is never a second target of unknown price, nor one that rests', async () => {
    const odd = await startAttemptsRig({
      ways: { hedge: { afterMs: 50, budget: 1 } },
      targets: ['p/m', 'unpriced/m', 't/m'],
    });
    try {
      const body = { model: 'main', messages: [{ role: 'user', content: 'hi' }] };
      odd.simulator.script([says('p')]);
      await odd.post('/v1/chat/completions', body, { token: ROOT_KEY });
      odd.simulator.script([says('p', { delay_ms: 400 }), fineS, says('t', { delay_ms: SLOW_MS })]);
      const { id } = await odd.post('/v1/chat/completions', body, { token: ROOT_KEY });
      assert.deepEqual(await odd.attempts(id), ['t/m left hedged', 'p/m answered']);
      odd.simulator.script([says('t', { status: 429, headers: { 'retry-after': '30' } })]);
      await odd.post('/v1/chat/completions', { ...body, model: 't/m' }, { token: ROOT_KEY });
      odd.simulator.script([says('p', { delay_ms: 200 })]);
      const other = await odd.post('/v1/chat/completions', body, { token: ROOT_KEY });
      assert.deepEqual(await odd.attempts(other.id), ['p/m answered']);
      assert.equal(asRecord((await odd.record(other.id))['hedged'])?.['why'], 'target');
    } finally {
      await odd.close();
    }
  });
});

describe('a first token that is too slow', () => {
  it('is given up for another target, and waited for where there is none', async () => {
    const hurried = await startAttemptsRig({ ways: { firstTokenMs: 150 } });
    try {
      hurried.simulator.script([silentP, fineS]);
      const body = { model: 'main', stream: true, messages: [{ role: 'user', content: 'hi' }] };
      const got = await hurried.post('/v1/chat/completions', body);
      assert.equal(textOf(got.text), 'this comes from s');
      assert.deepEqual(await hurried.attempts(got.id), ['p/m broke slow', 's/m answered']);
      hurried.simulator.script([says('p', { delay_ms: 300 }), fineS]);
      const alone = await hurried.post('/v1/chat/completions', { ...body, model: 'p/m' });
      assert.deepEqual(await hurried.attempts(alone.id), ['p/m answered']);
      // The second one is as slow, and the last: it has the time that its target gives it.
      hurried.simulator.script([silentP, says('s', { delay_ms: 400 })]);
      const last = await hurried.post('/v1/chat/completions', body);
      assert.deepEqual(await hurried.attempts(last.id), ['p/m broke slow', 's/m answered']);
    } finally {
      await hurried.close();
    }
  });
});
