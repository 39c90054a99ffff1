import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../chat/collect.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { JsonRecord } from '../lib/json.ts';
import { openaiChat } from './openai-chat.ts';
import { replicate } from './replicate.ts';

const CONTEXT = { requestId: 'r1', model: 'meta/m', nowS: 1, wantsStreamUsage: true };
const TARGET = { model: 'meta/meta-llama-3-70b-instruct' };
const PREDICTION = {
  id: 'p1',
  model: 'meta/m',
  status: 'succeeded',
  input: { prompt: 'hi' },
  output: ['Hel', 'lo'],
  error: null,
  metrics: { input_token_count: 3, output_token_count: 2, predict_time: 0.5 },
};

function asked(body: JsonRecord): ChatRequest {
  const decoded = openaiChat.decodeRequest({ model: 'm', ...body }, {});
  assert.ok(decoded.ok);
  return decoded.value;
}

function told(body: JsonRecord): readonly [string, boolean] {
  const read = replicate.decodeResponse(body, 'replicate');
  return read.ok ? ['reply', true] : [`${read.error.code}: ${read.error.message}`, false];
}

describe('replicate', () => {
  it('puts the instructions apart, the settings under its names, and stop sequences into one text', () => {
    const { body, losses } = replicate.encodeRequest(
      asked({
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'hi' },
        ],
        max_tokens: 50,
        temperature: 0.5,
        top_p: 0.9,
        presence_penalty: 1,
        frequency_penalty: 0.5,
        seed: 7,
        stop: ['END', 'STOP'],
      }),
      TARGET,
    );
    assert.deepEqual(body, {
      input: {
        prompt: 'hi',
        system_prompt: 'Be short.',
        max_tokens: 50,
        temperature: 0.5,
        top_p: 0.9,
        presence_penalty: 1,
        frequency_penalty: 0.5,
        seed: 7,
        stop_sequences: 'END,STOP',
      },
    });
    assert.deepEqual(losses, []);
  });

  it('tells a conversation as one, and names what a prompt cannot say', () => {
    const { body, losses } = replicate.encodeRequest(
      asked({
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'b' },
          { role: 'user', content: 'c' },
        ],
        stop: ['x,y', 'END'],
        stream: true,
        tools: [{ type: 'function', function: { name: 'f' } }],
      }),
      TARGET,
    );
    assert.deepEqual(body['input'], {
      prompt: 'User: a\nChatbot: b\nUser: c\nChatbot:',
      max_tokens: 2048,
      stop_sequences: 'END',
    });
    assert.deepEqual(
      losses.map(({ code, field, weight }) => [code, field, weight]),
      [
        ['opaque', 'tools[0]', 'meaning'],
        ['stop', 'stop', 'meaning'],
        ['stream', 'stream', 'hint'],
      ],
    );
  });

  it('asks with the instructions where there is nothing else', () => {
    const { body } = replicate.encodeRequest(asked({ messages: [{ role: 'system', content: 'Say hi.' }] }), TARGET);
    assert.deepEqual(body, { input: { prompt: 'Say hi.\nChatbot:', max_tokens: 2048 } });
  });

  it('reads its own requests and writes them again', () => {
    const body = {
      input: { prompt: 'hi', system_prompt: 's', max_tokens: 5, min_tokens: 2, top_k: 3, stop_sequences: 'a,b' },
      webhook: 'https://a.example',
    };
    const decoded = replicate.decodeRequest(body, { model: 'meta/m' });
    assert.ok(decoded.ok);
    const again = replicate.encodeRequest(decoded.value, { model: 'meta/m' });
    assert.deepEqual([again.body, again.losses], [body, []]);
    const seen = replicate.inspect(body, { model: 'meta/m' });
    assert.ok(seen.ok && seen.value.textLength === 3 && seen.value.maxOutputTokens === 5);
    assert.deepEqual(replicate.limitOutput(body, 3)['input'], { ...body.input, max_tokens: 3 });
  });

  it('reads pieces as one text with its counts, and writes them again', () => {
    const read = replicate.decodeResponse(PREDICTION, 'replicate');
    assert.ok(read.ok);
    const { choices, usage } = read.value;
    assert.deepEqual(choices[0]?.parts, [{ kind: 'text', text: 'Hello' }]);
    assert.deepEqual([usage?.inputTokens, usage?.outputTokens, choices[0]?.finish.reason], [3, 2, 'stop']);
    const { body } = replicate.encodeResponse(read.value, CONTEXT);
    assert.deepEqual(replicate.decodeResponse(body, 'replicate'), read);
  });

  it('takes a text that is as long as it may be for one that was cut', () => {
    const read = replicate.decodeResponse({ ...PREDICTION, input: { max_tokens: 2 } }, 'replicate');
    assert.ok(read.ok);
    assert.equal(read.value.choices[0]?.finish.reason, 'length');
  });

  const ends: readonly (readonly [string, JsonRecord, RegExp])[] = [
    [
      'has only begun',
      { ...PREDICTION, status: 'starting', output: null },
      /^upstream-timeout: .*finish its prediction/,
    ],
    ['still runs', { ...PREDICTION, status: 'processing', output: ['Hel'] }, /^upstream-timeout: /],
    ['was cancelled', { ...PREDICTION, status: 'canceled' }, /^upstream-error: .*canceled/],
    ['failed', { ...PREDICTION, status: 'failed', error: 'CUDA out of memory' }, /^upstream-error: .*CUDA/],
    ['is an error', { title: 'Oops', detail: 'No credit left', status: 402 }, /^upstream-quota: /],
    ['gave pictures', { ...PREDICTION, output: [{ url: 'x' }] }, /^upstream-invalid: .*no text/],
    ['is none', { hello: 1 }, /^upstream-invalid: .*no prediction/],
  ];
  for (const [name, body, expected] of ends)
    it(`says so where the prediction ${name}`, () => {
      const [text, isReply] = told(body);
      assert.ok(!isReply);
      assert.match(text, expected);
    });

  it('has no stream: the whole reply comes as events at the end, and an honest error where it was cut', () => {
    const bytes = Buffer.from(JSON.stringify(PREDICTION));
    const decoder = replicate.decoder('replicate');
    assert.deepEqual(decoder.push(bytes.subarray(0, 20)), []);
    const events = [...decoder.push(bytes.subarray(20)), ...decoder.end(), ...decoder.end()];
    const encoder = replicate.encoder(CONTEXT);
    const written = [...events.map((event) => encoder.push(event)), encoder.end()].join('');
    const reply = replicate.decodeResponse(JSON.parse(written) as JsonRecord, 'replicate');
    assert.deepEqual(reply, { ok: true, value: collect(events, 'replicate') });
    const cut = replicate.decoder('replicate');
    cut.push(bytes.subarray(0, 20));
    assert.deepEqual(
      cut.end().map((event) => event.type),
      ['error'],
    );
    const mark = replicate.tap('replicate').see('', bytes);
    assert.deepEqual([mark.hasContent, mark.isFinished, mark.usage?.outputTokens], [true, true, 2]);
  });

  it('is waited for, and left to end by itself where no one waits any more', () => {
    assert.deepEqual(replicate.headers('r8_key'), {
      'content-type': 'application/json',
      prefer: 'wait=55',
      'cancel-after': '60s',
      authorization: 'Bearer r8_key',
    });
    const call = { model: 'meta/meta-llama-3-70b-instruct', isStreaming: true, operation: 'chat' } as const;
    assert.equal(replicate.path(call), '/models/meta/meta-llama-3-70b-instruct/predictions');
  });
});
