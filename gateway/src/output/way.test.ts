import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatRequest } from '../chat/request.ts';
import type { Ability } from '../dialects/dialect.ts';
import { gateDialects } from '../dialects/index.ts';
import { asRecord } from '../lib/json.ts';
import { callsFor, shaped, type Wishes } from './way.ts';

const dialects = Object.values(gateDialects);
const SCHEMA = { type: 'object', properties: { a: { type: 'integer' } } };
const REQUEST: ChatRequest = {
  origin: 'openai-chat',
  model: 'm',
  messages: [
    { role: 'system', parts: [{ kind: 'text', text: 'Be short.' }] },
    { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] },
  ],
  sampling: {},
  format: { kind: 'json-schema', schema: SCHEMA, name: 'thing' },
  isStreaming: false,
  extras: [],
};
const WISHES: Wishes = { validate: 'emulated' };

interface Case {
  readonly dialect?: (typeof dialects)[number]['id'];
  readonly model?: string;
  readonly abilities?: readonly Ability[];
  readonly request?: Partial<ChatRequest>;
}

function wayOf({ dialect = 'openai-chat', model = 'm', abilities, request }: Case): string {
  const found = dialects.find(({ id }) => id === dialect);
  assert.ok(found !== undefined);
  const known = abilities === undefined ? undefined : new Set(abilities);
  const { reshaping } = shaped(
    { ...REQUEST, ...request },
    { dialect: found, target: { model }, abilities: known },
    WISHES,
  );
  return reshaping?.format?.way ?? 'native';
}

describe('the way of a schema to a target', () => {
  it('is its own field, where the wire has one and the model is not known to lack it', () => {
    assert.equal(wayOf({}), 'native');
    assert.equal(wayOf({ abilities: ['json-schema'] }), 'native');
    assert.equal(wayOf({ dialect: 'gemini' }), 'native');
    assert.equal(wayOf({ dialect: 'anthropic-messages', model: 'claude-sonnet-4-5' }), 'native');
  });

  it('is a tool, where there can be one', () => {
    assert.equal(wayOf({ abilities: ['tools'] }), 'tool');
    assert.equal(wayOf({ dialect: 'anthropic-messages', model: 'claude-3-haiku' }), 'tool');
    assert.equal(wayOf({ dialect: 'bedrock-converse', model: 'eu.amazon.nova-lite-v1:0' }), 'tool');
  });

  it('is words elsewhere: no tools, tools of the caller, no object, no demand, thinking', () => {
    const tool = { kind: 'function', name: 'f' } as const;
    const thinking = { reasoning: { effort: 'high' }, maxOutputTokens: 8000 } as const;
    assert.equal(wayOf({ abilities: [] }), 'instruction');
    assert.equal(wayOf({ abilities: ['tools'], request: { tools: [tool] } }), 'instruction');
    const list = { kind: 'json-schema', schema: { type: 'array' } } as const;
    assert.equal(wayOf({ abilities: ['tools'], request: { format: list } }), 'instruction');
    assert.equal(wayOf({ dialect: 'ollama', abilities: ['tools'] }), 'instruction');
    assert.equal(wayOf({ abilities: ['tools', 'reasoning'] }), 'instruction');
    assert.equal(wayOf({ abilities: ['tools', 'reasoning'], request: { reasoning: { effort: 'none' } } }), 'tool');
    assert.equal(wayOf({ dialect: 'bedrock-invoke', model: 'amazon.titan-text-express-v1' }), 'instruction');
    const claude = {
      dialect: 'anthropic-messages',
      model: 'claude-3-7-sonnet',
      abilities: ['tools', 'reasoning'],
    } as const;
    assert.equal(wayOf(claude), 'tool');
    assert.equal(wayOf({ ...claude, request: thinking }), 'instruction');
  });

  it('is words for JSON of any kind where the wire lets go of it beside tools', () => {
    const { encoded, reshaping } = sentTo('cohere', {
      format: { kind: 'json' },
      tools: [{ kind: 'function', name: 'f' }],
    });
    assert.equal(reshaping?.format?.way, 'instruction');
    assert.match(JSON.stringify(encoded.body['messages']), /JSON object/);
    assert.deepEqual(
      encoded.losses.map(({ code, field, weight }) => [code, field, weight]),
      [['format', 'response_format', 'hint']],
    );
  });
});

function sentTo(id: (typeof dialects)[number]['id'], request: Partial<ChatRequest>, wishes: Wishes = WISHES) {
  const dialect = dialects.find((one) => one.id === id);
  assert.ok(dialect !== undefined);
  return shaped({ ...REQUEST, ...request }, { dialect, target: { model: 'm' }, abilities: new Set() }, wishes);
}

describe('a request in words', () => {
  it('stands behind the system texts, and is named', () => {
    const { encoded } = sentTo('openai-chat', {});
    assert.deepEqual(asRecord(encoded.body)?.['response_format'], undefined);
    const [first, second, third] = JSON.stringify(encoded.body['messages']).match(/"role":"\w+"/g) ?? [];
    assert.deepEqual([first, second, third], ['"role":"system"', '"role":"system"', '"role":"user"']);
    assert.match(JSON.stringify(encoded.body['messages']), /JSON Schema:.*\\"title\\":\\"thing\\"/);
    assert.deepEqual(
      encoded.losses.map(({ code, field, weight }) => [code, field, weight]),
      [['format', 'response_format', 'hint']],
    );
  });

  it('is followed by the answer that was not valid, and what is wrong with it', () => {
    const repair = { answer: '{"a":"x"}', reason: '`$.a` must be of type integer' };
    const body = JSON.stringify(sentTo('gemini', {}, { ...WISHES, repair }).encoded.body);
    assert.match(
      body,
      /"role":"model".*a.*x.*"role":"user".*That answer is not valid: `\$\.a` must be of type integer\./,
    );
  });
});

describe('choices', () => {
  it('are calls where the wire gives one, each with a seed of its own', () => {
    const { more = [], encoded } = sentTo('cohere', { n: 3, sampling: { seed: 5 } });
    assert.deepEqual(
      [encoded.body, ...more].map((body) => body['seed']),
      [5, 6, 7],
    );
    assert.equal(sentTo('gemini', { n: 3 }).more, undefined);
  });

  it('are counted for the budget as they are made', () => {
    const counts = dialects.map((dialect) => [dialect.id, callsFor(dialect, 3)]);
    for (const [id, count] of counts) assert.equal(count, id === 'openai-chat' || id === 'gemini' ? 1 : 3, String(id));
    assert.ok(dialects.every((dialect) => callsFor(dialect, 1) === 1));
  });
});
