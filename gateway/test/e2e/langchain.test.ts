/** LangChain's models as clients of a real gateway, each against providers of each protocol. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { HumanMessage, ToolMessage, type AIMessageChunk, type UsageMetadata } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatGoogle } from '@langchain/google';
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from '@langchain/google-genai';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { ROOT_KEY } from '../harness.ts';
import { assertLeftUpstream, EMBEDDERS, LIMITED, SLOW, startSdkRig, TARGETS, type SdkRig } from './sdk-rig.ts';

let rig: SdkRig;

before(async () => {
  rig = await startSdkRig();
});

after(async () => {
  await rig.close();
});

/** What each class is told of the gateway, and what it throws by status. */
interface Client {
  readonly make: (model: string, key?: string) => BaseChatModel;
  readonly errors: Readonly<Record<401 | 404 | 429, string>>;
  /** @google/generative-ai reads each stream twice, and nobody hears the second reader's rejection. */
  readonly cannotAbort?: true;
}

/** Of the SDKs of OpenAI and Anthropic. */
const BY_STATUS = { 401: 'AuthenticationError', 404: 'NotFoundError', 429: 'RateLimitError' } as const;

const CLIENTS: Readonly<Record<string, Client>> = {
  ChatOpenAI: {
    make: (model, apiKey = ROOT_KEY) =>
      new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${rig.gateway.url}/v1` } }),
    errors: BY_STATUS,
  },
  'ChatOpenAI with Responses': {
    make: (model, apiKey = ROOT_KEY) =>
      new ChatOpenAI({
        model,
        apiKey,
        maxRetries: 0,
        useResponsesApi: true,
        configuration: { baseURL: `${rig.gateway.url}/v1` },
      }),
    errors: BY_STATUS,
  },
  ChatAnthropic: {
    make: (model, apiKey = ROOT_KEY) =>
      new ChatAnthropic({ model, apiKey, maxRetries: 0, maxTokens: 300, anthropicApiUrl: rig.gateway.url }),
    errors: BY_STATUS,
  },
  ChatGoogleGenerativeAI: {
    make: (model, apiKey = ROOT_KEY) =>
      new ChatGoogleGenerativeAI({ model, apiKey, maxRetries: 0, baseUrl: rig.gateway.url }),
    errors: {
      401: 'GoogleGenerativeAIFetchError',
      404: 'GoogleGenerativeAIFetchError',
      429: 'GoogleGenerativeAIFetchError',
    },
    cannotAbort: true,
  },
  ChatGoogle: {
    make: (model, apiKey = ROOT_KEY) => new ChatGoogle({ model, apiKey, maxRetries: 0, endpoint: rig.gateway.url }),
    errors: { 401: 'RequestError', 404: 'RequestError', 429: 'RequestError' },
  },
};

const weather = tool(({ city }) => `21 degrees in ${city}`, {
  name: 'weather',
  description: 'Weather of a city',
  schema: z.object({ city: z.string() }),
});

for (const [name, client] of Object.entries(CLIENTS)) {
  for (const model of TARGETS) {
    describe(`LangChain's ${name} to ${model}`, () => {
      it('gets text and usage', async () => {
        const reply = await client.make(model).invoke('Say hi.');
        assert.ok(reply.text.length > 0);
        const usage = usageOf(reply);
        assert.ok(usage.input > 0 && usage.output > 0);
      });

      it('gets a stream with usage', async () => {
        const whole = await wholeOf(await client.make(model).stream('Say hi.'));
        assert.ok(whole.text.length > 0);
        const usage = usageOf(whole);
        assert.ok(usage.input > 0 && usage.output > 0);
      });

      it('goes through a round of tools, also streamed', async () => {
        const asked = new HumanMessage('What is the weather in Rome? Use the tool weather.');
        const bound = client.make(model).bindTools?.([weather]);
        assert.ok(bound);
        const first = await bound.invoke([asked]);
        const call = first.tool_calls?.[0];
        assert.ok(call?.name === 'weather' && call.id !== undefined, JSON.stringify(first));
        const result: unknown = await weather.invoke({ ...call, type: 'tool_call', id: call.id });
        assert.ok(result instanceof ToolMessage);
        const second = await bound.invoke([asked, first, result]);
        assert.ok(second.text.length > 0, JSON.stringify(second));
        const streamed = await wholeOf(await bound.stream([asked]));
        assert.equal(streamed.tool_calls?.[0]?.name, 'weather');
        assert.equal(typeof streamed.tool_calls[0].args['city'], 'string');
      });

      it('gets output of a schema', async () => {
        const Person = z.object({ name: z.string(), age: z.int() });
        const person = await client.make(model).withStructuredOutput(Person, { name: 'person' }).invoke('Invent one.');
        assert.deepEqual(Person.parse(person), person);
      });
    });
  }

  describe(`LangChain's ${name}`, () => {
    it('throws what it throws at its own provider', async () => {
      const [target = ''] = TARGETS;
      const asked = [
        [401, client.make(target, 'tk_wrong')],
        [404, client.make('no-such')],
        [429, client.make(LIMITED)],
      ] as const;
      for (const [status, model] of asked) {
        await assert.rejects(model.invoke('hi'), (error) => {
          assert.ok(error instanceof Error);
          const told = 'status' in error ? error.status : 'statusCode' in error ? error.statusCode : undefined;
          assert.deepEqual([error.constructor.name, told], [client.errors[status], status]);
          return true;
        });
      }
    });

    for (const model of client.cannotAbort === true ? [] : SLOW) {
      it(`leaves ${model} in mid-stream, and the gateway with it`, async () => {
        await assertLeftUpstream(rig, async (gone) => {
          const stream = await client.make(model).stream('Never stop.', { signal: gone.signal });
          await assert.rejects(async () => {
            for await (const chunk of stream) if (chunk.text.length > 0) gone.abort();
          });
          assert.ok(gone.signal.aborted);
        });
      });
    }
  });
}

async function wholeOf(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks.reduce((sum, chunk) => sum.concat(chunk));
}

function usageOf({ usage_metadata: usage }: { readonly usage_metadata?: UsageMetadata | undefined }): {
  readonly input: number;
  readonly output: number;
} {
  return { input: usage?.input_tokens ?? 0, output: usage?.output_tokens ?? 0 };
}

describe("LangChain's embeddings", () => {
  for (const model of EMBEDDERS) {
    it(`come of ${model}`, async () => {
      const configuration = { baseURL: `${rig.gateway.url}/v1` };
      const openai = new OpenAIEmbeddings({ model, apiKey: ROOT_KEY, configuration, maxRetries: 0 });
      const google = new GoogleGenerativeAIEmbeddings({ model, apiKey: ROOT_KEY, baseUrl: rig.gateway.url });
      for (const embeddings of [openai, google]) {
        const [one, two] = await embeddings.embedDocuments(['one', 'two']);
        assert.ok(one !== undefined && two !== undefined && one.length > 0 && one.length === two.length);
        assert.notDeepEqual(one, two);
        assert.equal((await embeddings.embedQuery('one')).length, one.length);
      }
    });
  }
});
