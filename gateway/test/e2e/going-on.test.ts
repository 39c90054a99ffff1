/** Streams that break in the middle of their text and are gone on with elsewhere, as official clients and all books see them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import type { Step } from '../../src/simulator/step.ts';
import { nextPoll } from '../chaos/rig.ts';
import { ROOT_KEY } from '../harness.ts';
import { startAttemptsRig, textOf, type AttemptsRig, type Posted } from './attempts-kit.ts';

const FIRST = 'One two three four five six';
const REST = ' seven eight nine ten.';
const MESSAGES = [{ role: 'user' as const, content: 'count to ten' }];

/** Says the text and then breaks; the pieces of the simulator are words. */
const breaks = (provider: string, text: string, how: Partial<Step>): Step => ({
  match: { provider },
  times: 1,
  reply: { text: `${text} never seen`, usage: { input_tokens: 10, output_tokens: 8 } },
  ...how,
});
const goesOn = (provider: string, text: string, more: Partial<Step> = {}): Step => ({
  match: { provider },
  times: 'forever',
  reply: { text, usage: { input_tokens: 20, output_tokens: 6 } },
  ...more,
});

let rig: AttemptsRig;

before(async () => {
  rig = await startAttemptsRig({
    ways: { continues: true },
    routes: [
      'from-claude: {targets: [a/m, s/m], continue: true}',
      'to-claude: {targets: [p/m, claude/claude-sonnet-4-5], continue: true}',
      'from-gemini: {targets: [g/m, s/m], continue: true}',
      'alone: {targets: [p/m], continue: true}',
      'honest: {targets: [p/m, s/m]}',
    ],
  });
});
after(() => rig.close());

function ask(more: JsonRecord = {}): Promise<Posted> {
  return rig.post('/v1/chat/completions', { model: 'main', stream: true, messages: MESSAGES, ...more });
}

function lastBody(provider: string): JsonRecord {
  return asRecord(rig.simulator.log.requests.findLast((one) => one.provider === provider)?.body) ?? {};
}

/** After six words of text: the first event of OpenAI's form is the role. */
const AFTER_SIX = { event: 7 };

describe('a stream that breaks in the middle of its text', () => {
  const hows: Readonly<Record<string, Partial<Step>>> = {
    'is cut': { cut_at: AFTER_SIX },
    'is reset': { reset_at: AFTER_SIX },
    'ends without a finish': { end_at: AFTER_SIX },
    'falls silent': { stall_at: AFTER_SIX },
  };
  for (const [name, how] of Object.entries(hows)) {
    it(`is gone on with where it ${name}`, async () => {
      rig.simulator.script([breaks('p', FIRST, how), goesOn('s', REST)]);
      const got = await ask({ stream_options: { include_usage: true } });
      assert.equal(textOf(got.text), FIRST + REST);
      assert.match(got.text, /data: \[DONE\]\n\n$/);
      const attempts = await rig.attempts(got.id);
      assert.match(attempts[0] ?? '', /^p\/m broke /);
      assert.equal(attempts[1], 's/m answered');
      const record = await rig.record(got.id);
      const seam = { offset: FIRST.length, from: 'p/m', to: 's/m' };
      assert.deepEqual(record['continued'], [seam]);
      assert.ok(got.text.includes(`: x-turnout-continued ${JSON.stringify(seam)}\n\n`), got.text);
      assert.ok(got.text.includes(`{"turnout":{"continued":${JSON.stringify(seam)}}`), got.text);
      // What the caller is told is what was booked.
      const usage = usageIn(got.text);
      const rows = await rig.rows(got.id);
      assert.equal(rows.length, 2);
      assert.deepEqual([rows[0]?.estimated, rows[1]?.estimated], [true, false]);
      assert.equal(
        usage.prompt_tokens,
        rows.reduce((sum, row) => sum + (row.input_tokens ?? 0), 0),
      );
      assert.equal(
        usage.completion_tokens,
        rows.reduce((sum, row) => sum + (row.output_tokens ?? 0), 0),
      );
    });
  }

  it('is gone on with by the text so far and an instruction, or by the text alone where the target goes on from it', async () => {
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST)]);
    await ask({ max_tokens: 100 });
    const told = (asArray(lastBody('s')['messages']) ?? []).filter(isRecord);
    assert.deepEqual(
      told.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
    assert.equal(told[1]?.['content'], FIRST);
    assert.match(asString(told[2]?.['content']) ?? '', /cut off/);
    const limit = Number(lastBody('s')['max_tokens']);
    assert.ok(limit < 100 && limit > 85, `${limit} tokens are left`);
    rig.simulator.script([
      breaks('p', 'One two three four five ', { cut_at: { event: 6 } }),
      goesOn('claude', 'six seven'),
    ]);
    const got = await ask({ model: 'to-claude' });
    const prefilled = (asArray(lastBody('claude')['messages']) ?? []).filter(isRecord);
    assert.deepEqual(
      prefilled.map(({ role }) => role),
      ['user', 'assistant'],
    );
    assert.doesNotMatch(JSON.stringify(prefilled[1]), / "/, 'Claude refuses space at the end');
    assert.match(textOf(got.text), /^One two three four five ?six seven$/);
  });

  it('has its last words once, though the target repeats them', async () => {
    rig.simulator.script([
      breaks('p', FIRST, { cut_at: AFTER_SIX }),
      goesOn('s', `four five six${REST}`, { chunk_delay_ms: 2 }),
    ]);
    assert.equal(textOf((await ask()).text), FIRST + REST);
  });

  it('is gone on with twice, and by the same target where there is no other', async () => {
    rig.simulator.script([
      breaks('p', FIRST, { cut_at: AFTER_SIX }),
      breaks('s', ' seven eight nine', { cut_at: { event: 4 } }),
      goesOn('p', ' ten.'),
      goesOn('s', ' ten.'),
    ]);
    const got = await ask();
    assert.equal(textOf(got.text), FIRST + REST);
    assert.equal(asArray((await rig.record(got.id))['continued'])?.length, 2);
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('p', REST)]);
    const alone = await ask({ model: 'alone' });
    assert.equal(textOf(alone.text), FIRST + REST);
    assert.deepEqual(await rig.attempts(alone.id), ['p/m broke truncated', 'p/m answered']);
  });

  it('ends with the error event where going on fails too, and where the route does not say it', async () => {
    rig.simulator.script([
      breaks('p', FIRST, { cut_at: AFTER_SIX }),
      { match: { provider: 's' }, times: 'forever', status: 500 },
      { match: { provider: 'p' }, times: 'forever', status: 500 },
    ]);
    const failed = await ask();
    assert.equal(textOf(failed.text), FIRST);
    assert.match(failed.text, /"finish_reason":"error"/);
    assert.ok(!failed.text.includes('[DONE]'));
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST)]);
    const honest = await ask({ model: 'honest' });
    assert.match(honest.text, /"finish_reason":"error"/);
    assert.deepEqual(await rig.attempts(honest.id), ['p/m broke truncated']);
  });

  it('is not gone on with once a tool was called, in an answer under a schema, or of several choices', async () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
    rig.simulator.script([
      {
        match: { provider: 'p' },
        reply: { text: 'let me see', tool_calls: [{ name: 'f', arguments: '{"a":1}' }] },
        end_at: { event: 6 },
      },
      goesOn('s', REST),
    ]);
    assert.match((await ask({ tools })).text, /"finish_reason":"error"/);
    for (const more of [{ response_format: { type: 'json_object' } }, { n: 2 }]) {
      rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST)]);
      assert.match((await ask(more)).text, /"finish_reason":"error"/, JSON.stringify(more));
    }
  });

  it('counts as attempts, within the budget and the deadline', async () => {
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST, { delay_ms: 4000 })]);
    const late = await ask({ turnout: { deadline_ms: 600 } });
    assert.match(late.text, /"finish_reason":"error"/);
    const { token, id } = await rig.newKey('0.0018');
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST)]);
    const got = await rig.post(
      '/v1/chat/completions',
      { model: 'main', stream: true, max_tokens: 100, messages: MESSAGES },
      { token },
    );
    assert.equal(got.status, 200, got.text);
    assert.equal(await rig.held(id), 0n);
  });

  it('is one answer to every official client, from every protocol', async () => {
    const openai = new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1`, maxRetries: 0 });
    const anthropic = new Anthropic({ apiKey: rig.key, baseURL: rig.url, maxRetries: 0 });
    const google = new GoogleGenAI({ apiKey: rig.key, httpOptions: { baseUrl: rig.url } });
    const clients: Readonly<Record<string, (model: string) => Promise<string>>> = {
      openai: async (model) => {
        let text = '';
        const stream = await openai.chat.completions.create({ model, messages: MESSAGES, stream: true });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
        return text;
      },
      responses: async (model) => {
        let text = '';
        let whole = '';
        const stream = await openai.responses.create({ model, input: 'count to ten', stream: true });
        for await (const event of stream) {
          if (event.type === 'response.output_text.delta') text += event.delta;
          if (event.type === 'response.completed') whole = event.response.output_text ?? textIn(event.response);
        }
        assert.equal(whole === '' ? text : whole, text);
        return text;
      },
      anthropic: (model) => anthropic.messages.stream({ model, max_tokens: 100, messages: MESSAGES }).finalText(),
      google: async (model) => {
        let text = '';
        for await (const chunk of await google.models.generateContentStream({ model, contents: 'count to ten' }))
          text += chunk.text ?? '';
        return text;
      },
    };
    // Where six words end in each provider's own form.
    const froms = { main: ['p', 7], 'from-claude': ['a', 9], 'from-gemini': ['g', 1] } as const;
    for (const [name, read] of Object.entries(clients)) {
      for (const [model, [provider, event]] of Object.entries(froms)) {
        rig.simulator.script([breaks(provider, FIRST, { cut_at: { event } }), goesOn('s', REST)]);
        assert.equal(await read(model), FIRST + REST, `${name} over ${model}`);
      }
    }
  });

  it('stops where the caller leaves', async () => {
    rig.simulator.script([breaks('p', FIRST, { cut_at: AFTER_SIX }), goesOn('s', REST, { delay_ms: 4000 })]);
    rig.simulator.log.clear();
    const gone = new AbortController();
    const left = fetch(`${rig.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'main', stream: true, messages: MESSAGES }),
      signal: gone.signal,
    })
      .then((response) => response.text())
      .then(
        () => 'answered',
        () => 'left',
      );
    while (rig.simulator.log.requests.at(-1)?.provider !== 's') await nextPoll();
    gone.abort();
    assert.equal(await left, 'left');
    const last = rig.simulator.log.requests.at(-1);
    const closed = await rig.simulator.log.waitFor(
      (one) => one.sequence === last?.sequence && one.ended !== undefined,
      2000,
    );
    assert.equal(closed.ended, 'client-closed');
  });

  // Last: a provider that is overloaded is left alone for a while.
  it('is gone on with where the provider reports an error in it', async () => {
    const piece = (content: string): JsonRecord => ({ id: 'c', choices: [{ index: 0, delta: { content } }] });
    rig.simulator.script([
      {
        match: { provider: 'p' },
        stream: [piece('One two'), piece(' three'), { error: { message: 'overloaded', code: 503 } }],
      },
      goesOn('s', ' four.'),
    ]);
    const got = await ask();
    assert.equal(textOf(got.text), 'One two three four.');
    assert.ok(!got.text.includes('overloaded'));
  });
});

interface ToldUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

function usageIn(streamed: string): ToldUsage {
  const told = streamed
    .split('\n\n')
    .filter((event) => event.startsWith('data: {') && event.includes('"usage":{'))
    .map((event) => asRecord(asRecord(JSON.parse(event.slice(6)))?.['usage']));
  const last = told.at(-1);
  return { prompt_tokens: Number(last?.['prompt_tokens']), completion_tokens: Number(last?.['completion_tokens']) };
}

function textIn(response: unknown): string {
  const output = asArray(asRecord(response)?.['output']) ?? [];
  return output
    .flatMap((item) => asArray(asRecord(item)?.['content']) ?? [])
    .map((part) => asString(asRecord(part)?.['text']) ?? '')
    .join('');
}
