/** What is written, read by OpenAI's own SDK. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI, { APIError } from 'openai';
import { collect } from '../../chat/collect.ts';
import { fault } from '../../chat/fault.ts';
import type { ChatEvent, ChatResponse } from '../../chat/reply.ts';
import type { EncodeContext } from '../dialect.ts';
import { openaiChat } from '../openai-chat.ts';

const CONTEXT: EncodeContext = { requestId: 'r1', model: 'asked', nowS: 1000, wantsStreamUsage: true };
const ASK: { model: string; messages: { role: 'user'; content: string }[] } = {
  model: 'm',
  messages: [{ role: 'user', content: 'hi' }],
};

/** The SDK over a reply that is already here: no socket is opened. */
function client(status: number, body: string, type = 'application/json'): OpenAI {
  const reply = (): Promise<Response> =>
    Promise.resolve(new Response(body, { status, headers: { 'content-type': type } }));
  return new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: reply });
}

function encode(events: readonly ChatEvent[], context: EncodeContext = CONTEXT): string {
  const encoding = openaiChat.encoder(context);
  return `${events.map((event) => encoding.push(event)).join('')}${encoding.end()}`;
}

/** Events as they come from Anthropic: signed reasoning, text with a citation, a call. */
const EVENTS: readonly ChatEvent[] = [
  { type: 'start', id: 'msg_1', model: 'claude', createdAt: 7 },
  { type: 'reasoning-delta', choice: 0, text: 'h' },
  { type: 'reasoning-delta', choice: 0, text: 'm' },
  { type: 'signature', choice: 0, of: 'reasoning', signature: { origin: 'anthropic-messages', value: 'sig' } },
  { type: 'reasoning-encrypted', choice: 0, encrypted: { origin: 'openai-responses', value: 'enc' } },
  { type: 'text-delta', choice: 0, text: 'Hel' },
  { type: 'text-delta', choice: 0, text: 'lo' },
  {
    type: 'citation',
    choice: 0,
    citation: { origin: 'anthropic-messages', url: 'https://a.example', start: 0, end: 5, raw: {} },
  },
  { type: 'tool-call-start', choice: 0, call: 0, id: 'c1', name: 'f', signature: { origin: 'gemini', value: 'g' } },
  { type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"a":' },
  { type: 'tool-call-delta', choice: 0, call: 0, arguments: '1}' },
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_use' } },
  {
    type: 'usage',
    usage: { inputTokens: 9, cachedInputTokens: 4, outputTokens: 5, reasoningTokens: 2, raw: { input_tokens: 5 } },
  },
];

describe('streams of openai-chat as OpenAI writes them', () => {
  it('is put together by the official SDK', async () => {
    const stream = client(200, encode(EVENTS), 'text/event-stream').chat.completions.stream({
      ...ASK,
      stream_options: { include_usage: true },
    });
    const reply = await stream.finalChatCompletion();
    const [choice] = reply.choices;
    assert.equal(reply.id, 'msg_1');
    assert.equal(reply.model, 'claude');
    assert.equal(choice?.message.content, 'Hello');
    assert.equal(choice.message.role, 'assistant');
    assert.equal(choice.finish_reason, 'tool_calls');
    const call = choice.message.tool_calls?.[0];
    assert.ok(call?.type === 'function');
    assert.deepEqual([call.id, call.function.name, call.function.arguments], ['c1', 'f', '{"a":1}']);
    assert.equal(reply.usage?.total_tokens, 14);
    assert.equal(reply.usage.prompt_tokens_details?.cached_tokens, 4);
    assert.equal('input_tokens' in reply.usage, false);
  });

  it('says the role first, and usage only to those who asked', () => {
    const text = encode(EVENTS, { ...CONTEXT, wantsStreamUsage: false });
    assert.match(text.slice(0, text.indexOf('\n')), /"delta":\{"role":"assistant"/);
    assert.equal(text.match(/"role"/g)?.length, 1);
    assert.doesNotMatch(text, /"usage"/);
    assert.ok(text.endsWith('data: [DONE]\n\n'));
  });

  it('keeps blocks and signatures, so that they are known again when they come back', () => {
    const decoding = openaiChat.decoder('p');
    const again = [...decoding.push(Buffer.from(encode(EVENTS))), ...decoding.end()];
    const parts = collect(again, 'openai-chat').choices[0]?.parts ?? [];
    const expected = collect(EVENTS, 'openai-chat').choices[0]?.parts ?? [];
    const known = (list: typeof parts): unknown =>
      list.map((part) => (part.kind === 'text' ? [part.text, part.citations?.[0]?.url] : part));
    assert.deepEqual(known(parts), known(expected));
  });

  it('raises in the official SDK when a stream broke, and adds no end mark', async () => {
    const broken: readonly ChatEvent[] = [
      ...EVENTS.slice(0, 6),
      { type: 'error', fault: fault('upstream-cut', { provider: 'p' }) },
    ];
    const text = encode(broken);
    assert.ok(!text.includes('[DONE]'));
    const last = text.trimEnd().split('\n\n').at(-1) ?? '';
    assert.deepEqual(JSON.parse(last.slice('data: '.length)), {
      error: {
        message: 'p ended the stream before it was complete.',
        type: 'upstream_error',
        param: null,
        code: 'upstream_cut',
      },
      choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
    });
    const stream = client(200, text, 'text/event-stream').chat.completions.stream(ASK);
    await assert.rejects(
      stream.finalChatCompletion(),
      (error) => error instanceof APIError && /ended the stream/.test(error.message),
    );
  });

  it('numbers calls anew for each choice, and names what it cannot say', () => {
    const encoding = openaiChat.encoder(CONTEXT);
    const start = (choice: number, call: number): string =>
      encoding.push({ type: 'tool-call-start', choice, call, id: `c${call}`, name: 'f' });
    start(0, 3);
    start(0, 7);
    start(1, 0);
    assert.match(
      encoding.push({ type: 'tool-call-delta', choice: 0, call: 7, arguments: 'x' }),
      /"index":1,"function":\{"arguments":"x"\}/,
    );
    encoding.push({
      type: 'opaque',
      choice: 0,
      part: { kind: 'opaque', origin: 'gemini', name: 'executableCode', value: {} },
    });
    encoding.push({ type: 'citation', choice: 0, citation: { origin: 'cohere', raw: {} } });
    assert.deepEqual(
      encoding.losses().map(({ code, weight }) => [code, weight]),
      [
        ['opaque', 'meaning'],
        ['citations', 'hint'],
      ],
    );
  });
});

describe('whole replies of openai-chat as OpenAI writes them', () => {
  const reply: ChatResponse = { ...collect(EVENTS, 'anthropic-messages'), extra: { container: 'c' } };

  it('is read by the official SDK', async () => {
    const { body, losses } = openaiChat.encodeResponse(reply, CONTEXT);
    assert.deepEqual(losses, []);
    const read = await client(200, JSON.stringify(body)).chat.completions.create(ASK);
    assert.equal(read.choices[0]?.message.content, 'Hello');
    assert.equal(read.choices[0].message.refusal, null);
    assert.equal(read.choices[0].finish_reason, 'tool_calls');
    assert.equal(read.created, 7);
    assert.equal(read.usage?.prompt_tokens, 9);
  });

  it('gives the message such fields that it can be sent back as it is', () => {
    const { body } = openaiChat.encodeResponse(reply, CONTEXT);
    const [choice] = Array.isArray(body['choices']) ? body['choices'] : [];
    const decoded = openaiChat.decodeRequest(
      { model: 'm', messages: [{ role: 'user', content: 'u' }, choice.message] },
      {},
    );
    assert.ok(decoded.ok);
    const [thought, encrypted, , call] = decoded.value.messages[1]?.parts ?? [];
    assert.ok(thought?.kind === 'reasoning');
    assert.deepEqual([thought.text, thought.signature], ['hm', { origin: 'anthropic-messages', value: 'sig' }]);
    assert.ok(encrypted?.kind === 'reasoning' && call?.kind === 'tool-call');
    assert.deepEqual(encrypted.encrypted, { origin: 'openai-responses', value: 'enc' });
    assert.deepEqual(call.signature, { origin: 'gemini', value: 'g' });
  });

  it('fills in what the provider left out', () => {
    const bare = openaiChat.encodeResponse(
      { origin: 'cohere', choices: [{ index: 0, parts: [], finish: { reason: 'stop' } }] },
      CONTEXT,
    ).body;
    assert.deepEqual(bare, {
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      created: 1000,
      model: 'asked',
      choices: [
        { index: 0, message: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: 'stop' },
      ],
    });
  });
});

describe('errors of openai-chat', () => {
  const answer = { headers: {}, provider: 'p', model: 'm', nowMs: 0 };
  const told = (status: number, body: unknown): ReturnType<typeof openaiChat.decodeError> =>
    openaiChat.decodeError({ ...answer, status, body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('classifies by status and, where that says little, by words', () => {
    const cases: readonly (readonly [number, unknown, string])[] = [
      [
        400,
        { error: { message: "This model's maximum context length is 8192 tokens", code: 'context_length_exceeded' } },
        'context-length',
      ],
      [400, { error: { code: 'content_filter', message: 'The response was filtered' } }, 'content-filtered'],
      [400, { error: { message: 'bad', innererror: { code: 'ResponsibleAIPolicyViolation' } } }, 'content-filtered'],
      [400, { error: { message: 'Incorrect API key provided' } }, 'upstream-auth'],
      [
        422,
        {
          object: 'error',
          message: {
            detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted' }],
          },
        },
        'upstream-refused',
      ],
      [429, { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } }, 'upstream-quota'],
      [429, { error: { message: 'Rate limit reached', code: 'rate_limit_exceeded' } }, 'upstream-rate-limited'],
      [402, { error: { message: 'Insufficient Balance' } }, 'upstream-quota'],
      [403, { error: { message: 'flagged by moderation' } }, 'content-filtered'],
      [404, {}, 'upstream-not-found'],
      [529, {}, 'upstream-overloaded'],
      [500, 'oops', 'upstream-error'],
      [502, '<html><body>Bad gateway</body></html>', 'upstream-error'],
      [504, '', 'upstream-error'],
      [
        400,
        {
          error: {
            message: 'Provider returned error',
            code: 400,
            metadata: { raw: '{"error":{"message":"prompt is too long: 9 > 8"}}' },
          },
        },
        'context-length',
      ],
    ];
    for (const [status, body, code] of cases) assert.equal(told(status, body).code, code, JSON.stringify(body));
  });

  it('takes nothing that a provider repeats from the caller for its own word on a key, a credit or a model', () => {
    const echoed = (value: string): ReturnType<typeof told> =>
      told(400, {
        error: {
          message: `Invalid value: '${value}'. Supported values are: 'auto', 'default' and 'flex'.`,
          type: 'invalid_request_error',
          param: 'service_tier',
          code: 'invalid_value',
        },
      });
    for (const value of ['invalid api key', 'billing', 'model_not_found', 'insufficient_quota', 'invalid model'])
      assert.deepEqual([echoed(value).code, echoed(value).isHearsay], ['upstream-refused', undefined], value);
    for (const word of ['invalid api key', 'billing', 'insufficient_quota', 'invalid model']) {
      const out = told(400, { error: { message: `${word}: Extra inputs are not permitted` } });
      assert.equal(out.isHearsay, true, word);
    }
    const tool = { message: "The model 'x' does not exist.", code: 'model_not_found', param: 'tools[0].model' };
    assert.equal(told(400, { error: tool }).code, 'upstream-refused');
    assert.equal(told(404, { error: tool }).code, 'upstream-refused');
  });

  it('believes a code, and a word about the model where the field is the model', () => {
    const errors = [
      { message: 'x', code: 'invalid_api_key' },
      { message: 'x', code: 'insufficient_quota' },
      { message: 'The requested model `m` does not exist.', code: 'model_not_found', param: 'model' },
      { message: "The model 'm' does not exist.", code: 'invalid_value', param: 'model' },
    ];
    assert.deepEqual(
      errors.map((error) => told(400, { error })).map(({ code, isHearsay }) => `${code} ${isHearsay}`),
      ['upstream-auth undefined', 'upstream-quota undefined', ...Array(2).fill('upstream-not-found undefined')],
    );
  });

  it('tells a model that is missing from what the caller named that is missing', () => {
    const missing = (message: string, code: string | null = null): string => {
      const of = told(404, { error: { message, type: 'invalid_request_error', code, param: null } });
      return of.isHearsay === true ? `${of.code}, perhaps` : of.code;
    };
    for (const message of [
      'No such File object: file-abc',
      "Container 'cntr_abc' not found.",
      "Prompt with id 'model' not found.",
      "Item with id 'rs_abc' not found. Items are not persisted when `store` is set to false.",
      'Vector store vs_abc not found',
    ])
      assert.equal(missing(message), 'upstream-refused', message);
    assert.equal(
      missing("Previous response with id 'resp_abc' not found.", 'previous_response_not_found'),
      'upstream-refused',
    );
    for (const message of [
      'No such File object: my model',
      'No endpoints found that support tool use.',
      'This is not a chat model and thus not supported in the v1/chat/completions endpoint.',
    ])
      assert.equal(missing(message), 'upstream-not-found, perhaps', message);
    for (const message of [
      'The model `m` does not exist or you do not have access to it.',
      'Specified model not found: m. Did you mean: n?',
      'No endpoints found for acme/m.',
      'Not found the model m or Permission denied',
      'Resource not found',
      'Not Found',
      'Invalid URL (POST /v1/chat/completion)',
    ])
      assert.equal(missing(message), 'upstream-not-found', message);
    assert.equal(told(404, '<html><body>nginx</body></html>').code, 'upstream-not-found');
  });

  it('shows no key, no account, no address and no page', () => {
    const text = 'key sk-abcdefghijklmnop of org-AbCdEf123456 at http://10.0.0.5:8000/v1 Bearer abcdefghijkl';
    const shown = told(400, { error: { message: text } }).message;
    assert.doesNotMatch(shown, /abcdefgh|AbCdEf|10\.0\.0\.5/);
    assert.doesNotMatch(told(502, '<!doctype html><p>secret</p>').message, /secret/);
  });

  it("names the caller's field, and gives clients the code that they act on", () => {
    const refused = told(422, {
      object: 'error',
      message: { detail: [{ loc: ['body', 'seed'], msg: 'Extra inputs are not permitted' }] },
    });
    assert.equal(refused.param, 'seed');
    const { error } = openaiChat.encodeFault(told(400, { error: { message: 'maximum context length' } }), {
      requestId: 'r',
    });
    assert.deepEqual(error, {
      message: 'The prompt is too long for p: maximum context length',
      type: 'invalid_request_error',
      param: null,
      code: 'context_length_exceeded',
    });
  });

  it("raises the official SDK's own error", async () => {
    const body = JSON.stringify(
      openaiChat.encodeFault(fault('upstream-rate-limited', { provider: 'p', reason: 'slow down' }), {
        requestId: 'r',
      }),
    );
    await assert.rejects(client(429, body).chat.completions.create(ASK), OpenAI.RateLimitError);
  });
});
