import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message, ChatRequest } from '../../chat/request.ts';
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { encodeRequest } from './encode-request.ts';

const USER: Message = { role: 'user', parts: [{ kind: 'text', text: 'hi' }] };

function ask(fields: Partial<ChatRequest>, target: Partial<EncodeTarget> = {}): EncodedRequest {
  const request: ChatRequest = {
    origin: 'openai-chat',
    model: 'gpt-5',
    messages: [USER],
    sampling: {},
    isStreaming: false,
    extras: [],
    ...fields,
  };
  return encodeRequest(request, { model: 'claude-sonnet-4-5', ...target });
}

function records(list: Json | undefined): readonly JsonRecord[] {
  return (asArray(list) ?? []).map((item) => asRecord(item) ?? {});
}

function lost(encoded: EncodedRequest): readonly string[] {
  return encoded.losses.map((loss) => `${loss.code} ${loss.field} ${loss.weight}`);
}

const call = (id: string, json = '{}'): Message['parts'][number] => ({
  kind: 'tool-call',
  id,
  name: 'f',
  arguments: json,
});
const result = (id: string, text: string): Message => ({
  role: 'tool',
  parts: [{ kind: 'tool-result', callId: id, parts: [{ kind: 'text', text }] }],
});

describe('encodeRequest for the Messages API', () => {
  it('gives a limit on tokens: the caller’s, or the model’s, or a documented one', () => {
    assert.equal(ask({ maxOutputTokens: 5 }).body['max_tokens'], 5);
    assert.equal(ask({}, { maxOutputTokens: 64_000 }).body['max_tokens'], 64_000);
    assert.equal(ask({}).body['max_tokens'], 4096);
    const clamped = ask({ maxOutputTokens: 100_000 }, { maxOutputTokens: 64_000 });
    assert.equal(clamped.body['max_tokens'], 64_000);
    assert.deepEqual(lost(clamped), ['max-tokens max_tokens hint']);
  });

  it('puts leading system and developer messages at the top', () => {
    const { body, losses } = ask({
      messages: [
        { role: 'system', parts: [{ kind: 'text', text: 'a' }] },
        { role: 'developer', parts: [{ kind: 'text', text: 'b', cache: { ttl: '1h' } }] },
        USER,
      ],
    });
    assert.deepEqual(body['system'], [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'hi' }]);
    assert.deepEqual(losses, []);
  });

  it('leaves a later system message where it stands for a model that takes it, and marks it elsewhere', () => {
    const messages: readonly Message[] = [
      USER,
      { role: 'system', parts: [{ kind: 'text', text: 'be brief' }], at: 'messages[1]' },
    ];
    const native = ask({ messages }, { model: 'claude-opus-4-8' });
    assert.deepEqual(native.body['messages'], [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'be brief' },
    ]);
    assert.deepEqual(native.losses, []);
    const marked = ask({ messages });
    assert.deepEqual(marked.body['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'text', text: '<system>\nbe brief\n</system>' },
        ],
      },
    ]);
    assert.deepEqual(lost(marked), ['system-position messages[1] hint']);
  });

  it('marks a later system message before a turn of the user for every model, because the API wants it after one', () => {
    const messages: readonly Message[] = [USER, { role: 'system', parts: [{ kind: 'text', text: 's' }] }, USER];
    assert.deepEqual(ask({ messages }, { model: 'claude-opus-5' }).body['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'text', text: '<system>\ns\n</system>' },
          { type: 'text', text: 'hi' },
        ],
      },
    ]);
  });

  it('joins turns of one role, and puts results before anything else of the turn', () => {
    const { body } = ask({
      messages: [
        USER,
        USER,
        { role: 'assistant', parts: [call('a'), call('b')] },
        { role: 'user', parts: [{ kind: 'text', text: 'wait' }] },
        result('a', '1'),
        result('b', '2'),
      ],
    });
    assert.deepEqual(body['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'text', text: 'hi' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a', name: 'f', input: {} },
          { type: 'tool_use', id: 'b', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: '1' },
          { type: 'tool_result', tool_use_id: 'b', content: '2' },
          { type: 'text', text: 'wait' },
        ],
      },
    ]);
  });

  it('leaves out texts without a character, and turns without a block', () => {
    const blank: Message = { role: 'assistant', parts: [{ kind: 'text', text: ' \n' }] };
    assert.deepEqual(ask({ messages: [USER, blank, USER] }).body['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'text', text: 'hi' },
        ],
      },
    ]);
  });

  it('gives the API a turn of the user where it wants one', () => {
    const assistant: Message = { role: 'assistant', parts: [{ kind: 'text', text: 'hello ' }], at: 'messages[0]' };
    const first = ask({ messages: [assistant, USER] });
    assert.equal(records(first.body['messages'])[0]?.['content'], '.');
    assert.deepEqual(lost(first), ['first-turn messages[0] hint']);
    const alone = ask({ messages: [{ role: 'system', parts: [{ kind: 'text', text: 's' }] }] });
    assert.deepEqual(alone.body['messages'], [{ role: 'user', content: '.' }]);
    assert.deepEqual(lost(alone), ['system-only messages hint']);
  });

  it('lets old models go on from a prefill, without its last space, and new ones be asked', () => {
    const messages: readonly Message[] = [
      USER,
      { role: 'assistant', parts: [{ kind: 'text', text: 'It is ' }], at: 'messages[1]' },
    ];
    assert.deepEqual(records(ask({ messages }).body['messages']).at(-1), {
      role: 'assistant',
      content: 'It is',
    });
    const asked = ask({ messages }, { model: 'claude-opus-4-6' });
    assert.deepEqual(records(asked.body['messages']).at(-1), { role: 'user', content: 'Continue.' });
    assert.deepEqual(lost(asked), ['prefill messages[1] hint']);
  });

  it('makes call ids fit, the same for call and result, and two that look alike not one', () => {
    const ids = ['functions.f:0', 'functions_f:0', 'call_1'];
    const { body } = ask({
      messages: [USER, { role: 'assistant', parts: ids.map((id) => call(id)) }, ...ids.map((id) => result(id, id))],
    });
    const [, calls, results] = records(body['messages']).map((message) => records(message['content']));
    const wire = (calls ?? []).map((block) => asString(block['id']) ?? '');
    assert.deepEqual(
      wire,
      results?.map((block) => block['tool_use_id']),
    );
    assert.equal(new Set(wire).size, 3);
    assert.equal(wire[2], 'call_1');
    for (const id of wire) assert.match(id, /^[a-zA-Z0-9_-]+$/);
  });

  it('puts arguments that are no object into one, and says so', () => {
    const parts = [{ ...call('a', '[1]'), at: 'messages[1].tool_calls[0]' }, call('b', '{"x":'), call('c', '')];
    const encoded = ask({
      messages: [USER, { role: 'assistant', parts }, result('a', ''), result('b', ''), result('c', '')],
    });
    const blocks = records(records(encoded.body['messages'])[1]?.['content']);
    assert.deepEqual(
      blocks.map((block) => block['input']),
      [{ arguments: [1] }, { arguments: '{"x":' }, {}],
    );
    assert.deepEqual(lost(encoded), ['tool-arguments messages[1].tool_calls[0] hint', 'tool-arguments f hint']);
  });

  it('sends back only thinking that Claude signed', () => {
    const encoded = ask({
      messages: [
        USER,
        {
          role: 'assistant',
          parts: [
            { kind: 'reasoning', text: 'mine', signature: { origin: 'anthropic-messages', value: 'sig' } },
            { kind: 'reasoning', text: '', encrypted: { origin: 'anthropic-messages', value: 'enc' } },
            { kind: 'reasoning', text: 'theirs', at: 'messages[1].reasoning' },
            {
              kind: 'reasoning',
              text: '',
              encrypted: { origin: 'openai-responses', value: 'enc' },
              at: 'messages[1].reasoning',
            },
            { kind: 'text', text: 'ok' },
          ],
        },
        USER,
      ],
    });
    assert.deepEqual(records(encoded.body['messages'])[1]?.['content'], [
      { type: 'thinking', thinking: 'mine', signature: 'sig' },
      { type: 'redacted_thinking', data: 'enc' },
      { type: 'text', text: 'ok' },
    ]);
    assert.deepEqual(lost(encoded), ['reasoning-history messages[1].reasoning hint']);
  });

  const efforts: readonly (readonly [
    string,
    Partial<ChatRequest>,
    Partial<EncodeTarget>,
    JsonRecord,
    readonly string[],
  ])[] = [
    [
      'a budget to Claude 4.5',
      { reasoning: { effort: 'medium' } },
      { maxOutputTokens: 64_000 },
      { thinking: { type: 'enabled', budget_tokens: 8192 } },
      [],
    ],
    [
      'half of the limit, where the budget is above it',
      { reasoning: { effort: 'high' }, maxOutputTokens: 4000 },
      {},
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      ['reasoning-budget reasoning_effort hint'],
    ],
    [
      'no thinking where the limit is too low for any',
      { reasoning: { effort: 'high' }, maxOutputTokens: 1024 },
      {},
      {},
      ['reasoning-budget reasoning_effort hint'],
    ],
    [
      'effort and adaptive thinking to Claude 4.6',
      { reasoning: { effort: 'medium' } },
      { model: 'claude-opus-4-6' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } },
      [],
    ],
    [
      'the nearest effort that there is',
      { reasoning: { effort: 'xhigh' } },
      { model: 'claude-opus-4-6' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
      ['reasoning-effort reasoning_effort hint'],
    ],
    [
      'an effort for a budget, to Claude 4.7',
      { reasoning: { budgetTokens: 20_000, isShown: true } },
      { model: 'claude-opus-4-7' },
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
      ['reasoning-budget reasoning.max_tokens hint'],
    ],
    ['off where it can be', { reasoning: { effort: 'none' } }, {}, { thinking: { type: 'disabled' } }, []],
    [
      'little where it cannot be off',
      { reasoning: { effort: 'none' } },
      { model: 'claude-opus-5-5' },
      { output_config: { effort: 'low' } },
      ['reasoning reasoning_effort hint'],
    ],
    [
      'between tools where that is the least',
      { reasoning: { effort: 'none' } },
      { model: 'claude-sonnet-5-5' },
      { thinking: { type: 'between_tools' } },
      ['reasoning reasoning_effort hint'],
    ],
    [
      'nothing to a model that does not reason',
      { reasoning: { effort: 'high' } },
      { model: 'claude-3-5-haiku-latest' },
      {},
      ['reasoning reasoning_effort hint'],
    ],
    [
      'nothing where the catalog says that it does not reason',
      { reasoning: { effort: 'low' } },
      { model: 'kimi', canReason: false },
      {},
      ['reasoning reasoning_effort hint'],
    ],
  ];
  for (const [what, fields, target, expected, losses] of efforts) {
    it(`gives ${what}`, () => {
      const encoded = ask(fields, target);
      const { thinking, output_config: config } = encoded.body;
      assert.deepEqual(
        { ...(thinking === undefined ? {} : { thinking }), ...(config === undefined ? {} : { output_config: config }) },
        expected,
      );
      assert.deepEqual(lost(encoded), losses);
    });
  }

  it('does not think before a forced call, nor in the middle of a loop that began without', () => {
    const tools: ChatRequest['tools'] = [{ kind: 'function', name: 'f' }];
    const forced = ask({ reasoning: { effort: 'low' }, tools, toolChoice: { kind: 'required' } });
    assert.equal(forced.body['thinking'], undefined);
    assert.deepEqual(forced.body['tool_choice'], { type: 'any' });
    assert.deepEqual(lost(forced), ['reasoning reasoning_effort hint']);
    const loop: readonly Message[] = [USER, { role: 'assistant', parts: [call('a')] }, result('a', '1')];
    assert.equal(ask({ reasoning: { effort: 'low' }, tools, messages: loop }).body['thinking'], undefined);
    assert.deepEqual(
      ask({ reasoning: { effort: 'low' }, tools, messages: loop }, { model: 'claude-opus-5' }).body['thinking'],
      { type: 'adaptive' },
    );
  });

  it('keeps sampling that the model takes, and names what it does not', () => {
    const sampling = { temperature: 1.5, topP: 0.9, topK: 5, seed: 1, frequencyPenalty: 0.5, presencePenalty: 0 };
    const old = ask({ sampling });
    assert.deepEqual([old.body['temperature'], old.body['top_p'], old.body['top_k']], [1, undefined, 5]);
    assert.deepEqual(lost(old), [
      'sampling seed hint',
      'sampling frequency_penalty hint',
      'sampling temperature hint',
      'sampling top_p hint',
    ]);
    const late = ask({ sampling: { temperature: 1, topP: 0.9 } }, { model: 'claude-opus-5' });
    assert.equal(late.body['temperature'], undefined);
    assert.deepEqual(lost(late), ['sampling top_p hint']);
    const thinking = ask({ sampling: { temperature: 0.2 }, reasoning: { effort: 'low' } });
    assert.equal(thinking.body['temperature'], undefined);
    assert.deepEqual(lost(thinking), ['sampling temperature hint']);
  });

  it('names in the caller’s words what the wire cannot say', () => {
    const encoded = ask({
      origin: 'gemini',
      n: 2,
      logprobs: { top: 3 },
      sampling: { logitBias: { '1': 5 } },
      modalities: ['TEXT', 'IMAGE'],
      stop: ['\n', 'END'],
      messages: [
        {
          role: 'user',
          parts: [
            {
              kind: 'audio',
              source: { by: 'base64', data: 'AA==', mediaType: 'audio/wav' },
              at: 'contents[0].parts[0]',
            },
            {
              kind: 'image',
              source: { by: 'base64', data: 'AA==', mediaType: 'image/tiff' },
              at: 'contents[0].parts[1]',
            },
            { kind: 'document', source: { by: 'file', id: 'files/1' }, at: 'contents[0].parts[2]' },
            { kind: 'text', text: 'hi' },
          ],
        },
      ],
    });
    assert.deepEqual(encoded.body['stop_sequences'], ['END']);
    assert.deepEqual(lost(encoded), [
      'media-kind contents[0].parts[0] meaning',
      'media-type contents[0].parts[1] meaning',
      'file-id contents[0].parts[2] meaning',
      'choices generationConfig.candidateCount meaning',
      'logprobs generationConfig.responseLogprobs meaning',
      'logit-bias logit_bias meaning',
      'modalities generationConfig.responseModalities meaning',
      'stop generationConfig.stopSequences meaning',
    ]);
  });

  it('reads text files as text, and keeps names as titles', () => {
    const data = Buffer.from('a,b\n1,2').toString('base64');
    const { body } = ask({
      messages: [
        {
          role: 'user',
          parts: [{ kind: 'document', source: { by: 'base64', data, mediaType: 'text/csv' }, name: 't.csv' }],
        },
      ],
    });
    assert.deepEqual(records(body['messages'])[0]?.['content'], [
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a,b\n1,2' }, title: 't.csv' },
    ]);
  });

  it('offers only the tools that may be called, and one by its name', () => {
    const tools: ChatRequest['tools'] = ['f', 'g', 'h'].map((name) => ({ kind: 'function', name }));
    const two = ask({ tools, toolChoice: { kind: 'required', only: ['f', 'g'] }, parallelToolCalls: false });
    assert.deepEqual(
      records(two.body['tools']).map((one) => one['name']),
      ['f', 'g'],
    );
    assert.deepEqual(two.body['tool_choice'], { type: 'any', disable_parallel_tool_use: true });
    assert.deepEqual(ask({ tools, toolChoice: { kind: 'required', only: ['f'] } }).body['tool_choice'], {
      type: 'tool',
      name: 'f',
    });
    assert.deepEqual(ask({ tools, toolChoice: { kind: 'none' }, parallelToolCalls: false }).body['tool_choice'], {
      type: 'none',
    });
    assert.deepEqual(ask({ tools, parallelToolCalls: false }).body['tool_choice'], {
      type: 'auto',
      disable_parallel_tool_use: true,
    });
    assert.equal(ask({ tools, parallelToolCalls: true }).body['tool_choice'], undefined);
    const free = ask({ tools, toolChoice: { kind: 'tool', name: 'f' } }, { model: 'claude-opus-5-5' });
    assert.deepEqual(free.body['tool_choice'], { type: 'auto' });
    assert.deepEqual(lost(free), ['tool-choice tool_choice meaning']);
  });

  it('asks for a schema in the form that compiles, and tells the rest in words', () => {
    const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1 } }, required: ['n'] };
    const encoded = ask({ format: { kind: 'json-schema', schema, name: 'x', strict: true } });
    assert.deepEqual(encoded.body['output_config'], {
      format: {
        type: 'json_schema',
        schema: {
          title: 'x',
          type: 'object',
          properties: { n: { type: 'integer', description: '{minimum: 1}' } },
          required: ['n'],
          additionalProperties: false,
        },
      },
    });
    assert.deepEqual(lost(encoded), ['schema response_format hint']);
    assert.deepEqual(lost(ask({ format: { kind: 'json-schema', schema } }, { model: 'claude-3-haiku-20240307' })), [
      'format response_format meaning',
    ]);
  });

  it('names a loss of meaning after any number of hints', () => {
    const named = (index: number): Message => ({ ...USER, name: 'n', at: `messages[${index}]` });
    const encoded = ask({ messages: Array.from({ length: 200 }, (_, index) => named(index)), n: 2 });
    assert.ok(encoded.losses.some((loss) => loss.code === 'choices' && loss.weight === 'meaning'));
  });

  it('asks in the system text for JSON where no schema is given', () => {
    const encoded = ask({ format: { kind: 'json' } });
    assert.match(asString(encoded.body['system']) ?? '', /one valid JSON object/);
    assert.deepEqual(lost(encoded), ['json-mode response_format hint']);
  });

  it('marks at most four places for the cache: the last', () => {
    const parts = Array.from({ length: 6 }, (_, index) => ({ kind: 'text' as const, text: `t${index}`, cache: {} }));
    const encoded = ask({ messages: [{ role: 'user', parts }] });
    const blocks = records(records(encoded.body['messages'])[0]?.['content']);
    assert.deepEqual(
      blocks.map((block) => block['cache_control'] !== undefined),
      [false, false, true, true, true, true],
    );
    assert.deepEqual(lost(encoded), ['cache-mark messages hint']);
  });

  it('keeps `strict` where the schema compiles, and drops it where it would be a 400', () => {
    const closed = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false };
    const open = { type: 'object', properties: { a: { type: 'string', minLength: 1 } } };
    const encoded = ask({
      tools: [
        { kind: 'function', name: 'f', parameters: closed, strict: true },
        { kind: 'function', name: 'g', parameters: open, strict: true, at: 'tools[1]' },
        { kind: 'function', name: 'h', strict: false },
      ],
    });
    assert.deepEqual(
      records(encoded.body['tools']).map((one) => one['strict']),
      [true, undefined, undefined],
    );
    assert.deepEqual(lost(encoded), ['tool-strict tools[1].function.strict hint']);
  });

  it('lists what belongs to the other protocol alone', () => {
    const encoded = ask({
      extras: [{ field: 'prediction', value: {}, weight: 'hint' }],
      tools: [{ kind: 'opaque', origin: 'openai-chat', name: 'web_search', value: {}, at: 'tools[0]' }],
    });
    assert.deepEqual(lost(encoded), ['unknown-field prediction hint', 'opaque tools[0] meaning']);
    assert.equal(encoded.body['tools'], undefined);
  });
});
