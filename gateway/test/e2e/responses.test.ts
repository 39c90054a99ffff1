/** Clients of the Responses API against a real gateway, each with providers of every protocol behind it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { asArray, asRecord, asString } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const;
const TOOLS: OpenAI.Responses.FunctionTool[] = [
  { type: 'function', name: 'weather', description: 'Weather of a city', parameters: WEATHER, strict: true },
];
/** Providers behind the gateway, one a protocol. */
const TARGETS = ['house-responses/m', 'house-openai/m', 'house-anthropic/m', 'house-gemini/m'] as const;

let simulator: Simulator;
let gateway: TestGateway;

before(async () => {
  setTracingDisabled(true);
  simulator = await startSimulator();
  const price = 'models: {m: {price: {input: 1, output: 2}}}';
  gateway = await startGateway({
    config: testConfig({
      'house-responses': `{dialect: openai-responses, base_url: "${simulator.url}/openai/v1", ${price}}`,
      'house-openai': `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1", ${price}}`,
      'house-anthropic': `{dialect: anthropic-messages, base_url: "${simulator.url}/anthropic", ${price}}`,
      'house-gemini': `{dialect: gemini, base_url: "${simulator.url}/gemini/v1beta", ${price}}`,
      openai: `{base_url: "${simulator.url}/openai/v1", api_key: sk-test}`,
    }),
  });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
});

const client = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

for (const model of TARGETS) {
  describe(`openai SDK's responses to ${model}`, () => {
    const input = 'Say hi.';

    it('gets text and usage', async () => {
      const reply = await client().responses.create({ model, input, max_output_tokens: 40 });
      assert.ok(reply.output_text.length > 0 && reply.id.startsWith('resp_'));
      assert.ok((reply.usage?.input_tokens ?? 0) > 0 && (reply.usage?.output_tokens ?? 0) > 0);
    });

    it('follows a stream with its helper, event by event', async () => {
      const stream = client().responses.stream({ model, input, reasoning: { effort: 'high', summary: 'auto' } });
      let text = '';
      const types = new Set<string>();
      for await (const event of stream) {
        types.add(event.type);
        if (event.type === 'response.output_text.delta') text += event.delta;
      }
      const final = await stream.finalResponse();
      assert.equal(final.output_text, text);
      assert.ok(text.length > 0 && (final.usage?.output_tokens ?? 0) > 0);
      assert.ok(types.has('response.created') && types.has('response.completed'));
      assert.ok(types.has('response.reasoning_summary_text.delta'), [...types].join());
    });

    it('goes through a round of tools', async () => {
      const stream = client().responses.stream({ model, input, tools: TOOLS, tool_choice: 'required' });
      const first = await stream.finalResponse();
      const call = first.output.find((item) => item.type === 'function_call');
      assert.ok(call !== undefined && call.name === 'weather');
      assert.equal(typeof JSON.parse(call.arguments).city, 'string');
      const second = await client().responses.create({
        model,
        input: [
          { role: 'user', content: input },
          ...first.output.map((item): OpenAI.Responses.ResponseInputItem => JSON.parse(JSON.stringify(item))),
          { type: 'function_call_output', call_id: call.call_id, output: '21 degrees' },
        ],
        tools: TOOLS,
      });
      assert.ok(second.output_text.length > 0);
    });

    it('parses output of a schema', async () => {
      const Person = z.object({ name: z.string(), age: z.int() });
      const reply = await client().responses.parse({ model, input, text: { format: zodTextFormat(Person, 'person') } });
      assert.equal(typeof reply.output_parsed?.name, 'string');
    });

    it('counts tokens', async () => {
      const counted = await client().responses.inputTokens.count({ model, input: 'One two three four five.' });
      assert.ok(counted.input_tokens > 0);
    });

    it('drives an agent with a tool to its answer', async () => {
      const provider = new OpenAIProvider({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, useResponses: true });
      const asked: string[] = [];
      const agent = new Agent({
        name: 'weather',
        instructions: 'Answer with the weather.',
        model,
        modelSettings: { toolChoice: 'required' },
        tools: [
          agentTool({
            name: 'weather',
            description: 'Weather of a city',
            parameters: z.object({ city: z.string() }),
            execute: ({ city }) => {
              asked.push(city);
              return '21 degrees';
            },
          }),
        ],
      });
      const runner = new Runner({ modelProvider: provider, tracingDisabled: true });
      const whole = await runner.run(agent, 'What is the weather?');
      assert.ok((whole.finalOutput ?? '').length > 0);
      assert.equal(asked.length, 1);
      const streamed = await runner.run(agent, 'What is the weather?', { stream: true });
      await streamed.completed;
      assert.ok((streamed.finalOutput ?? '').length > 0);
      assert.equal(asked.length, 2);
    });

    it('speaks with the AI SDK', async () => {
      const openai = createOpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1` });
      const whole = await generateText({ model: openai.responses(model), prompt: 'Say hi.', maxRetries: 0 });
      assert.ok(whole.text.length > 0 && whole.finishReason === 'stop');
      const streamed = streamText({ model: openai.responses(model), prompt: 'Say hi.', maxRetries: 0 });
      assert.ok((await streamed.text).length > 0);
      assert.ok(((await streamed.usage).outputTokens ?? 0) > 0);
    });
  });
}

describe('the Responses API of the gateway', () => {
  it('is reached under the prefixes of official clients', async () => {
    for (const prefix of ['/v1', '/openai/v1', '/api/v1']) {
      const reply = await fetch(`${gateway.url}${prefix}/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'house-openai/m', input: 'hi' }),
      });
      assert.equal(reply.status, 200, prefix);
    }
  });

  it('goes to OpenAI in its own words: no byte of the body is changed but the name of the model', async () => {
    const body = '{"model": "openai/gpt-5",  "input": "hi", "client_metadata": {"a": "b"}, "store": false}';
    const reply = await fetch(`${gateway.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      body,
    });
    assert.equal(reply.status, 200);
    const log = asRecord(await (await fetch(`${simulator.url}/__simulator/log`)).json());
    const last = asRecord(asArray(log?.['requests'])?.at(-1));
    assert.equal(last?.['dialect'], 'openai-responses');
    assert.equal(last['body_bytes'], Buffer.byteLength(body.replace('openai/gpt-5', 'gpt-5')));
  });

  it('sends a chat to a model that only has the Responses API', async () => {
    const reply = await client().chat.completions.create({
      model: 'openai/gpt-5-codex',
      messages: [{ role: 'user', content: 'Say hi.' }],
    });
    assert.ok((reply.choices[0]?.message.content ?? '').length > 0);
  });

  it('goes on from a reply by its id, whichever provider takes the next turn', async () => {
    for (const [first, next] of [
      ['house-openai/m', 'house-anthropic/m'],
      ['house-gemini/m', 'house-responses/m'],
      ['house-responses/m', 'house-openai/m'],
    ] as const) {
      const one = await client().responses.stream({ model: first, input: 'Remember forty-two.' }).finalResponse();
      const two = await client().responses.create({ model: next, input: 'Which?', previous_response_id: one.id });
      const log = asRecord(await (await fetch(`${simulator.url}/__simulator/log`)).json());
      const sent = JSON.stringify(asRecord(asArray(log?.['requests'])?.at(-1))?.['body']);
      assert.ok(sent.includes('forty-two') && sent.includes('Which?'), `${next}: ${sent.slice(0, 400)}`);
      assert.ok(sent.includes(one.output_text.slice(0, 20)), `${next} was not told what ${first} had said`);
      const items = await client().responses.inputItems.list(two.id);
      assert.equal(items.data.length, 3);
    }
  });

  it('shows and removes a reply that is kept, to its own key alone', async () => {
    const made = await client().responses.create({ model: 'house-openai/m', input: 'hi' });
    assert.deepEqual((await client().responses.retrieve(made.id)).output_text, made.output_text);
    const issued = await fetch(`${gateway.url}/admin/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'other' }),
    });
    const token = asString(asRecord(await issued.json())?.['key']) ?? '';
    const other = new OpenAI({ apiKey: token, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    await assert.rejects(other.responses.retrieve(made.id), OpenAI.NotFoundError);
    await client().responses.delete(made.id);
    await assert.rejects(client().responses.retrieve(made.id), OpenAI.NotFoundError);
    await assert.rejects(client().responses.cancel(made.id), OpenAI.BadRequestError);
  });

  it('keeps nothing of a request that says so, and tells what it does not know as OpenAI does', async () => {
    const made = await client().responses.create({ model: 'house-openai/m', input: 'hi', store: false });
    await assert.rejects(client().responses.retrieve(made.id), OpenAI.NotFoundError);
    const next = { model: 'house-openai/m', input: 'hi', previous_response_id: made.id };
    await assert.rejects(client().responses.create(next), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.code, error.param], ['previous_response_not_found', 'previous_response_id']);
      return true;
    });
  });

  it('refuses work in the background, naming the field', async () => {
    await assert.rejects(
      client().responses.create({ model: 'house-openai/m', input: 'hi', background: true }),
      (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.equal(error.param, 'background');
        return true;
      },
    );
  });
});
