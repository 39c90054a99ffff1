/** Official SDKs as clients of a real gateway, each against providers of each protocol (the simulator speaks them all). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { GoogleGenAI } from '@google/genai';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { CohereClientV2, CohereError } from 'cohere-ai';
import { generateText, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WEATHER = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const;
/** Providers behind the gateway, one a protocol. */
const TARGETS = ['house-openai/m', 'house-anthropic/m', 'house-gemini/m', 'house-cohere/m'] as const;
/** Cannot be made to call a tool. */
const OLLAMA = 'house-ollama/m';

let simulator: Simulator;
let gateway: TestGateway;

before(async () => {
  simulator = await startSimulator();
  const price = 'models: {m: {price: {input: 1, output: 2}}}';
  gateway = await startGateway({
    config: testConfig({
      'house-openai': `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1", ${price}}`,
      'house-anthropic': `{dialect: anthropic-messages, base_url: "${simulator.url}/anthropic", ${price}}`,
      'house-gemini': `{dialect: gemini, base_url: "${simulator.url}/gemini/v1beta", ${price}}`,
      'house-cohere': `{dialect: cohere, base_url: "${simulator.url}/cohere/v2", ${price}}`,
      'house-ollama': `{dialect: ollama, base_url: "${simulator.url}/ollama/v1", ${price}}`,
    }),
  });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
});

for (const model of TARGETS) {
  describe(`openai SDK to ${model}`, () => {
    const client = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const messages = [{ role: 'user', content: 'Say hi.' }] as const;

    it('gets text and usage', async () => {
      const reply = await client().chat.completions.create({
        model,
        messages: [...messages],
        max_completion_tokens: 40,
      });
      assert.ok((reply.choices[0]?.message.content ?? '').length > 0);
      assert.ok((reply.usage?.prompt_tokens ?? 0) > 0 && (reply.usage?.completion_tokens ?? 0) > 0);
    });

    it('gets a stream with usage at its end', async () => {
      const stream = await client().chat.completions.create({
        model,
        messages: [...messages],
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = '';
      let finish: string | null | undefined;
      let usage: OpenAI.CompletionUsage | null | undefined;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        finish = chunk.choices[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
      }
      assert.ok(text.length > 0);
      assert.ok(finish === 'stop' && (usage?.completion_tokens ?? 0) > 0);
    });

    it('goes through a round of tools', async () => {
      const tools: OpenAI.ChatCompletionTool[] = [
        { type: 'function', function: { name: 'weather', description: 'Weather of a city', parameters: WEATHER } },
      ];
      const first = await client().chat.completions.create({
        model,
        messages: [...messages],
        tools,
        tool_choice: 'required',
      });
      const message = first.choices[0]?.message;
      const call = message?.tool_calls?.[0];
      assert.ok(message && call?.type === 'function' && call.function.name === 'weather');
      assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
      const second = await client().chat.completions.create({
        model,
        messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' }],
        tools,
      });
      assert.ok((second.choices[0]?.message.content ?? '').length > 0);
    });

    it('gets output of a schema', async () => {
      const schema = {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name', 'age'],
        additionalProperties: false,
      };
      const reply = await client().chat.completions.create({
        model,
        messages: [...messages],
        response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
      });
      const person = JSON.parse(reply.choices[0]?.message.content ?? '') as { name: unknown; age: unknown };
      assert.deepEqual([typeof person.name, Number.isInteger(person.age)], ['string', true]);
    });

    it('sends an image', async () => {
      const content = [
        { type: 'text' as const, text: 'What is this?' },
        { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PIXEL}` } },
      ];
      const reply = await client().chat.completions.create({ model, messages: [{ role: 'user', content }] });
      assert.ok((reply.choices[0]?.message.content ?? '').length > 0);
      const seen = JSON.stringify(simulator.log.requests.at(-1)?.body);
      assert.ok(seen.includes(PIXEL), 'the image did not reach the provider');
    });

    it('throws its own error classes', async () => {
      await assert.rejects(
        client().chat.completions.create({ model: 'no/such', messages: [...messages] }),
        OpenAI.NotFoundError,
      );
      await assert.rejects(client().chat.completions.create({ model, messages: [] }), OpenAI.BadRequestError);
      const stranger = new OpenAI({ apiKey: 'tk_wrong', baseURL: `${gateway.url}/v1`, maxRetries: 0 });
      await assert.rejects(
        stranger.chat.completions.create({ model, messages: [...messages] }),
        OpenAI.AuthenticationError,
      );
    });

    it('aborts a stream', async () => {
      const stream = await client().chat.completions.create({ model, messages: [...messages], stream: true });
      for await (const chunk of stream) {
        assert.ok(chunk.id);
        stream.controller.abort();
      }
    });
  });

  describe(`anthropic SDK to ${model}`, () => {
    const client = (): Anthropic => new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });
    const ask = { model, max_tokens: 200, messages: [{ role: 'user' as const, content: 'Say hi.' }] };

    it('gets text and usage', async () => {
      const reply = await client().messages.create(ask);
      assert.ok(reply.content.some((block) => block.type === 'text' && block.text.length > 0));
      assert.ok(reply.usage.input_tokens > 0 && reply.usage.output_tokens > 0);
    });

    it('gets a stream', async () => {
      const final = await client().messages.stream(ask).finalMessage();
      assert.ok(final.content.some((block) => block.type === 'text' && block.text.length > 0));
      assert.ok(final.stop_reason !== null && final.usage.output_tokens > 0);
    });

    it('goes through a round of tools, streamed', async () => {
      const tools = [
        {
          name: 'weather',
          description: 'Weather of a city',
          input_schema: { ...WEATHER, required: [...WEATHER.required] },
        },
      ];
      const first = await client()
        .messages.stream({ ...ask, tools, tool_choice: { type: 'any' } })
        .finalMessage();
      const call = first.content.find((block) => block.type === 'tool_use');
      assert.ok(call?.type === 'tool_use' && call.name === 'weather');
      assert.equal(typeof (call.input as { city: unknown }).city, 'string');
      const second = await client().messages.create({
        ...ask,
        tools,
        messages: [
          ...ask.messages,
          { role: 'assistant', content: first.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: '21 degrees' }] },
        ],
      });
      assert.ok(second.content.some((block) => block.type === 'text'));
    });

    it('sends an image', async () => {
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PIXEL };
      await client().messages.create({
        ...ask,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source },
              { type: 'text', text: 'What?' },
            ],
          },
        ],
      });
      assert.ok(JSON.stringify(simulator.log.requests.at(-1)?.body).includes(PIXEL));
    });

    it('parses output of a schema', async () => {
      const Person = z.object({ name: z.string(), age: z.int() });
      const reply = await client().messages.parse({ ...ask, output_config: { format: zodOutputFormat(Person) } });
      assert.deepEqual(Person.parse(reply.parsed_output), reply.parsed_output);
    });

    it('counts tokens', async () => {
      const counted = await client().messages.countTokens({ model, messages: ask.messages });
      assert.ok(counted.input_tokens > 0);
    });

    it('throws its own error classes', async () => {
      await assert.rejects(client().messages.create({ ...ask, model: 'no/such' }), Anthropic.NotFoundError);
      await assert.rejects(client().messages.create({ ...ask, messages: [] }), Anthropic.BadRequestError);
    });
  });

  describe(`google genai SDK to ${model}`, () => {
    const client = (): GoogleGenAI => new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: gateway.url } });

    it('gets text and usage', async () => {
      const reply = await client().models.generateContent({ model, contents: 'Say hi.' });
      assert.ok((reply.text ?? '').length > 0);
      assert.ok((reply.usageMetadata?.candidatesTokenCount ?? 0) > 0);
    });

    it('gets a stream', async () => {
      let text = '';
      for await (const chunk of await client().models.generateContentStream({ model, contents: 'Say hi.' }))
        text += chunk.text ?? '';
      assert.ok(text.length > 0);
    });

    it('gets a call of a function', async () => {
      const reply = await client().models.generateContent({
        model,
        contents: 'Weather in Rome?',
        config: {
          tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: WEATHER }] }],
          toolConfig: { functionCallingConfig: { mode: 'ANY' as never } },
        },
      });
      assert.equal(reply.functionCalls?.[0]?.name, 'weather');
    });

    it('gets output of a schema', async () => {
      const reply = await client().models.generateContent({
        model,
        contents: 'A city.',
        config: { responseMimeType: 'application/json', responseJsonSchema: WEATHER },
      });
      assert.equal(typeof JSON.parse(reply.text ?? '').city, 'string');
    });

    it('counts tokens, and throws on what does not exist', async () => {
      assert.ok(((await client().models.countTokens({ model, contents: 'Say hi.' })).totalTokens ?? 0) > 0);
      await assert.rejects(client().models.generateContent({ model: 'no/such', contents: 'hi' }), /404/);
    });
  });

  describe(`AI SDK to ${model}`, () => {
    const providers = (): Record<string, Parameters<typeof generateText>[0]['model']> => ({
      openai: createOpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1` }).chat(model),
      anthropic: createAnthropic({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1` })(model),
      google: createGoogleGenerativeAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1beta` })(model),
      compatible: createOpenAICompatible({ name: 'turnout', apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1` })(model),
    });
    for (const name of ['openai', 'anthropic', 'google', 'compatible']) {
      it(`gets text, streams, tools and objects through its ${name} provider`, async () => {
        const chosen = providers()[name];
        assert.ok(chosen);
        const text = await generateText({ model: chosen, prompt: 'Say hi.', maxRetries: 0, maxOutputTokens: 300 });
        assert.ok(text.text.length > 0 && (text.usage.outputTokens ?? 0) > 0);
        let streamed = '';
        for await (const piece of streamText({ model: chosen, prompt: 'Say hi.', maxRetries: 0, maxOutputTokens: 300 })
          .textStream)
          streamed += piece;
        assert.ok(streamed.length > 0);
        const called = await generateText({
          model: chosen,
          prompt: 'Weather in Rome?',
          maxRetries: 0,
          maxOutputTokens: 300,
          tools: { weather: tool({ description: 'Weather', inputSchema: z.object({ city: z.string() }) }) },
          toolChoice: 'required',
        });
        assert.equal(called.toolCalls[0]?.toolName, 'weather');
        if (name === 'compatible') return;
        const object = await generateText({
          model: chosen,
          prompt: 'A city.',
          maxRetries: 0,
          maxOutputTokens: 300,
          output: Output.object({ schema: z.object({ city: z.string() }) }),
        });
        assert.equal(typeof object.output.city, 'string');
      });
    }
  });
}

for (const model of [...TARGETS, OLLAMA]) {
  describe(`cohere SDK to ${model}`, () => {
    const client = (): CohereClientV2 => new CohereClientV2({ token: ROOT_KEY, environment: gateway.url });
    const messages = [{ role: 'user' as const, content: 'Say hi.' }];
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: WEATHER } }];

    it('gets text and usage', async () => {
      const reply = await client().chat({ model, messages, maxTokens: 40 }, { maxRetries: 0 });
      const [content] = reply.message.content ?? [];
      assert.ok(content?.type === 'text' && content.text.length > 0);
      const billed = reply.usage?.billedUnits;
      assert.ok((billed?.inputTokens ?? 0) > 0 && (billed?.outputTokens ?? 0) > 0);
      assert.match(reply.finishReason, /^(?:COMPLETE|MAX_TOKENS)$/);
    });

    it('gets a stream with usage at its end', async () => {
      let text = '';
      const kinds = new Set<string>();
      let end: unknown;
      for await (const event of await client().chatStream({ model, messages }, { maxRetries: 0 })) {
        kinds.add(event.type);
        if (event.type === 'content-delta') text += event.delta?.message?.content?.text ?? '';
        if (event.type === 'message-end')
          end = [event.delta?.finishReason, event.delta?.usage?.billedUnits !== undefined];
      }
      assert.ok(text.length > 0);
      assert.deepEqual(end, ['COMPLETE', true]);
      assert.deepEqual([...kinds], ['message-start', 'content-start', 'content-delta', 'content-end', 'message-end']);
    });

    it('gets output of a schema', async () => {
      const responseFormat = { type: 'json_object' as const, jsonSchema: WEATHER };
      const reply = await client().chat({ model, messages, responseFormat }, { maxRetries: 0 });
      const [content] = reply.message.content ?? [];
      assert.equal(typeof JSON.parse(content?.type === 'text' ? content.text : '').city, 'string');
    });

    const demanding = { model, messages, tools, toolChoice: 'REQUIRED' as const };
    if (model === OLLAMA) {
      it('is told by name that a call cannot be demanded', async () => {
        await assert.rejects(client().chat(demanding, { maxRetries: 0 }), (error: unknown) => {
          assert.ok(error instanceof CohereError);
          assert.equal(error.statusCode, 400);
          assert.match(JSON.stringify(error.body), /tool_choice/);
          return true;
        });
      });
      return;
    }

    it('goes through a round of tools', async () => {
      const first = await client().chat(demanding, { maxRetries: 0 });
      const call = first.message.toolCalls?.[0];
      assert.equal(call?.function?.name, 'weather');
      assert.equal(typeof JSON.parse(call.function.arguments ?? '').city, 'string');
      assert.equal(first.finishReason, 'TOOL_CALL');
      const result = { role: 'tool' as const, toolCallId: call.id, content: '21 degrees' };
      const second = await client().chat(
        { model, messages: [...messages, first.message, result], tools },
        { maxRetries: 0 },
      );
      assert.equal(second.message.content?.[0]?.type, 'text');
    });
  });
}

describe('cohere SDK', () => {
  it('raises on a refusal, with its status and words', async () => {
    const client = new CohereClientV2({ token: ROOT_KEY, environment: gateway.url });
    const asked = client.chat({ model: 'no-such', messages: [{ role: 'user', content: 'x' }] }, { maxRetries: 0 });
    await assert.rejects(asked, (error: unknown) => {
      assert.ok(error instanceof CohereError);
      assert.equal(error.statusCode, 404);
      assert.match(JSON.stringify(error.body), /no-such/);
      return true;
    });
  });
});

describe(`openai SDK to ${OLLAMA}`, () => {
  const client = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'Say hi.' }];

  it('gets text, a stream, and usage', async () => {
    const reply = await client().chat.completions.create({ model: OLLAMA, messages });
    assert.ok((reply.choices[0]?.message.content ?? '').length > 0 && (reply.usage?.completion_tokens ?? 0) > 0);
    let text = '';
    for await (const chunk of await client().chat.completions.create({ model: OLLAMA, messages, stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    assert.ok(text.length > 0);
  });

  it('is told by name that a call cannot be demanded', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: WEATHER } }];
    const asked = client().chat.completions.create({ model: OLLAMA, messages, tools, tool_choice: 'required' });
    await assert.rejects(asked, (error: unknown) => error instanceof OpenAI.APIError && error.param === 'tool_choice');
  });
});
