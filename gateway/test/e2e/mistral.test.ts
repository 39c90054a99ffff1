/**
 * Mistral's own SDK as a client of a real gateway, against providers of each protocol. It checks what it gets against its own schema,
 * which is narrower than OpenAI's: in streams each call must come in one piece. Those it gets of Mistral.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import type { Tool, ToolMessage, UserMessage } from '@mistralai/mistralai/models/components';
import { MistralError } from '@mistralai/mistralai/models/errors';
import { z } from 'zod';
import { ROOT_KEY } from '../harness.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { assertLeftUpstream, LIMITED, startSdkRig, TARGETS, type SdkRig } from './sdk-rig.ts';

let rig: SdkRig;

before(async () => {
  const dir = corpusDir();
  rig = await startSdkRig(
    dir === undefined ? {} : { recordings: { dir: join(dir, 'providers'), isLoose: false, otherwise: 'synthetic' } },
  );
});

after(async () => {
  await rig.close();
});

const client = (apiKey: string = ROOT_KEY): Mistral =>
  new Mistral({ apiKey, serverURL: rig.gateway.url, retryConfig: { strategy: 'none' } });
const asked: UserMessage & { role: 'user' } = { role: 'user', content: 'What is the weather in Rome? Use the tool.' };
const messages = [asked];
const weather: Tool & { type: 'function' } = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

for (const model of TARGETS) {
  describe(`Mistral's SDK to ${model}`, () => {
    it('gets text and usage', async () => {
      const reply = await client().chat.complete({ model, messages, maxTokens: 40 });
      assert.ok(textOf(reply.choices?.[0]?.message?.content).length > 0);
      assert.ok((reply.usage.promptTokens ?? 0) > 0 && (reply.usage.completionTokens ?? 0) > 0);
    });

    it('gets a stream', async () => {
      let text = '';
      let finish: unknown;
      for await (const { data } of await client().chat.stream({ model, messages })) {
        text += textOf(data.choices[0]?.delta.content);
        finish = data.choices[0]?.finishReason ?? finish;
      }
      assert.ok(text.length > 0);
      assert.equal(finish, 'stop');
    });

    it('goes through a round of tools', async () => {
      const tools = [weather];
      const first = await client().chat.complete({ model, messages, tools });
      const message = first.choices?.[0]?.message;
      const call = message?.toolCalls?.[0];
      assert.ok(message && call?.function.name === 'weather');
      assert.equal(typeof argumentsOf(call.function.arguments)['city'], 'string');
      const result: ToolMessage & { role: 'tool' } = {
        role: 'tool',
        content: '21 degrees',
        ...(call.id === undefined ? {} : { toolCallId: call.id }),
        name: 'weather',
      };
      const second = await client().chat.complete({
        model,
        tools,
        messages: [asked, { ...message, role: 'assistant' }, result],
      });
      assert.ok(textOf(second.choices?.[0]?.message?.content).length > 0);
    });

    it('parses output of a schema', async () => {
      const Person = z.object({ name: z.string(), age: z.int() });
      const reply = await client().chat.parse({ model, messages, responseFormat: Person });
      const person = reply.choices?.[0]?.message?.parsed;
      assert.deepEqual(Person.parse(person), person);
    });
  });
}

describe("Mistral's SDK", () => {
  it('gets embeddings of a provider with another wire', async () => {
    const reply = await client().embeddings.create({ model: 'cohere/embed-v4.0', inputs: ['one', 'two'] });
    assert.deepEqual(
      reply.data.map(({ index }) => index),
      [0, 1],
    );
  });

  it('lists the models, and shows one', async () => {
    const list = await client().models.list();
    assert.match(JSON.stringify(list.data), /house-openai/);
    const one = await client().models.retrieve({ modelId: TARGETS[0] ?? '' });
    assert.match(JSON.stringify(one), /house-openai/);
  });

  it('throws its own error, with status and words', async () => {
    const [model = ''] = TARGETS;
    const rows = [
      [401, client('tk_wrong').chat.complete({ model, messages })],
      [404, client().chat.complete({ model: 'no-such', messages })],
      [429, client().chat.complete({ model: LIMITED, messages })],
    ] as const;
    for (const [status, reply] of rows) {
      await assert.rejects(reply, (error) => {
        assert.ok(error instanceof MistralError, String(error));
        assert.equal(error.statusCode, status);
        return true;
      });
    }
  });
});

describe("Mistral's SDK to Mistral", { skip: corpusSkip('mistral') }, () => {
  const model = 'mistral/mistral-small-latest';
  /** What Mistral answered once. */
  const recorded = { text: 'mistral-8b1e72abe95a', tools: 'mistral-630cabafa768', vectors: 'mistral-5b3e413d6605' };

  it('gets a stream, its end and its usage', async () => {
    rig.simulator.answerWith(recorded.text);
    let text = '';
    let last: unknown;
    for await (const { data } of await client().chat.stream({ model, messages })) {
      text += textOf(data.choices[0]?.delta.content);
      last = data.usage === undefined ? last : [data.choices[0]?.finishReason, (data.usage.completionTokens ?? 0) > 0];
    }
    assert.ok(text.length > 0);
    assert.deepEqual(last, ['stop', true]);
  });

  it('gets calls of tools in a stream', async () => {
    rig.simulator.answerWith(recorded.tools);
    const calls: string[] = [];
    for await (const { data } of await client().chat.stream({ model, messages, tools: [weather], toolChoice: 'any' }))
      for (const call of data.choices[0]?.delta.toolCalls ?? []) calls.push(call.function.name);
    assert.equal(calls.length, 1);
  });

  it('gets embeddings', async () => {
    rig.simulator.answerWith(recorded.vectors);
    const reply = await client().embeddings.create({ model: 'mistral/mistral-embed', inputs: 'one' });
    assert.equal(reply.data[0]?.embedding?.length, 8);
  });

  it('leaves a stream in the middle, and the gateway with it', async () => {
    rig.simulator.script([
      { match: { provider: 'mistral' }, recording: recorded.text, chunk_delay_ms: 1000, bytes_each: 400 },
    ]);
    await assertLeftUpstream(rig, async () => {
      for await (const { data } of await client().chat.stream({ model, messages })) if (data.choices.length > 0) break;
    });
  });
});

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}

function argumentsOf(given: unknown): Readonly<Record<string, unknown>> {
  const read: unknown = typeof given === 'string' ? JSON.parse(given) : given;
  return z.record(z.string(), z.unknown()).parse(read);
}
