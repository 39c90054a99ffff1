/** Messages, tools and options that are not what they should be: rows B17 to B22 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  PROTOCOLS,
  refusalOf,
  underWatch,
  rigHere,
  type Protocol,
} from './bad-input.ts';
import { assertAnsweredOrRefused, modelOf, MODELS, patched, patchesTo } from './odd-fields.ts';
import { mutations, RICH } from './rich-requests.ts';

const MIB = 1024 * 1024;

const rig = rigHere();
const { chatWith, refuses } = patchesTo(rig);

/** A good request of four turns, with `last` as the fourth. */
function fourTurns(protocol: Protocol, last: JsonRecord): JsonRecord {
  if (protocol === 'gemini') {
    const turn = (role: string): JsonRecord => ({ role, parts: [{ text: 'x' }] });
    return { contents: [turn('user'), turn('model'), turn('user'), last] };
  }
  const turn = (role: string): JsonRecord => ({ role, content: 'x' });
  return { messages: [turn('user'), turn('assistant'), turn('user'), last] };
}

describe('messages', () => {
  it('B17 refuses messages that are missing, empty, an object or a string', async () => {
    for (const protocol of PROTOCOLS) {
      const field = protocol === 'gemini' ? 'contents' : 'messages';
      const wrong: readonly (Json | undefined)[] = [undefined, null, [], {}, 'hi', 7];
      await refuses(
        protocol,
        wrong.map((value) => [{ [field]: value ?? null }, new RegExp(`^${field}`)] as const),
      );
      const { [field]: _, ...without } = goodBody(protocol);
      assertRefused(await chat(rig, protocol, without), protocol, { status: 400, code: 'field_missing', param: field });
    }
  });

  it('B18 names the message whose role or content is wrong', async () => {
    for (const protocol of ['openai', 'anthropic'] as const) {
      const content: readonly Json[] = [
        null,
        7,
        true,
        {},
        [],
        [7],
        [{}],
        [{ type: 'hologram', data: 'x' }],
        [{ type: 'constructor' }],
        [{ type: '__proto__' }],
        [{ type: 'text' }],
        [{ type: 'text', text: 7 }],
      ];
      const cases = content.map(
        (value) => [fourTurns(protocol, { role: 'user', content: value }), /^messages\[3\]\.content/] as const,
      );
      await refuses(protocol, [
        ...cases,
        [fourTurns(protocol, { role: 'user' }), 'messages[3].content'],
        [fourTurns(protocol, { role: 'king', content: 'x' }), 'messages[3].role'],
        [fourTurns(protocol, { content: 'x' }), 'messages[3].role'],
        [fourTurns(protocol, { role: ['user'], content: 'x' }), 'messages[3].role'],
        [{ messages: [goodBody('openai')['messages'] ?? null, 'hi'] }, /^messages\[0\]/],
      ]);
    }
    const parts: readonly Json[] = [7, 'x', [], [7], [{}], [{ hologram: 'x' }], [{ text: 7 }]];
    await refuses('gemini', [
      ...parts.map((value) => [fourTurns('gemini', { role: 'user', parts: value }), /^contents\[3\]\.parts/] as const),
      [fourTurns('gemini', { role: 'user' }), /^contents\[3\]\.parts/],
      [fourTurns('gemini', { role: 'king', parts: [{ text: 'x' }] }), 'contents[3].role'],
      [{ contents: ['hi'] }, 'contents[0]'],
    ]);
  });

  const call = (id: string, args: string): JsonRecord => ({
    id,
    type: 'function',
    function: { name: 'f', arguments: args },
  });
  const use = (id: Json, input: Json): JsonRecord => ({ type: 'tool_use', id, name: 'f', input });
  const result = (id: string): JsonRecord => ({ type: 'tool_result', tool_use_id: id, content: 'x' });
  const turn = (role: string, ...parts: JsonRecord[]): JsonRecord => ({ role, parts });
  const user = { role: 'user', content: 'hi' };
  /** Tools that do not fit together, by protocol. */
  const oddTools: Readonly<Record<Protocol, readonly JsonRecord[]>> = {
    openai: [
      { messages: [user, { role: 'tool', tool_call_id: 'nobody', content: 'x' }] },
      { messages: [user, { role: 'tool', content: 'x' }] },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [call('a', '{}'), call('a', '{}')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
        ],
      },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [call('a', '{"x":')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
        ],
      },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [call('a', '')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
        ],
      },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [call('a', '[1]')] },
          { role: 'tool', tool_call_id: 'a', content: 'x' },
        ],
      },
      { messages: [user, { role: 'assistant', tool_calls: [call('a', '"text"')] }] },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }] },
        ],
      },
      {
        messages: [
          user,
          { role: 'assistant', tool_calls: [{ id: 7, type: 'function', function: { name: 'f', arguments: '{}' } }] },
        ],
      },
    ],
    anthropic: [
      { messages: [{ role: 'user', content: [result('nobody')] }] },
      {
        messages: [
          user,
          { role: 'assistant', content: [use('a', {}), use('a', {})] },
          { role: 'user', content: [result('a')] },
        ],
      },
      {
        messages: [user, { role: 'assistant', content: [use('a', '{"x":')] }, { role: 'user', content: [result('a')] }],
      },
      { messages: [user, { role: 'assistant', content: [use(7, {})] }] },
      { messages: [user, { role: 'assistant', content: [use('a', {})] }, user] },
    ],
    gemini: [
      { contents: [turn('user', { functionResponse: { name: 'f', response: {} } })] },
      {
        contents: [
          turn('user', { text: 'hi' }),
          turn(
            'model',
            { functionCall: { name: 'f', id: 'a', args: {} } },
            { functionCall: { name: 'f', id: 'a', args: {} } },
          ),
          turn('user', { functionResponse: { name: 'f', id: 'a', response: {} } }),
        ],
      },
      { contents: [turn('user', { text: 'hi' }), turn('model', { functionCall: { name: 'f', args: '{"x":' } })] },
      { contents: [turn('user', { text: 'hi' }), turn('model', { functionCall: { name: 7 } })] },
    ],
  };

  it('B19 passes tools that do not fit together on, or refuses them, also in translation', async () => {
    for (const protocol of PROTOCOLS) {
      for (const patch of oddTools[protocol]) {
        for (const model of MODELS) {
          const answer = await chatWith(protocol, model, patch);
          assertAnsweredOrRefused(answer, protocol);
        }
      }
      await assertServes(rig, protocol);
    }
  });
});

describe('options', () => {
  const stops = Array.from({ length: 100 }, (_, index) => `stop ${index}`);

  it('B20 refuses numbers out of their range or of another type, naming the field', async () => {
    await refuses('openai', [
      ...[-1, 99, 'hot', true].map((value) => [{ temperature: value }, 'temperature'] as const),
      ...[2, -0.1, '1'].map((value) => [{ top_p: value }, 'top_p'] as const),
      ...[0, 10_000, 1.5, '2'].map((value) => [{ n: value }, 'n'] as const),
      ...[stops, 7, [7]].map((value) => [{ stop: value }, 'stop'] as const),
      ...[0, -1, 2 ** 31, 1.5, '9'].map((value) => [{ max_tokens: value }, 'max_tokens'] as const),
      ...[0, -1, 2 ** 31, 1.5, '9'].map(
        (value) => [{ max_completion_tokens: value }, 'max_completion_tokens'] as const,
      ),
      [{ presence_penalty: 9 }, 'presence_penalty'],
      [{ top_logprobs: 1000 }, 'top_logprobs'],
    ]);
    await refuses('anthropic', [
      ...[-1, 99, 'hot', true].map((value) => [{ temperature: value }, 'temperature'] as const),
      ...[2, -0.1, '1'].map((value) => [{ top_p: value }, 'top_p'] as const),
      ...[stops, 'x', [7]].map((value) => [{ stop_sequences: value }, /^stop_sequences/] as const),
      ...[0, -1, 2 ** 31, 1.5, '9', null].map((value) => [{ max_tokens: value }, 'max_tokens'] as const),
      [{ top_k: -1 }, 'top_k'],
    ]);
    const config = (name: string, value: Json): readonly [JsonRecord, string] => [
      { generationConfig: { [name]: value } },
      `generationConfig.${name}`,
    ];
    await refuses('gemini', [
      ...[-1, 99, 'hot', true].map((value) => config('temperature', value)),
      ...[2, -0.1].map((value) => config('topP', value)),
      ...[0, 10_000, 1.5].map((value) => config('candidateCount', value)),
      ...[stops, [7]].map((value) => config('stopSequences', value)),
      ...[0, -1, 2 ** 31, 1.5].map((value) => config('maxOutputTokens', value)),
    ]);
  });

  it('B21 refuses a stream that is no boolean, and options of a stream that is none (Gemini says it in the path)', async () => {
    for (const protocol of ['openai', 'anthropic'] as const) {
      await refuses(
        protocol,
        ['true', 'false', 1, 0, {}, []].map((stream) => [{ stream }, 'stream'] as const),
      );
      for (const stream of [null, false]) {
        const answer = await chat(rig, protocol, patched(protocol, { stream }));
        assertAnswered(answer);
        assert.equal(answer.headers['content-type'], 'application/json');
      }
    }
    await refuses('openai', [
      [{ stream_options: { include_usage: true } }, 'stream_options'],
      [{ stream_options: { include_usage: true }, stream: false }, 'stream_options'],
      [{ stream_options: 'yes', stream: true }, 'stream_options'],
    ]);
  });

  /** The wish for a reply that follows a schema. */
  function schemaPatch(protocol: Protocol, schema: Json): JsonRecord {
    switch (protocol) {
      case 'openai':
        return { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } };
      case 'anthropic':
        return { output_config: { format: { type: 'json_schema', schema } } };
      case 'gemini':
        return { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema } };
    }
  }

  it('B22 refuses a schema of 2 MiB and one that is no object, naming the field', async (test) => {
    const fields: Readonly<Record<Protocol, RegExp>> = {
      openai: /^response_format/,
      anthropic: /^output_config\.format/,
      gemini: /^generationConfig\.responseJsonSchema/,
    };
    const long = { type: 'object', description: 'x'.repeat(2 * MIB) };
    const wide = {
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 40_000 }, (_, index) => [`property_${index}_${'x'.repeat(40)}`, {}]),
      ),
    };
    await underWatch(rig, test, async () => {
      for (const protocol of PROTOCOLS) {
        const cases: readonly Json[] = [long, wide, 'object', 7, []];
        await refuses(
          protocol,
          cases.map((schema) => [schemaPatch(protocol, schema), fields[protocol]] as const),
        );
      }
    });
  });

  it('B22 passes recursive and invalid schemas on, or refuses them, also in translation', async () => {
    const recursive = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    };
    const endless = { $ref: '#' };
    const invalid = { type: 'nonsense', properties: 7, required: 'x', enum: {} };
    for (const protocol of PROTOCOLS) {
      for (const schema of [recursive, endless, invalid, { $ref: '#/$defs/missing' }]) {
        for (const model of MODELS)
          assertAnsweredOrRefused(await chatWith(protocol, model, schemaPatch(protocol, schema)), protocol);
      }
      await assertServes(rig, protocol);
    }
  });
});

describe('any field', () => {
  it('B18 to B22 answers a rich request with 200 or 400, whatever stands in one of its places, also in translation', async (test) => {
    let count = 0;
    for (const [index, protocol] of PROTOCOLS.entries()) {
      for (const model of [modelOf(protocol), MODELS[(index + 1) % MODELS.length] ?? '']) {
        const plain = await chatWith(protocol, model, RICH[protocol], { 'x-turnout-adapt': 'true' });
        assert.equal(plain.status, 200, plain.text);
        for (const leaf of ['constructor', 7, null, [null], {}]) {
          const answered = [...mutations(RICH[protocol], leaf)].map(async ([where, mutant]) => {
            const answer = await chatWith(protocol, model, mutant, { 'x-turnout-adapt': 'true' });
            const shown = `${protocol} to ${model}, ${where}: ${JSON.stringify(leaf)}: ${answer.text.slice(0, 200)}`;
            assert.ok(answer.status === 200 || answer.status === 400, shown);
            if (answer.status === 400) refusalOf(answer, protocol);
          });
          await Promise.all(answered);
          count += answered.length;
        }
      }
    }
    test.diagnostic(`${count} requests`);
    for (const protocol of PROTOCOLS) await assertServes(rig, protocol);
  });
});
