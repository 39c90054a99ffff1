/**
 * Text completions through a real gateway: the official SDK asks for them over providers of every protocol (the simulator speaks
 * them all), and clients of the other protocols ask a provider that has nothing else.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { CohereClientV2 } from 'cohere-ai';
import OpenAI from 'openai';
import { asArray, asRecord, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** A provider a protocol; the first speaks the caller's own. */
const PROVIDERS: Readonly<
  Record<string, { readonly dialect: string; readonly base: string; readonly model?: string }>
> = {
  'house-text': { dialect: 'openai-completions', base: '/openai/v1' },
  'house-openai': { dialect: 'openai-chat', base: '/openai/v1' },
  'house-responses': { dialect: 'openai-responses', base: '/openai/v1' },
  'house-anthropic': { dialect: 'anthropic-messages', base: '/anthropic' },
  'house-gemini': { dialect: 'gemini', base: '/gemini/v1beta' },
  'house-cohere': { dialect: 'cohere', base: '/cohere/v2' },
  'house-ollama': { dialect: 'ollama', base: '/ollama' },
  'house-converse': { dialect: 'bedrock-converse', base: '/bedrock' },
  'house-invoke': { dialect: 'bedrock-invoke', base: '/bedrock', model: 'anthropic.claude-haiku-4-5-20251001-v1:0' },
};
const TEXT = 'house-text/m';
const OTHERS = Object.keys(PROVIDERS).filter((id) => id !== 'house-text');

let simulator: Simulator;
/** Breaks its streams in the middle. */
let broken: Server;
let gateway: TestGateway;

function nameOf(id: string): string {
  return `${id}/${PROVIDERS[id]?.model ?? 'm'}`;
}

before(async () => {
  simulator = await startSimulator();
  broken = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const isText = request.url?.endsWith('/v1/completions') === true;
    const choice = isText ? { index: 0, text: 'begun' } : { index: 0, delta: { content: 'begun' } };
    response.write(`data: ${JSON.stringify({ id: 'x', choices: [{ ...choice, finish_reason: null }] })}\n\n`);
    setImmediate(() => response.end());
  });
  await new Promise<void>((resolve) => {
    broken.listen(0, '127.0.0.1', resolve);
  });
  const { port } = broken.address() as AddressInfo;
  const rows = Object.entries(PROVIDERS).map(([id, { dialect, base, model = 'm' }]) => {
    const models = `models: {"${model}": {price: {input: 1, output: 2}}}`;
    return [
      id,
      `{dialect: ${dialect}, base_url: "${simulator.url}${base}", api_key: sk-house-0000, ${models}}`,
    ] as const;
  });
  const breaking = (dialect: string): string =>
    `{dialect: ${dialect}, base_url: "http://127.0.0.1:${port}/v1", models: {m: {price: {input: 1, output: 2}}}}`;
  gateway = await startGateway({
    config: testConfig(
      {
        ...Object.fromEntries(rows),
        'broken-text': breaking('openai-completions'),
        'broken-chat': breaking('openai-chat'),
        vllm: `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1", models: {llama: {price: {input: 1, output: 2}}}}`,
      },
      'routes: {falls: {targets: [house-anthropic/m, house-text/m]}}',
    ),
  });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
  broken.closeAllConnections();
  broken.close();
});

function client(headers: Readonly<Record<string, string>> = {}): OpenAI {
  return new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0, defaultHeaders: headers });
}

/** Paths that the simulator was asked at since `from` requests. */
function askedSince(from: number): readonly string[] {
  return simulator.log.requests.slice(from).map(({ path }) => path);
}

function lastBody(): JsonRecord {
  return asRecord(simulator.log.requests.at(-1)?.body) ?? {};
}

for (const id of Object.keys(PROVIDERS)) {
  describe(`the openai SDK completes texts at ${id}`, () => {
    const model = nameOf(id);

    it('and gets text and usage', async () => {
      const reply = await client().completions.create({ model, prompt: 'Say hi.', max_tokens: 40 });
      assert.equal(reply.object, 'text_completion');
      const [choice] = reply.choices;
      assert.ok(choice !== undefined && choice.text.length > 0 && choice.index === 0);
      assert.match(choice.finish_reason, /^(?:stop|length)$/);
      assert.ok((reply.usage?.prompt_tokens ?? 0) > 0 && (reply.usage?.completion_tokens ?? 0) > 0);
    });

    it('and gets a stream with usage at its end', async () => {
      const stream = await client().completions.create({
        model,
        prompt: 'Say hi.',
        max_tokens: 40,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = '';
      const finishes: string[] = [];
      let usage: OpenAI.CompletionUsage | null | undefined;
      for await (const chunk of stream) {
        assert.equal(chunk.object, 'text_completion');
        for (const choice of chunk.choices) {
          text += choice.text;
          if (choice.finish_reason !== null) finishes.push(choice.finish_reason);
        }
        usage = chunk.usage ?? usage;
      }
      assert.ok(text.length > 0 && finishes.length === 1 && (usage?.completion_tokens ?? 0) > 0);
    });

    it('and gets an answer to each of several prompts, in order', async () => {
      const from = simulator.log.requests.length;
      const prompts = ['The first of three.', 'A second one, longer.', 'And the third.'];
      const reply = await client().completions.create({ model, prompt: prompts, max_tokens: 40 });
      assert.deepEqual(
        reply.choices.map((choice) => choice.index),
        [0, 1, 2],
      );
      assert.ok(reply.choices.every((choice) => choice.text.length > 0));
      const calls = askedSince(from).length;
      assert.equal(calls, id === 'house-text' ? 1 : 3);
      const usage = reply.usage;
      assert.equal(usage?.total_tokens, (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
    });
  });
}

describe('several prompts', () => {
  it('are answered as each alone is, and paid for together', async () => {
    const prompts = ['Tell me of the sea.', 'Tell me of a mountain.'];
    const model = 'house-openai/m';
    const alone: OpenAI.Completion[] = [];
    for (const prompt of prompts)
      alone.push(await client().completions.create({ model, prompt, max_tokens: 30, n: 2 }));
    const { data: reply, response } = await client()
      .completions.create({ model, prompt: prompts, max_tokens: 30, n: 2 })
      .withResponse();
    assert.deepEqual(
      reply.choices.map(({ index, text }) => [index, text]),
      alone.flatMap(({ choices }, part) => choices.map(({ index, text }) => [part * 2 + index, text])),
    );
    const sum = (count: (usage: OpenAI.CompletionUsage) => number): number =>
      alone.reduce((total, one) => total + (one.usage === undefined ? 0 : count(one.usage)), 0);
    assert.equal(
      reply.usage?.prompt_tokens,
      sum((usage) => usage.prompt_tokens),
    );
    assert.equal(
      reply.usage?.completion_tokens,
      sum((usage) => usage.completion_tokens),
    );
    const record = await fetch(`${gateway.url}/v1/decisions/${response.headers.get('x-turnout-decision') ?? ''}`, {
      headers: { authorization: `Bearer ${ROOT_KEY}` },
    });
    const attempts = asArray(asRecord(await record.json())?.['attempts']) ?? [];
    assert.equal(attempts.length, 1);
    assert.equal(asRecord(asRecord(attempts[0])?.['usage'])?.['output_tokens'], reply.usage?.completion_tokens);
  });

  it('are no stream at another protocol, and one at their own', async () => {
    const asked = { prompt: ['a', 'b'], max_tokens: 8, stream: true as const };
    await assert.rejects(client().completions.create({ ...asked, model: 'house-anthropic/m' }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.param, error.code], ['prompt', 'not_for_target']);
      assert.match(error.message, /Send one, or do not stream/);
      return true;
    });
    const seen = new Set<number>();
    for await (const chunk of await client().completions.create({ ...asked, model: TEXT }))
      for (const choice of chunk.choices) seen.add(choice.index);
    assert.deepEqual([...seen], [0, 1]);
  });
});

describe('token numbers', () => {
  it('pass to a provider of text completions as they are', async () => {
    for (const prompt of [
      [12, 345, 678],
      [[1, 2], [3]],
    ]) {
      const reply = await client().completions.create({ model: TEXT, prompt, max_tokens: 8 });
      assert.ok(reply.choices.length > 0);
      assert.deepEqual(lastBody()['prompt'], prompt);
    }
  });

  it('are refused for all others, adapted or not, and a route falls back to one that takes them', async () => {
    const asked = { prompt: [12, 345, 678], max_tokens: 8 };
    for (const id of OTHERS)
      for (const headers of [{}, { 'x-turnout-adapt': 'true' }])
        await assert.rejects(client(headers).completions.create({ ...asked, model: nameOf(id) }), (error: unknown) => {
          assert.ok(error instanceof OpenAI.BadRequestError && error.param === 'prompt', String(error));
          assert.match(error.message, /Send the text/);
          return true;
        });
    const { response } = await client()
      .completions.create({ ...asked, model: 'falls' })
      .withResponse();
    assert.equal(response.headers.get('x-turnout-provider'), 'house-text');
  });
});

describe('what only a text completion has', () => {
  const rows = [
    ['echo', { echo: true }],
    ['suffix', { suffix: 'the end' }],
    ['best_of', { best_of: 3 }],
  ] as const;
  for (const [field, patch] of rows) {
    it(`is refused by name, or left out and named: ${field}`, async () => {
      const asked = { model: 'house-gemini/m', prompt: 'Once', max_tokens: 16, ...patch };
      await assert.rejects(
        client().completions.create(asked),
        (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === field,
      );
      const { response } = await client({ 'x-turnout-adapt': 'true' }).completions.create(asked).withResponse();
      assert.ok(response.headers.get('x-turnout-adapted')?.split(', ').includes(field));
      await client().completions.create({ ...asked, model: TEXT });
      assert.deepEqual(lastBody()[field], asked[field as keyof typeof asked]);
    });
  }

  it('is no loss where it asks for nothing', async () => {
    const asked = { model: 'house-gemini/m', prompt: 'Once', max_tokens: 16, echo: false, suffix: '', best_of: 1 };
    const { response } = await client().completions.create(asked).withResponse();
    assert.equal(response.headers.get('x-turnout-adapted'), null);
  });
});

describe('bad input to text completions', () => {
  const rows: readonly (readonly [patch: JsonRecord, param: string])[] = [
    [{ model: '' }, 'model'],
    [{ model: 'm'.repeat(10_240) }, 'model'],
    [{ model: null }, 'model'],
    [{ prompt: null }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: { text: 'x' } }, 'prompt'],
    [{ prompt: ['a', 7] }, 'prompt'],
    [{ prompt: [[1, -2]] }, 'prompt'],
    [{ prompt: [1.5] }, 'prompt'],
    [{ prompt: [[]] }, 'prompt'],
    [{ prompt: Array.from({ length: 2049 }, () => 'x') }, 'prompt'],
    [{ suffix: 7 }, 'suffix'],
    [{ echo: 'yes' }, 'echo'],
    [{ best_of: 0 }, 'best_of'],
    [{ best_of: 1000 }, 'best_of'],
    [{ n: 1000 }, 'n'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ temperature: 9 }, 'temperature'],
    [{ logprobs: 'all' }, 'logprobs'],
    [{ stop: [7] }, 'stop'],
    [{ stream: 'yes' }, 'stream'],
    [{ stream_options: { include_usage: true } }, 'stream_options'],
    [{ user: 7 }, 'user'],
  ];

  it('is refused by the name of the field, and nobody is asked', async () => {
    const from = simulator.log.requests.length;
    for (const [patch, param] of rows) {
      const answer = await fetch(`${gateway.url}/v1/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: TEXT, prompt: 'x', ...patch }),
      });
      const error = asRecord(asRecord(await answer.json())?.['error']);
      assert.deepEqual([answer.status, error?.['param']], [400, param], JSON.stringify(patch).slice(0, 100));
      assert.equal(error?.['type'], 'invalid_request_error');
    }
    assert.equal(simulator.log.requests.length, from);
  });

  it('is told apart from a path and a method that do not exist', async () => {
    const headers = { authorization: `Bearer ${ROOT_KEY}` };
    const wrongPath = await fetch(`${gateway.url}/completions`, { method: 'POST', headers });
    assert.equal(wrongPath.status, 404);
    assert.match(JSON.stringify(await wrongPath.json()), /Did you mean \/v1\/completions/);
    const wrongMethod = await fetch(`${gateway.url}/v1/completions`, { headers });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.get('allow')], [405, 'POST']);
  });
});

describe('faults of text completions', () => {
  it('are thrown by the SDK as its own error classes', async () => {
    await assert.rejects(
      client().completions.create({ model: 'no/such', prompt: 'x' }),
      (error: unknown) => error instanceof OpenAI.NotFoundError,
    );
    const stranger = new OpenAI({ apiKey: 'tk_wrong', baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    await assert.rejects(stranger.completions.create({ model: TEXT, prompt: 'x' }), OpenAI.AuthenticationError);
  });

  for (const model of ['broken-text/m', 'broken-chat/m']) {
    it(`end a stream that breaks at ${model} with an error that the SDK throws`, async () => {
      const stream = await client().completions.create({ model, prompt: 'x', stream: true });
      let text = '';
      await assert.rejects(async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
      }, OpenAI.APIError);
      assert.equal(text, 'begun');
    });
  }
});

describe('the paths of text completions', () => {
  it('are also those that clients of other gateways use', async () => {
    for (const path of ['/openai/v1/completions', '/api/v1/completions']) {
      const answer = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: TEXT, prompt: 'x', max_tokens: 8 }),
      });
      assert.equal(answer.status, 200, path);
    }
  });

  it('lead to the same wire at a local server that also has a chat', async () => {
    const from = simulator.log.requests.length;
    await client().completions.create({ model: 'vllm/llama', prompt: 'x', max_tokens: 8 });
    await client().chat.completions.create({ model: 'vllm/llama', messages: [{ role: 'user', content: 'x' }] });
    assert.deepEqual(askedSince(from), ['/openai/v1/completions', '/openai/v1/chat/completions']);
  });
});

describe('clients of chats at a provider that has text completions alone', () => {
  const system = 'Be brief.';

  it('are answered: OpenAI', async () => {
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: 'Hi' },
      { role: 'assistant' as const, content: 'Hello' },
      { role: 'user' as const, content: 'More' },
    ];
    const reply = await client().chat.completions.create({ model: TEXT, messages, max_completion_tokens: 30 });
    assert.ok((reply.choices[0]?.message.content ?? '').length > 0 && (reply.usage?.completion_tokens ?? 0) > 0);
    assert.deepEqual(lastBody(), {
      model: 'm',
      prompt: `${system}\nUser: Hi\nChatbot: Hello\nUser: More\nChatbot:`,
      max_tokens: 30,
    });
    let text = '';
    for await (const chunk of await client().chat.completions.create({ model: TEXT, messages, stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    assert.ok(text.length > 0);
    const answered = await client().responses.create({ model: TEXT, instructions: system, input: 'Hi' });
    assert.ok(answered.output_text.length > 0);
  });

  it('are answered: Anthropic, Gemini, Cohere', async () => {
    const anthropic = new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });
    const ask = { model: TEXT, max_tokens: 40, system, messages: [{ role: 'user' as const, content: 'Hi' }] };
    const final = await anthropic.messages.stream(ask).finalMessage();
    assert.ok(final.content.some((block) => block.type === 'text' && block.text.length > 0));
    const google = new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: gateway.url } });
    assert.ok(((await google.models.generateContent({ model: TEXT, contents: 'Hi' })).text ?? '').length > 0);
    const cohere = new CohereClientV2({ token: ROOT_KEY, environment: gateway.url });
    const said = await cohere.chat({ model: TEXT, messages: [{ role: 'user', content: 'Hi' }] }, { maxRetries: 0 });
    assert.equal(said.message.content?.[0]?.type, 'text');
  });

  it('are told by name that it has no tools', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather' } }];
    const asked = { model: TEXT, messages: [{ role: 'user' as const, content: 'x' }], tools };
    await assert.rejects(
      client().chat.completions.create(asked),
      (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'tools[0]',
    );
  });
});
