/** Clients of each protocol with Replicate behind the gateway, which knows only a prompt and answers whole. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const MODEL = 'replicate/meta/meta-llama-3-70b-instruct';
const HI = [{ role: 'user' as const, content: 'Say hi.' }];

let simulator: Simulator;
let gateway: TestGateway;

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({
    config: testConfig({ replicate: `{base_url: "${simulator.url}/replicate/v1", api_key: r8_key}` }),
  });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
});

const openai = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

describe('Replicate behind the gateway', () => {
  it('answers a whole chat, with its counts, and stops at the limit', async () => {
    const reply = await openai().chat.completions.create({ model: MODEL, messages: HI, max_tokens: 5 });
    const [choice] = reply.choices;
    assert.ok((choice?.message.content ?? '').length > 0);
    assert.deepEqual([reply.usage?.completion_tokens, choice?.finish_reason], [5, 'length']);
  });

  it('answers who wants a stream with the whole of it, and says so', async () => {
    const { data: stream, response } = await openai()
      .chat.completions.create({ model: MODEL, messages: HI, stream: true })
      .withResponse();
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    assert.ok(text.length > 0);
    assert.match(response.headers.get('x-turnout-adapted') ?? '', /stream/);
  });

  it("answers Anthropic's clients, whole and streamed", async () => {
    const client = new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });
    const asked = { model: MODEL, max_tokens: 50, system: 'Be short.', messages: HI };
    const whole = await client.messages.create(asked);
    const [block] = whole.content;
    assert.ok(block?.type === 'text' && block.text.length > 0);
    const streamed = await client.messages.stream(asked).finalMessage();
    assert.ok(streamed.usage.output_tokens > 0);
  });

  it('refuses by name what a prompt cannot say', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } }];
    await assert.rejects(openai().chat.completions.create({ model: MODEL, messages: HI, tools }), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, 400);
      assert.match(error.message, /tools/);
      return true;
    });
  });
});
