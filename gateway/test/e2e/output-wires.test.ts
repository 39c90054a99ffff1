/** What clients of each protocol see of cuts, choices, and streams that turn out not to be valid. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY } from '../harness.ts';
import { startOutputRig, type OutputRig } from './output-kit.ts';

let rig: OutputRig;

before(async () => {
  rig = await startOutputRig('server: {heartbeat_ms: 60}');
});

after(async () => {
  await rig.close();
});

const SCHEMA = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] };
const PROMPT = 'Who is it?';
const messages = [{ role: 'user' as const, content: PROMPT }];
const MODEL = 'cohere/words';

/** A streamed request for the form in each protocol, and how a stream of it ends that broke. */
const WIRES: Readonly<Record<string, { readonly path: string; readonly body: JsonRecord; readonly ending: RegExp }>> = {
  'openai-chat': {
    path: '/v1/chat/completions',
    body: {
      model: MODEL,
      messages,
      stream: true,
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } },
    },
    ending: /"error":\{.*"code":"output_invalid".*"finish_reason":"error"/,
  },
  'openai-responses': {
    path: '/v1/responses',
    body: {
      model: MODEL,
      input: PROMPT,
      stream: true,
      text: { format: { type: 'json_schema', name: 'a', schema: SCHEMA } },
    },
    ending: /event: response\.failed\ndata: .*output_invalid/,
  },
  'anthropic-messages': {
    path: '/v1/messages',
    body: {
      model: MODEL,
      max_tokens: 90,
      messages,
      stream: true,
      output_config: { format: { type: 'json_schema', schema: SCHEMA } },
    },
    ending: /event: error\ndata: .*output[-_]invalid/,
  },
  gemini: {
    path: `/v1beta/models/${encodeURIComponent(MODEL)}:streamGenerateContent?alt=sse`,
    body: {
      contents: [{ role: 'user', parts: [{ text: PROMPT }] }],
      generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA },
    },
    ending: /"error":\{"code":502.*output-invalid/,
  },
};

describe('a stream that is out and not valid', () => {
  for (const [wire, { path, body, ending }] of Object.entries(WIRES))
    it(`ends with the error event of ${wire}`, async () => {
      rig.simulator.script([{ reply: { text: 'Here: {"age": "old"}' } }]);
      const reply = await fetch(rig.gateway.url + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${ROOT_KEY}`,
          'content-type': 'application/json',
          'anthropic-version': '2023-06-01',
        },
        body: JSON.stringify(body),
      });
      const text = await reply.text();
      assert.match(text, ending, text);
      assert.match(text, /\$\.age/);
      assert.match(text, /old/);
      assert.doesNotMatch(text, /Here:/);
    });
});

describe('a stream that is kept back', () => {
  it('is mended unseen, though pings have begun it', async () => {
    rig.simulator.script([
      { reply: { text: '{"age": "old"}' }, chunk_delay_ms: 120 },
      { reply: { text: '{"age": 36}' }, chunk_delay_ms: 120 },
    ]);
    const wire = WIRES['openai-chat'];
    const reply = await fetch(rig.gateway.url + (wire?.path ?? ''), {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...wire?.body, turnout: { output: { hold: true } } }),
    });
    const text = await reply.text();
    assert.match(text, /^: ping\n\n/);
    assert.doesNotMatch(text, /old|error/);
    assert.match(text, /36[\s\S]*\[DONE\]/);
  });
});

describe('a client', () => {
  it('of Anthropic is told which sequence its text was cut at', async () => {
    const client = new Anthropic({ apiKey: ROOT_KEY, baseURL: rig.gateway.url, maxRetries: 0 });
    const ask = { model: 'openai-responses/m', max_tokens: 90, messages, stop_sequences: ['END', 'STOP'] };
    for (const isStreaming of [false, true]) {
      rig.simulator.script([{ reply: { text: 'one STOP two END' } }]);
      const message = isStreaming
        ? await client.messages.stream(ask).finalMessage()
        : await client.messages.create(ask);
      assert.deepEqual(
        [message.content[0]?.type === 'text' && message.content[0].text, message.stop_reason, message.stop_sequence],
        ['one ', 'stop_sequence', 'STOP'],
      );
    }
  });

  it('of Google gets its candidates of a provider that gives one', async () => {
    const client = new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: rig.gateway.url } });
    const ask = { model: 'anthropic-messages/m', contents: PROMPT, config: { candidateCount: 2 } };
    const whole = await client.models.generateContent(ask);
    assert.deepEqual(
      whole.candidates?.map(({ index, finishReason }) => [index ?? 0, finishReason]),
      [
        [0, 'STOP'],
        [1, 'STOP'],
      ],
    );
    const seen = new Set<number>();
    for await (const chunk of await client.models.generateContentStream(ask))
      for (const { index, content } of chunk.candidates ?? [])
        if ((content?.parts ?? []).length > 0) seen.add(index ?? 0);
    assert.deepEqual(seen, new Set([0, 1]));
  });
});
