/**
 * LlamaIndex's models as clients of a real gateway, installed on demand as the programs are: each class to providers of each protocol.
 * A stream of its cannot be left: it takes no signal, and reads on where its caller has stopped.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROOT_KEY } from '../harness.ts';
import { EMBEDDERS, LIMITED, startSdkRig, TARGETS, type SdkRig } from '../e2e/sdk-rig.ts';
import { installLibraries, LLAMAINDEX } from './install.ts';

const SKIP =
  process.env['TURNOUT_PROGRAMS'] === '1' || process.env['CI'] === 'true'
    ? false
    : 'suite "llamaindex" could not run: it installs 109 MB (`npm run programs`, or TURNOUT_PROGRAMS=1)';

/** As much of its interfaces as is asked here. */
interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly options?: unknown;
}
interface Reply {
  readonly message: Message & { readonly options?: { readonly toolCall?: readonly Called[] } };
}
interface Called {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}
interface Asked {
  readonly messages: readonly Message[];
  readonly tools?: readonly unknown[];
}
interface Model {
  chat(asked: Asked): Promise<Reply>;
  chat(asked: Asked & { readonly stream: true }): Promise<AsyncIterable<{ readonly delta: string }>>;
}
type Makes<T> = new (options: object) => T;
interface Packages {
  readonly OpenAI: Makes<Model>;
  readonly OpenAIResponses: Makes<Model>;
  readonly OpenAIEmbedding: Makes<{ getTextEmbeddingsBatch(texts: readonly string[]): Promise<readonly number[][]> }>;
  readonly Anthropic: Makes<Model>;
  readonly AnthropicSession: Makes<object>;
  readonly Gemini: Makes<Model>;
  readonly FunctionTool: { from(run: (input: { city: string }) => string, metadata: object): unknown };
}

const question: Message = { role: 'user', content: 'What is the weather in Rome? Use the tool weather.' };
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

let rig: SdkRig;
let kit: Packages;

/** What each class is told of the gateway, and what it throws: the error classes are those of the SDKs below it. */
const CLASSES: Readonly<
  Record<string, { readonly make: (model: string, key?: string) => Model; readonly errors: RegExp }>
> = {
  OpenAI: {
    make: (model, apiKey = ROOT_KEY) =>
      new kit.OpenAI({ model, apiKey, baseURL: `${rig.gateway.url}/v1`, maxRetries: 0 }),
    errors: /^(?:AuthenticationError|NotFoundError|RateLimitError)$/,
  },
  OpenAIResponses: {
    make: (model, apiKey = ROOT_KEY) =>
      new kit.OpenAIResponses({ model, apiKey, baseURL: `${rig.gateway.url}/v1`, maxRetries: 0 }),
    errors: /^(?:AuthenticationError|NotFoundError|RateLimitError)$/,
  },
  Anthropic: {
    make: (model, apiKey = ROOT_KEY) =>
      new kit.Anthropic({
        model,
        session: new kit.AnthropicSession({ apiKey, baseURL: rig.gateway.url, maxRetries: 0 }),
      }),
    errors: /^(?:AuthenticationError|NotFoundError|RateLimitError)$/,
  },
  Gemini: {
    make: (model, apiKey = ROOT_KEY) => new kit.Gemini({ model, apiKey, httpOptions: { baseUrl: rig.gateway.url } }),
    errors: /^(?:ApiError|ClientError)$/,
  },
};

describe('LlamaIndex', { skip: SKIP }, () => {
  before(async () => {
    rig = await startSdkRig();
    const load = await installLibraries(LLAMAINDEX);
    kit = {
      ...load('@llamaindex/openai'),
      ...load('@llamaindex/anthropic'),
      ...load('@llamaindex/google'),
      ...load('@llamaindex/core/tools'),
    };
  });
  after(async () => {
    await rig.close();
  });

  for (const [name, { make, errors }] of Object.entries(CLASSES)) {
    for (const model of TARGETS) {
      it(`gets text, a stream and a round of tools through ${name} of ${model}`, async () => {
        const llm = make(model);
        const hello: Asked = { messages: [{ role: 'user', content: 'Say hi.' }] };
        const whole = await llm.chat(hello);
        assert.match(JSON.stringify(whole.message.content), /simulator/);
        assert.match(await textOf(await llm.chat({ ...hello, stream: true })), /simulator/);
        const tools = [
          kit.FunctionTool.from(({ city }) => city, {
            name: 'weather',
            description: 'Weather',
            parameters: PARAMETERS,
          }),
        ];
        const first = await llm.chat({ messages: [question], tools });
        const call = first.message.options?.toolCall?.[0];
        assert.equal(call?.name, 'weather');
        const result = { id: call.id, result: '21 degrees', isError: false };
        const answer: Message = { role: 'user', content: '21 degrees', options: { toolResult: result } };
        const before = rig.simulator.log.requests.length;
        const second = await llm.chat({ messages: [question, first.message, answer], tools });
        assert.match(JSON.stringify(second.message.content), /simulator/);
        assert.match(rig.simulator.log.requests[before]?.bodyText ?? '', /21 degrees/);
      });
    }

    it(`throws through ${name} what its SDK throws`, async () => {
      const [target = ''] = TARGETS;
      for (const llm of [make(target, 'tk_wrong'), make('no-such'), make(LIMITED)]) {
        await assert.rejects(llm.chat({ messages: [question] }), (error) => {
          assert.ok(error instanceof Error);
          assert.match(error.constructor.name, errors, error.message);
          return true;
        });
      }
    });
  }

  for (const model of EMBEDDERS) {
    it(`gets embeddings of ${model}`, async () => {
      const embedding = new kit.OpenAIEmbedding({
        model,
        apiKey: ROOT_KEY,
        baseURL: `${rig.gateway.url}/v1`,
        maxRetries: 0,
      });
      const vectors = await embedding.getTextEmbeddingsBatch(['one', 'two']);
      assert.equal(vectors.length, 2);
      assert.ok((vectors[0]?.length ?? 0) > 1);
    });
  }
});

async function textOf(stream: AsyncIterable<{ readonly delta: string }>): Promise<string> {
  let text = '';
  for await (const { delta } of stream) text += delta;
  return text;
}
