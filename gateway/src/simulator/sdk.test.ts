/** The official clients, over a real socket, against made-up replies. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai';
import { CohereClientV2 } from 'cohere-ai';
import OpenAI, { toFile } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';
import { NOTICE } from './synthetic/words.ts';

const KEY = 'sk-simulated';
const Person = z.object({
  name: z.string().min(3),
  age: z.int().min(18).max(99),
  tags: z.array(z.enum(['a', 'b'])).min(2),
});
const PARAMETERS = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city', 'days'],
};

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

function isForecastArguments(value: unknown): boolean {
  return z.strictObject({ city: z.string(), days: z.int().min(1).max(7) }).safeParse(value).success;
}

describe('the OpenAI client', () => {
  let openai: OpenAI;
  before(() => {
    openai = new OpenAI({ apiKey: KEY, baseURL: `${simulator.url}/openai/v1`, maxRetries: 0 });
  });
  const ask = { model: 'gpt-5', messages: [{ role: 'user' as const, content: 'Hello there' }] };
  const tools: OpenAI.ChatCompletionTool[] = [
    { type: 'function', function: { name: 'forecast', parameters: PARAMETERS } },
  ];

  it('gets text, and usage that can be checked by hand', async () => {
    const reply = await openai.chat.completions.create(ask);
    const text = reply.choices[0]?.message.content ?? '';
    assert.ok(text.startsWith(NOTICE));
    assert.equal(reply.choices[0]?.finish_reason, 'stop');
    assert.deepEqual([reply.usage?.prompt_tokens, reply.usage?.completion_tokens], [3, Math.ceil(text.length / 4)]);
    assert.equal(reply.usage?.total_tokens, 3 + Math.ceil(text.length / 4));
  });

  it('gets the same text streamed, and usage only where it asks', async () => {
    const whole = await openai.chat.completions.create(ask);
    for (const include_usage of [false, true]) {
      const stream = await openai.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage } });
      let text = '';
      const usages: unknown[] = [];
      const finishes: unknown[] = [];
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage != null) usages.push(chunk.usage);
        if (chunk.choices[0]?.finish_reason != null) finishes.push(chunk.choices[0].finish_reason);
      }
      assert.equal(text, whole.choices[0]?.message.content);
      assert.deepEqual(usages, include_usage ? [whole.usage] : []);
      assert.deepEqual(finishes, ['stop']);
    }
  });

  it('gets several choices, limits, and stops', async () => {
    const many = await openai.chat.completions.create({ ...ask, n: 3, max_completion_tokens: 10 });
    assert.deepEqual(
      many.choices.map((choice) => [choice.index, choice.finish_reason]),
      [
        [0, 'length'],
        [1, 'length'],
        [2, 'length'],
      ],
    );
    const stopped = await openai.chat.completions.create({ ...ask, stop: ['simulator'] });
    assert.deepEqual(
      [stopped.choices[0]?.message.content, stopped.choices[0]?.finish_reason],
      ['This is the ', 'stop'],
    );
    const runner = openai.chat.completions.stream({ ...ask, n: 2 });
    const final = await runner.finalChatCompletion();
    assert.equal(new Set(final.choices.map((choice) => choice.message.content)).size, 2);
  });

  it('gets a tool call, whole and streamed, and text after the result', async () => {
    const forced = await openai.chat.completions.create({ ...ask, tools, tool_choice: 'required' });
    const call = forced.choices[0]?.message.tool_calls?.[0];
    assert.equal(forced.choices[0]?.finish_reason, 'tool_calls');
    assert.ok(call?.type === 'function' && isForecastArguments(JSON.parse(call.function.arguments)));
    const streamed = await openai.chat.completions
      .stream({ ...ask, tools, tool_choice: 'required' })
      .finalChatCompletion();
    const again = streamed.choices[0]?.message.tool_calls?.[0];
    assert.ok(again?.type === 'function');
    assert.equal(again.function.arguments, call.function.arguments);
    const result: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'user', content: 'Use the forecast tool' },
      { role: 'assistant', tool_calls: [{ id: call.id, type: 'function', function: call.function }] },
      { role: 'tool', tool_call_id: call.id, content: 'rain' },
    ];
    const last = await openai.chat.completions.create({ model: 'gpt-5', messages: result, tools });
    assert.equal(last.choices[0]?.finish_reason, 'stop');
  });

  it('gets an instance of its schema', async () => {
    const reply = await openai.chat.completions.parse({ ...ask, response_format: zodResponseFormat(Person, 'person') });
    assert.equal(Person.safeParse(reply.choices[0]?.message.parsed).success, true);
    const loose = await openai.chat.completions.create({ ...ask, response_format: { type: 'json_object' } });
    assert.equal(typeof JSON.parse(loose.choices[0]?.message.content ?? ''), 'object');
  });

  it('gets reasoning where it asks, counted apart', async () => {
    const reply = await openai.chat.completions.create({ ...ask, reasoning_effort: 'high' });
    const message: object | undefined = reply.choices[0]?.message;
    assert.ok(
      message !== undefined &&
        'reasoning_content' in message &&
        String(message.reasoning_content).startsWith('Simulated reasoning'),
    );
    assert.ok((reply.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0);
  });

  it('gets embeddings of length one, also as base64, which it asks for by itself', async () => {
    const reply = await openai.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['a b', 'c'],
      dimensions: 64,
    });
    const norms = reply.data.map((row) => Math.hypot(...row.embedding));
    assert.deepEqual(
      norms.map((norm) => Math.round(norm * 1e5) / 1e5),
      [1, 1],
    );
    const plain = await openai.embeddings.create({
      model: 'm',
      input: 'a b',
      dimensions: 64,
      encoding_format: 'float',
    });
    assert.equal(plain.data[0]?.embedding.length, 64);
  });

  it('gets the list of models, and one of them', async () => {
    const list = await openai.models.list();
    assert.deepEqual(
      list.data.map((model) => model.id),
      ['simulator-small', 'simulator-large', 'simulator-embedding'],
    );
    assert.equal((await openai.models.retrieve('simulator-small')).id, 'simulator-small');
    await assert.rejects(openai.models.retrieve('nothing'), OpenAI.NotFoundError);
  });

  it('keeps files and batches, and has answers after some looks', async () => {
    const line = (id: string, n: number): string => {
      const body = { model: 'm', messages: [{ role: 'user', content: id }], n };
      return JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body });
    };
    const text = Buffer.from(`${line('a', 1)}\n${line('b', 129)}\n`);
    const file = await openai.files.create({ file: await toFile(text, 'x.jsonl'), purpose: 'batch' });
    assert.equal(file.bytes, text.length);
    const made = await openai.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { mark: 'x' },
    });
    assert.equal((await openai.batches.retrieve(made.id)).status, 'in_progress');
    const done = await openai.batches.retrieve(made.id);
    assert.equal(done.status, 'completed');
    const output = await (await openai.files.content(done.output_file_id ?? '')).text();
    const errors = await (await openai.files.content(done.error_file_id ?? '')).text();
    assert.match(output, /^\{.*"custom_id":"a".*"status_code":200.*\}\n$/);
    assert.match(errors, /^\{.*"custom_id":"b".*"status_code":400.*\}\n$/);
    const listed = await openai.batches.list();
    assert.deepEqual(listed.data[0]?.metadata, { mark: 'x' });
  });

  it('gets errors of the right class', async () => {
    await assert.rejects(openai.chat.completions.create({ ...ask, messages: [] }), OpenAI.BadRequestError);
    await assert.rejects(
      openai.chat.completions.create({ ...ask, temperature: 9 }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature',
    );
    simulator.script([{ status: 429, headers: { 'retry-after': '1' } }, { status: 401 }, { status: 503 }]);
    await assert.rejects(openai.chat.completions.create(ask), OpenAI.RateLimitError);
    await assert.rejects(openai.chat.completions.create(ask), OpenAI.AuthenticationError);
    await assert.rejects(openai.chat.completions.create(ask), OpenAI.InternalServerError);
  });

  it('gets what a script says, in its own words', async () => {
    const reply = { text: 'Bonjour', usage: { input_tokens: 100, output_tokens: 5, cached_input_tokens: 80 } };
    simulator.script([{ reply, times: 2 }]);
    const whole = await openai.chat.completions.create(ask);
    assert.deepEqual(
      [whole.choices[0]?.message.content, whole.usage?.prompt_tokens_details?.cached_tokens],
      ['Bonjour', 80],
    );
    const streamed = await openai.chat.completions.stream(ask).finalChatCompletion();
    assert.equal(streamed.choices[0]?.message.content, 'Bonjour');
  });
});

describe('the Anthropic client', () => {
  let anthropic: Anthropic;
  before(() => {
    anthropic = new Anthropic({ apiKey: KEY, baseURL: `${simulator.url}/anthropic`, maxRetries: 0 });
  });
  const ask = {
    model: 'claude-sonnet-5',
    max_tokens: 500,
    messages: [{ role: 'user' as const, content: 'Hello there' }],
  };
  const tools: Anthropic.Tool[] = [{ name: 'forecast', input_schema: { ...PARAMETERS, type: 'object' } }];

  it('gets text, whole and streamed', async () => {
    const whole = await anthropic.messages.create(ask);
    const block = whole.content[0];
    assert.ok(block?.type === 'text' && block.text.startsWith(NOTICE));
    assert.deepEqual([whole.stop_reason, whole.usage.output_tokens], ['end_turn', Math.ceil(block.text.length / 4)]);
    const streamed = await anthropic.messages.stream(ask).finalMessage();
    assert.deepEqual(
      [streamed.content[0]?.type === 'text' && streamed.content[0].text, streamed.stop_reason],
      [block.text, 'end_turn'],
    );
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
  });

  it('gets limits and stops', async () => {
    assert.equal((await anthropic.messages.create({ ...ask, max_tokens: 5 })).stop_reason, 'max_tokens');
    const stopped = await anthropic.messages.create({ ...ask, stop_sequences: ['simulator'] });
    assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', 'simulator']);
  });

  it('gets a tool call, whole and streamed, and text after the result', async () => {
    const whole = await anthropic.messages.create({ ...ask, tools, tool_choice: { type: 'any' } });
    const call = whole.content[0];
    assert.ok(call?.type === 'tool_use' && isForecastArguments(call.input));
    assert.equal(whole.stop_reason, 'tool_use');
    const streamed = await anthropic.messages
      .stream({ ...ask, tools, tool_choice: { type: 'tool', name: 'forecast' } })
      .finalMessage();
    assert.ok(streamed.content[0]?.type === 'tool_use' && isForecastArguments(streamed.content[0].input));
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: 'Use the forecast tool' },
      { role: 'assistant', content: [{ type: 'tool_use', id: call.id, name: call.name, input: call.input }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'rain' }] },
    ];
    assert.equal((await anthropic.messages.create({ ...ask, messages, tools })).stop_reason, 'end_turn');
  });

  it('gets thinking with its signature, whole and streamed', async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const whole = await anthropic.messages.create({ ...ask, max_tokens: 2_000, thinking });
    const streamed = await anthropic.messages.stream({ ...ask, max_tokens: 2_000, thinking }).finalMessage();
    for (const message of [whole, streamed]) {
      const [first, second] = message.content;
      assert.ok(
        first?.type === 'thinking' && first.thinking.startsWith('Simulated reasoning') && first.signature !== '',
      );
      assert.equal(second?.type, 'text');
    }
  });

  it('gets an instance of its schema', async () => {
    const reply = await anthropic.messages.parse({ ...ask, output_config: { format: zodOutputFormat(Person) } });
    assert.equal(Person.safeParse(reply.parsed_output).success, true);
  });

  it('keeps batches of messages', async () => {
    const params = { model: 'c', max_tokens: 20, messages: [{ role: 'user' as const, content: 'hi' }] };
    const made = await anthropic.messages.batches.create({ requests: [{ custom_id: 'a', params }] });
    await assert.rejects(anthropic.messages.batches.results(made.id));
    const types: string[] = [];
    for await (const row of await anthropic.messages.batches.results(made.id)) types.push(row.result.type);
    assert.deepEqual(types, ['succeeded']);
  });

  it('counts tokens, and lists models', async () => {
    assert.deepEqual(await anthropic.messages.countTokens({ model: 'm', messages: ask.messages }), { input_tokens: 3 });
    const list = await anthropic.models.list();
    assert.deepEqual(
      list.data.map((model) => model.id),
      ['simulator-small', 'simulator-large', 'simulator-embedding'],
    );
    assert.equal((await anthropic.models.retrieve('simulator-large')).id, 'simulator-large');
  });

  it('gets errors of the right class, also in the middle of a stream', async () => {
    simulator.script([
      { status: 529 },
      { stream: [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }] },
    ]);
    await assert.rejects(anthropic.messages.create(ask), Anthropic.InternalServerError);
    await assert.rejects(anthropic.messages.stream(ask).finalMessage(), /overloaded/i);
    const { max_tokens: _, ...without } = ask;
    await assert.rejects(anthropic.messages.create({ ...without, max_tokens: 0 }), Anthropic.BadRequestError);
  });
});

describe('the Google client', () => {
  let google: GoogleGenAI;
  before(() => {
    google = new GoogleGenAI({
      apiKey: KEY,
      httpOptions: { baseUrl: `${simulator.url}/gemini`, apiVersion: 'v1beta' },
    });
  });
  const ask = { model: 'gemini-3-pro', contents: 'Hello there' };

  it('gets text, whole and streamed', async () => {
    const whole = await google.models.generateContent(ask);
    assert.ok(whole.text?.startsWith(NOTICE));
    assert.deepEqual(
      [whole.candidates?.[0]?.finishReason, whole.usageMetadata?.candidatesTokenCount],
      ['STOP', Math.ceil((whole.text ?? '').length / 4)],
    );
    let text = '';
    let last: unknown;
    for await (const chunk of await google.models.generateContentStream(ask)) {
      text += chunk.text ?? '';
      last = chunk.candidates?.[0]?.finishReason ?? last;
    }
    assert.deepEqual([text, last], [whole.text, 'STOP']);
  });

  it('gets limits, stops and several candidates', async () => {
    const short = await google.models.generateContent({ ...ask, config: { maxOutputTokens: 5, candidateCount: 2 } });
    assert.deepEqual(
      short.candidates?.map((candidate) => candidate.finishReason),
      ['MAX_TOKENS', 'MAX_TOKENS'],
    );
    const stopped = await google.models.generateContent({ ...ask, config: { stopSequences: ['simulator'] } });
    assert.equal(stopped.text, 'This is the ');
  });

  it('gets a tool call, whole and streamed', async () => {
    const config = {
      tools: [{ functionDeclarations: [{ name: 'forecast', parametersJsonSchema: PARAMETERS }] }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    };
    const whole = await google.models.generateContent({ ...ask, config });
    assert.ok(isForecastArguments(whole.functionCalls?.[0]?.args));
    const calls: unknown[] = [];
    for await (const chunk of await google.models.generateContentStream({ ...ask, config }))
      calls.push(...(chunk.functionCalls ?? []));
    assert.equal(calls.length, 1);
  });

  it('gets thoughts where it asks', async () => {
    const reply = await google.models.generateContent({
      ...ask,
      config: { thinkingConfig: { includeThoughts: true } },
    });
    assert.equal(reply.candidates?.[0]?.content?.parts?.[0]?.thought, true);
    assert.ok((reply.usageMetadata?.thoughtsTokenCount ?? 0) > 0);
  });

  it('gets an instance of its schema, in both forms', async () => {
    const responseSchema = {
      type: Type.OBJECT,
      properties: {
        name: { type: Type.STRING },
        ages: { type: Type.ARRAY, items: { type: Type.INTEGER }, minItems: '2' },
      },
      required: ['name', 'ages'],
    };
    const typed = await google.models.generateContent({
      ...ask,
      config: { responseMimeType: 'application/json', responseSchema },
    });
    assert.ok(
      z.object({ name: z.string(), ages: z.array(z.int()).min(2) }).safeParse(JSON.parse(typed.text ?? '')).success,
    );
    const plain = await google.models.generateContent({
      ...ask,
      config: { responseMimeType: 'application/json', responseJsonSchema: z.toJSONSchema(Person) },
    });
    assert.ok(Person.safeParse(JSON.parse(plain.text ?? '')).success);
  });

  it('counts tokens, makes embeddings, and lists models', async () => {
    assert.equal((await google.models.countTokens(ask)).totalTokens, 3);
    const embedded = await google.models.embedContent({
      model: 'gemini-embedding-001',
      contents: ['a', 'b'],
      config: { outputDimensionality: 32 },
    });
    assert.deepEqual(
      embedded.embeddings?.map((one) => one.values?.length),
      [32, 32],
    );
    const names: unknown[] = [];
    for await (const model of await google.models.list()) names.push(model.name);
    assert.deepEqual(names, ['models/simulator-small', 'models/simulator-large', 'models/simulator-embedding']);
    assert.equal((await google.models.get({ model: 'simulator-small' })).name, 'models/simulator-small');
  });

  it('gets errors in its own form', async () => {
    simulator.script([{ status: 429 }]);
    await assert.rejects(google.models.generateContent(ask), /RESOURCE_EXHAUSTED/);
  });

  it('gets a JSON array where SSE was not asked for', async () => {
    const reply = await fetch(`${simulator.url}/gemini/v1beta/models/m:streamGenerateContent`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: 'hi' }] }] }),
    });
    assert.match(reply.headers.get('content-type') ?? '', /application\/json/);
    assert.ok(Array.isArray(await reply.json()));
  });
});

describe('the Cohere client', () => {
  let cohere: CohereClientV2;
  before(() => {
    cohere = new CohereClientV2({ token: KEY, environment: `${simulator.url}/cohere` });
  });
  const ask = { model: 'command-a', messages: [{ role: 'user' as const, content: 'Hello there' }] };
  const tools = [{ type: 'function' as const, function: { name: 'forecast', parameters: PARAMETERS } }];

  it('gets text, thoughts where it asks, and what is billed apart from what was read', async () => {
    const reply = await cohere.chat({ ...ask, thinking: { type: 'enabled' } });
    const [thinking, text] = reply.message.content ?? [];
    assert.ok(thinking?.type === 'thinking' && text?.type === 'text' && text.text.startsWith(NOTICE));
    assert.equal(reply.finishReason, 'COMPLETE');
    const { billedUnits, tokens } = reply.usage ?? {};
    assert.equal(billedUnits?.inputTokens, 3);
    assert.ok((tokens?.inputTokens ?? 0) > 400 && billedUnits.outputTokens === tokens?.outputTokens);
  });

  it('gets the same text streamed', async () => {
    const whole = await cohere.chat(ask);
    let text = '';
    let end: unknown;
    for await (const event of await cohere.chatStream(ask)) {
      if (event.type === 'content-delta') text += event.delta?.message?.content?.text ?? '';
      if (event.type === 'message-end') end = event.delta?.usage?.billedUnits;
    }
    assert.deepEqual([{ type: 'text', text }, end], [whole.message.content?.[0], whole.usage?.billedUnits]);
  });

  it('gets calls that fit their schema, whole and streamed', async () => {
    const asked = { ...ask, tools, toolChoice: 'REQUIRED' as const };
    const reply = await cohere.chat(asked);
    const call = reply.message.toolCalls?.[0]?.function;
    assert.ok(call?.name === 'forecast' && isForecastArguments(JSON.parse(call.arguments ?? '')));
    let streamed = '';
    for await (const event of await cohere.chatStream(asked))
      if (event.type === 'tool-call-delta' && event.index === 0)
        streamed += event.delta?.message?.toolCalls?.function?.arguments ?? '';
    assert.equal(streamed, call.arguments);
  });

  it('is refused what Cohere refuses', async () => {
    const wrong = { ...ask, tools, responseFormat: { type: 'json_object' as const } };
    await assert.rejects(cohere.chat(wrong, { maxRetries: 0 }), /not supported with tools/);
  });
});

describe('a client of Ollama', () => {
  const ask = { model: 'qwen3', messages: [{ role: 'user', content: 'Hello there' }] };

  async function chat(body: object): Promise<readonly { readonly [key: string]: unknown }[]> {
    const reply = await fetch(`${simulator.url}/ollama/api/chat`, { method: 'POST', body: JSON.stringify(body) });
    const text = await reply.text();
    return text
      .trim()
      .split('\n')
      .map((line) => ({ status: reply.status, ...(JSON.parse(line) as object) }));
  }

  it('gets a stream of lines unless it says no, and the same text whole', async () => {
    const lines = await chat(ask);
    const [whole] = await chat({ ...ask, stream: false });
    const said = lines.map((line) => z.object({ content: z.string() }).parse(line['message']).content).join('');
    assert.equal(said, z.object({ content: z.string() }).parse(whole?.['message']).content);
    const last = lines.at(-1);
    assert.ok(lines.length > 3 && lines.slice(0, -1).every((line) => line['done'] === false));
    assert.deepEqual([last?.['done'], last?.['eval_count']], [true, whole?.['eval_count']]);
  });

  it('gets thoughts and an object of its schema', async () => {
    const [reply] = await chat({ ...ask, stream: false, think: true, format: PARAMETERS });
    const message = z.object({ content: z.string(), thinking: z.string().min(1) }).parse(reply?.['message']);
    const forecast = z.object({ city: z.string(), days: z.int().min(1).max(7) });
    assert.ok(forecast.safeParse(JSON.parse(message.content)).success);
  });

  it('is refused in one line of words', async () => {
    const [reply] = await chat({ ...ask, messages: [{ role: 'user', content: [] }] });
    assert.deepEqual([reply?.['status'], typeof reply?.['error']], [400, 'string']);
  });
});
