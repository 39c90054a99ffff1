/** What official SDKs throw for a wrong key, a model that is not there and a limit; and that a stream which they leave ends at the provider. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Agent, OpenAIProvider, Runner, setTracingDisabled } from '@openai/agents';
import { APICallError, generateText, streamText, type LanguageModel } from 'ai';
import { CohereClientV2, CohereError } from 'cohere-ai';
import OpenAI from 'openai';
import { ROOT_KEY } from '../harness.ts';
import { assertLeftUpstream, LIMITED, SLOW, startSdkRig, TARGETS, type SdkRig } from './sdk-rig.ts';

const PROMPT = 'Never stop.';
let rig: SdkRig;

before(async () => {
  setTracingDisabled(true);
  rig = await startSdkRig();
});

after(async () => {
  await rig.close();
});

interface Sdk {
  /** One whole reply. */
  readonly ask: (model: string, key: string) => Promise<unknown>;
  /** Leaves a stream at its first piece of content. */
  readonly leave: (model: string, gone: AbortController) => Promise<void>;
  /** The status of an error, where it is of the SDK's own class for it. */
  readonly statusOf: (error: unknown) => number | undefined;
}

/** Of the classes that `openai` and `@anthropic-ai/sdk` have for these statuses. */
function statusByClass(
  classes: Readonly<Record<number, new (...args: never) => Error>>,
): (error: unknown) => number | undefined {
  const rows = Object.entries(classes).map(([status, kind]) => [Number(status), kind] as const);
  return (error) => rows.find(([, kind]) => error instanceof kind)?.[0];
}

const openaiStatus = statusByClass({
  401: OpenAI.AuthenticationError,
  404: OpenAI.NotFoundError,
  429: OpenAI.RateLimitError,
});

function openaiAt(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${rig.gateway.url}/v1`, maxRetries: 0 });
}

function aiSdk(modelAt: (model: string, apiKey: string) => LanguageModel): Sdk {
  return {
    ask: (model, key) => generateText({ model: modelAt(model, key), prompt: PROMPT, maxRetries: 0 }),
    leave: async (model, { signal }) => {
      const stream = streamText({
        model: modelAt(model, ROOT_KEY),
        prompt: PROMPT,
        maxRetries: 0,
        abortSignal: signal,
      });
      for await (const piece of stream.textStream) if (piece !== '') break;
    },
    statusOf: (error) => (APICallError.isInstance(error) ? error.statusCode : undefined),
  };
}

const SDKS: Readonly<Record<string, Sdk>> = {
  'openai, chat': {
    ask: (model, key) =>
      openaiAt(key).chat.completions.create({ model, messages: [{ role: 'user', content: PROMPT }] }),
    leave: async (model, gone) => {
      const stream = await openaiAt(ROOT_KEY).chat.completions.create(
        { model, messages: [{ role: 'user', content: PROMPT }], stream: true },
        { signal: gone.signal },
      );
      for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') gone.abort();
    },
    statusOf: openaiStatus,
  },
  'openai, responses': {
    ask: (model, key) => openaiAt(key).responses.create({ model, input: PROMPT }),
    leave: async (model, gone) => {
      const stream = await openaiAt(ROOT_KEY).responses.create(
        { model, input: PROMPT, stream: true },
        { signal: gone.signal },
      );
      for await (const event of stream) if (event.type === 'response.output_text.delta') gone.abort();
    },
    statusOf: openaiStatus,
  },
  '@openai/agents': {
    ask: (model, apiKey) => {
      const modelProvider = new OpenAIProvider({ apiKey, baseURL: `${rig.gateway.url}/v1` });
      return new Runner({ modelProvider, tracingDisabled: true }).run(new Agent({ name: 'a', model }), PROMPT);
    },
    leave: async (model, { signal }) => {
      const modelProvider = new OpenAIProvider({ apiKey: ROOT_KEY, baseURL: `${rig.gateway.url}/v1` });
      const runner = new Runner({ modelProvider, tracingDisabled: true });
      const stream = await runner.run(new Agent({ name: 'a', model }), PROMPT, { stream: true, signal });
      for await (const piece of stream.toTextStream()) if (piece !== '') break;
    },
    statusOf: openaiStatus,
  },
  '@anthropic-ai/sdk': {
    ask: (model, apiKey) =>
      new Anthropic({ apiKey, baseURL: rig.gateway.url, maxRetries: 0 }).messages.create({
        model,
        max_tokens: 50,
        messages: [{ role: 'user', content: PROMPT }],
      }),
    leave: async (model, gone) => {
      const stream = await new Anthropic({ apiKey: ROOT_KEY, baseURL: rig.gateway.url }).messages.create(
        { model, max_tokens: 10_000, stream: true, messages: [{ role: 'user', content: PROMPT }] },
        { signal: gone.signal },
      );
      for await (const event of stream) if (event.type === 'content_block_delta') gone.abort();
    },
    statusOf: statusByClass({
      401: Anthropic.AuthenticationError,
      404: Anthropic.NotFoundError,
      429: Anthropic.RateLimitError,
    }),
  },
  '@google/genai': {
    ask: (model, apiKey) =>
      new GoogleGenAI({ apiKey, httpOptions: { baseUrl: rig.gateway.url } }).models.generateContent({
        model,
        contents: PROMPT,
      }),
    leave: async (model, { signal }) => {
      const client = new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: rig.gateway.url } });
      const config = { abortSignal: signal };
      for await (const chunk of await client.models.generateContentStream({ model, contents: PROMPT, config }))
        if ((chunk.text ?? '') !== '') break;
    },
    statusOf: (error) => (error instanceof ApiError ? error.status : undefined),
  },
  'cohere-ai': {
    ask: (model, token) =>
      new CohereClientV2({ token, environment: rig.gateway.url }).chat(
        { model, messages: [{ role: 'user', content: PROMPT }] },
        { maxRetries: 0 },
      ),
    leave: async (model, { signal }) => {
      const client = new CohereClientV2({ token: ROOT_KEY, environment: rig.gateway.url });
      const asked = { model, messages: [{ role: 'user' as const, content: PROMPT }] };
      for await (const event of await client.chatStream(asked, { abortSignal: signal }))
        if (event.type === 'content-delta') break;
    },
    statusOf: (error) => (error instanceof CohereError ? error.statusCode : undefined),
  },
  'ai, openai': aiSdk((model, apiKey) => createOpenAI({ apiKey, baseURL: `${rig.gateway.url}/v1` }).chat(model)),
  'ai, anthropic': aiSdk((model, apiKey) => createAnthropic({ apiKey, baseURL: `${rig.gateway.url}/v1` })(model)),
  'ai, google': aiSdk((model, apiKey) =>
    createGoogleGenerativeAI({ apiKey, baseURL: `${rig.gateway.url}/v1beta` })(model),
  ),
};

for (const [name, sdk] of Object.entries(SDKS)) {
  describe(name, () => {
    for (const [status, model, key] of [
      [401, TARGETS[0] ?? '', 'tk_wrong'],
      [404, 'no-such-model', ROOT_KEY],
      [429, LIMITED, ROOT_KEY],
    ] as const) {
      it(`throws its own error for ${status}`, async () => {
        await assert.rejects(sdk.ask(model, key), (error) => {
          assert.equal(sdk.statusOf(error), status, String(error));
          return true;
        });
      });
    }

    for (const model of SLOW) {
      it(`leaves a stream of ${model}, and the gateway with it`, async () => {
        await assertLeftUpstream(rig, async (gone) => {
          await sdk.leave(model, gone).catch((error: unknown) => assert.ok(gone.signal.aborted, String(error)));
          gone.abort();
        });
      });
    }
  });
}
