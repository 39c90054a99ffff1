/** Official SDKs that ask for a form and read it, each over targets of every dialect that have no field for it, or no tools either. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { GoogleGenAI, Type } from '@google/genai';
import { generateObject, streamObject } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { ROOT_KEY } from '../harness.ts';
import { DIALECT_NAMES, startOutputRig, type OutputRig } from './output-kit.ts';

const PERSON = z.strictObject({
  name: z.string().min(1),
  age: z.int().min(0).max(150),
  pets: z.array(z.strictObject({ kind: z.enum(['cat', 'dog']), name: z.nullable(z.string()) })),
});
const PROMPT = 'Who is it?';
const MODELS = DIALECT_NAMES.flatMap((dialect) => ['m', 'tools', 'words'].map((model) => `${dialect}/${model}`));

let rig: OutputRig;

// Its warnings say that it knows none of these models.
globalThis.AI_SDK_LOG_WARNINGS = false;

before(async () => {
  rig = await startOutputRig();
});

after(async () => {
  await rig.close();
});

for (const model of MODELS) {
  describe(`a person of ${model}`, () => {
    const openai = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${rig.gateway.url}/v1`, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: PROMPT }];

    it('is parsed by the openai SDK, whole and streamed', async () => {
      const ask = { model, messages, response_format: zodResponseFormat(PERSON, 'person') };
      const whole = await openai().chat.completions.parse(ask);
      PERSON.parse(whole.choices[0]?.message.parsed);
      const stream = openai().chat.completions.stream(ask);
      PERSON.parse((await stream.finalChatCompletion()).choices[0]?.message.parsed);
    });

    it('is parsed by the openai SDK over responses', async () => {
      const ask = { model, input: PROMPT, text: { format: zodTextFormat(PERSON, 'person') } };
      PERSON.parse((await openai().responses.parse(ask)).output_parsed);
      const stream = openai().responses.stream(ask);
      PERSON.parse((await stream.finalResponse()).output_parsed);
    });

    it('is read by the anthropic SDK, whole and streamed', async () => {
      const client = new Anthropic({ apiKey: ROOT_KEY, baseURL: rig.gateway.url, maxRetries: 0 });
      const schema = z.toJSONSchema(PERSON);
      const ask = {
        model,
        max_tokens: 4000,
        messages,
        output_config: { format: { type: 'json_schema' as const, schema } },
      };
      for (const message of [await client.messages.create(ask), await client.messages.stream(ask).finalMessage()]) {
        const [block, ...more] = message.content;
        assert.ok(block?.type === 'text' && more.length === 0);
        assert.equal(message.stop_reason, 'end_turn');
        PERSON.parse(JSON.parse(block.text));
      }
    });

    it('is read by the google SDK, whole and streamed', async () => {
      const client = new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: rig.gateway.url } });
      const ask = {
        model,
        contents: PROMPT,
        config: {
          responseMimeType: 'application/json',
          responseSchema: {
            type: Type.OBJECT,
            properties: { name: { type: Type.STRING }, age: { type: Type.INTEGER, nullable: true } },
            required: ['name', 'age'],
          },
        },
      };
      const read = (text: string | undefined): unknown =>
        z.looseObject({ name: z.string(), age: z.nullable(z.int()) }).parse(JSON.parse(text ?? ''));
      read((await client.models.generateContent(ask)).text);
      let text = '';
      for await (const chunk of await client.models.generateContentStream(ask)) text += chunk.text ?? '';
      read(text);
    });

    it('is an object of the AI SDK, over three wires, whole and streamed', async () => {
      const { url } = rig.gateway;
      const models = [
        createOpenAI({ apiKey: ROOT_KEY, baseURL: `${url}/v1` }).chat(model),
        createAnthropic({ apiKey: ROOT_KEY, baseURL: `${url}/v1` })(model),
        createGoogleGenerativeAI({ apiKey: ROOT_KEY, baseURL: `${url}/v1beta` })(model),
      ];
      // With a model that it does not know, Anthropic's wants a call of a tool of its own; Ollama cannot be made to call one.
      for (const one of models.filter(
        ({ provider }) => !(model.startsWith('ollama') && provider.startsWith('anthropic')),
      )) {
        const { object } = await generateObject({ model: one, schema: PERSON, prompt: PROMPT, maxRetries: 0 });
        PERSON.parse(object);
        const stream = streamObject({ model: one, schema: PERSON, prompt: PROMPT, maxRetries: 0 });
        for await (const part of stream.partialObjectStream) assert.ok(part);
        PERSON.parse(await stream.object);
      }
    });
  });
}
