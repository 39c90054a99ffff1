import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../chat/collect.ts';
import type { ChatResponse } from '../chat/reply.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { EncodeContext } from './dialect.ts';
import { openaiCompletions } from './openai-completions.ts';

const CONTEXT: EncodeContext = { requestId: 'r1', model: 'asked', nowS: 1, wantsStreamUsage: true };
const TOKENS = [
  { token: 'On', logprob: -0.5, bytes: null, top: [{ token: 'On', logprob: -0.5, bytes: null }] },
  { token: 'ce', logprob: -0.25, bytes: null, top: [] },
];
const REPLY: ChatResponse = {
  origin: 'openai-completions',
  id: 'cmpl-1',
  model: 'm',
  createdAt: 7,
  choices: [
    { index: 0, parts: [{ kind: 'text', text: 'Once' }], finish: { reason: 'stop', raw: 'stop' }, logprobs: TOKENS },
  ],
  usage: { inputTokens: 3, outputTokens: 2 },
};

describe('a text completion', () => {
  it('tells log probabilities in lists side by side, and reads them back', () => {
    const { body, losses } = openaiCompletions.encodeResponse(REPLY, CONTEXT);
    assert.deepEqual(losses, []);
    const choices = body['choices'];
    assert.deepEqual(choices, [
      {
        text: 'Once',
        index: 0,
        logprobs: {
          text_offset: [0, 2],
          token_logprobs: [-0.5, -0.25],
          tokens: ['On', 'ce'],
          top_logprobs: [{ On: -0.5 }, {}],
        },
        finish_reason: 'stop',
      },
    ]);
    const again = openaiCompletions.decodeResponse(body, 'p');
    assert.ok(again.ok);
    assert.deepEqual({ ...again.value, usage: REPLY.usage }, REPLY);
  });

  it('counts the offsets of a stream from its beginning', () => {
    const encoder = openaiCompletions.encoder(CONTEXT);
    const [first, second] = TOKENS;
    assert.ok(first !== undefined && second !== undefined);
    encoder.push({ type: 'logprobs', choice: 0, tokens: [first] });
    assert.match(encoder.push({ type: 'logprobs', choice: 0, tokens: [second] }), /"text_offset":\[2\]/);
  });

  it('names what has no place in a text, whole and streamed', () => {
    const reply: ChatResponse = {
      origin: 'openai-chat',
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'reasoning', text: 'hm' },
            { kind: 'text', text: 'a', citations: [{ raw: {}, origin: 'openai-chat' }] },
            { kind: 'refusal', text: 'b' },
            { kind: 'tool-call', id: 'c1', name: 'f', arguments: '{}' },
            { kind: 'image', source: { by: 'url', url: 'https://x/y.png' } },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
    };
    const { body, losses } = openaiCompletions.encodeResponse(reply, CONTEXT);
    const expected = [
      'reasoning-shown reasoning hint',
      'citations text hint',
      'refusal refusal hint',
      'opaque f meaning',
      'media-kind image meaning',
    ];
    assert.deepEqual(
      losses.map(({ code, field, weight }) => `${code} ${field} ${weight}`),
      expected,
    );
    assert.match(JSON.stringify(body), /"text":"ab".*"finish_reason":"stop"/);
    const encoder = openaiCompletions.encoder(CONTEXT);
    const written =
      replay(reply)
        .map((event) => encoder.push(event))
        .join('') + encoder.end();
    assert.deepEqual(
      encoder.losses().map(({ code, field, weight }) => `${code} ${field} ${weight}`),
      expected,
    );
    const decoder = openaiCompletions.decoder('p');
    const heard = collect([...decoder.push(Buffer.from(written)), ...decoder.end()], 'openai-completions');
    assert.deepEqual(heard.choices[0]?.parts, [{ kind: 'text', text: 'ab' }]);
  });

  it('is read as JSON where a stream was asked for, and knows an error in either', () => {
    const { body } = openaiCompletions.encodeResponse(REPLY, CONTEXT);
    const decoder = openaiCompletions.decoder('p');
    const events = [...decoder.push(Buffer.from(JSON.stringify(body))), ...decoder.end()];
    assert.deepEqual(collect(events, 'openai-completions').choices, REPLY.choices);
    const failed = openaiCompletions.decodeResponse({ error: { message: 'no', code: 429 } }, 'p');
    assert.equal(failed.ok ? undefined : failed.error.code, 'upstream-rate-limited');
  });

  it('is asked for the words of a conversation, and names what is more than words', () => {
    const request: ChatRequest = {
      origin: 'anthropic-messages',
      model: 'asked',
      messages: [
        { role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] },
        {
          role: 'user',
          parts: [
            { kind: 'text', text: 'Hi' },
            { kind: 'image', source: { by: 'url', url: 'https://x/y' }, at: 'messages[0].content[1]' },
          ],
        },
      ],
      sampling: { topK: 5, temperature: 0.5 },
      logprobs: { top: 9 },
      maxOutputTokens: 9000,
      isStreaming: false,
      extras: [],
    };
    const { body, losses } = openaiCompletions.encodeRequest(request, { model: 'm', maxOutputTokens: 4096 });
    assert.deepEqual(body, {
      model: 'm',
      prompt: 'Be brief.\nUser: Hi\nChatbot:',
      max_tokens: 4096,
      temperature: 0.5,
      logprobs: 5,
    });
    assert.deepEqual(
      losses.map(({ code, field }) => `${code} ${field}`),
      ['sampling top_k', 'logprobs logprobs', 'max-tokens max_tokens', 'media-kind messages[0].content[1]'],
    );
  });

  it('lets its output be limited, and counts the choices that are made', () => {
    assert.deepEqual(openaiCompletions.limitOutput({ max_tokens: 9 }, 5), { max_tokens: 5 });
    assert.deepEqual(openaiCompletions.limitOutput({}, 5), { max_tokens: 5 });
    const seen = openaiCompletions.inspect({ model: 'm', prompt: ['a', 'b'], n: 2, best_of: 3, max_tokens: 4 }, {});
    assert.ok(seen.ok);
    assert.deepEqual([seen.value.choices, seen.value.maxOutputTokens, seen.value.textLength], [6, 4, 2]);
    const tokens = openaiCompletions.inspect({ model: 'm', prompt: [[1, 2, 3], [4]] }, {});
    assert.ok(tokens.ok && tokens.value.choices === 2 && tokens.value.textLength === 16);
  });
});
