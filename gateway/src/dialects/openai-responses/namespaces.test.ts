import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../../chat/collect.ts';
import type { ChatResponse } from '../../chat/reply.ts';
import { isRecord, type JsonRecord } from '../../lib/json.ts';
import { gateDialects } from '../index.ts';
import type { EncodeContext } from '../dialect.ts';
import { openaiResponses } from '../openai-responses.ts';
import { joinedName } from './namespaces.ts';

const SCHEMA = { type: 'object', properties: { id: { type: 'string' } } };
const CLOSE = { type: 'function', name: 'close', description: 'Closes.', strict: false, parameters: SCHEMA };
const BODY: JsonRecord = {
  model: 'm',
  input: [
    { type: 'message', role: 'user', content: 'Close it.' },
    { type: 'function_call', call_id: 'c1', name: 'close', namespace: 'agents', arguments: '{"id":"7"}' },
    { type: 'function_call_output', call_id: 'c1', output: 'closed' },
  ],
  tools: [
    { type: 'function', name: 'run', parameters: SCHEMA },
    { type: 'namespace', name: 'agents', description: 'Agents.', tools: [CLOSE, { ...CLOSE, name: 'open' }] },
    { type: 'function', name: 'look', parameters: SCHEMA },
  ],
};
const CONTEXT: EncodeContext = { requestId: 'r1', model: 'm', nowS: 1, wantsStreamUsage: true, request: BODY };

describe('namespaces of tools', () => {
  it('come back as they were in their own wire', () => {
    const decoded = openaiResponses.decodeRequest(BODY, {});
    assert.ok(decoded.ok);
    const { body, losses } = openaiResponses.encodeRequest(decoded.value, { model: 'm' });
    assert.deepEqual({ body, losses }, { body: BODY, losses: [] });
  });

  for (const to of ['openai-chat', 'anthropic-messages', 'gemini', 'bedrock-converse', 'cohere', 'ollama'] as const) {
    it(`are flattened for ${to}, and only their description is lost`, () => {
      const decoded = openaiResponses.decodeRequest(BODY, {});
      assert.ok(decoded.ok);
      const { body, losses } = gateDialects[to].encodeRequest(decoded.value, { model: 'gemini-2.5-flash' });
      const text = JSON.stringify(body);
      for (const name of ['run', 'agents__close', 'agents__open', 'look']) assert.ok(text.includes(`"${name}"`), name);
      assert.ok(!text.includes('"close"'), 'the call of the earlier turn has the joined name too');
      assert.deepEqual(
        losses.filter(({ weight }) => weight === 'meaning'),
        [],
      );
      assert.ok(losses.some(({ field, weight }) => field === 'tools[1].description' && weight === 'hint'));
      assert.ok(!losses.some(({ field }) => field.endsWith('.namespace')));
    });
  }

  it('are told to the caller in its own two names, whole and streamed', () => {
    const reply: ChatResponse = {
      origin: 'anthropic-messages',
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'tool-call', id: 'c1', name: 'agents__close', arguments: '{}' },
            { kind: 'tool-call', id: 'c2', name: 'run', arguments: '{}' },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
    };
    const names = (items: unknown): unknown =>
      (items as readonly JsonRecord[]).filter(isRecord).map(({ name, namespace }) => [namespace, name]);
    const expected = [
      ['agents', 'close'],
      [undefined, 'run'],
    ];
    assert.deepEqual(names(openaiResponses.encodeResponse(reply, CONTEXT).body['output']), expected);
    const encoder = openaiResponses.encoder(CONTEXT);
    const text =
      replay(reply)
        .map((event) => encoder.push(event))
        .join('') + encoder.end();
    const decoder = openaiResponses.decoder('p');
    const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], 'openai-responses');
    assert.deepEqual(
      again.choices[0]?.parts.map((part) => part.kind === 'tool-call' && [part.extra?.['namespace'], part.name]),
      expected,
    );
  });

  it('make names that every protocol takes', () => {
    assert.equal(joinedName('multi_agent_v1', 'close_agent'), 'multi_agent_v1__close_agent');
    for (const [group, name] of [
      ['g'.repeat(60), 'n'.repeat(60)],
      ['a.b', 'c d'],
    ] as const)
      assert.match(joinedName(group, name), /^[\w-]{1,64}$/);
    assert.notEqual(joinedName('a.b', 'c'), joinedName('a_b', 'c'));
  });

  it('stay whole where they hold what no other protocol has', () => {
    const tools = [{ type: 'namespace', name: 'x', tools: [{ type: 'custom', name: 'patch' }] }];
    const decoded = openaiResponses.decodeRequest({ ...BODY, tools }, {});
    assert.ok(decoded.ok);
    assert.deepEqual(openaiResponses.encodeRequest(decoded.value, { model: 'm' }).body['tools'], tools);
    const { losses } = gateDialects.gemini.encodeRequest(decoded.value, { model: 'gemini-2.5-flash' });
    assert.ok(losses.some(({ field, weight }) => field === 'tools[0]' && weight === 'meaning'));
  });
});
