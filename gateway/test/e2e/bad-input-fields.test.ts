/** Fields that are not what they should be: rows B15 to B30 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  keyHeaders,
  PATHS,
  PROTOCOLS,
  refusalOf,
  seenUpstream,
  send,
  startRig,
  underWatch,
  unseenUpstream,
  type Answer,
  type Expected,
  type Protocol,
  type Rig,
  type Sending,
} from './bad-input.ts';
import { mutations, RICH } from './rich-requests.ts';

const MIB = 1024 * 1024;
/** A target of each protocol, to which a request of another one is translated. */
const MODELS = ['house/m', 'claude/m', 'gem/m'] as const;

let rig: Rig;

before(async () => {
  rig = await startRig();
});

after(async () => {
  await rig.close();
});

function patched(protocol: Protocol, patch: JsonRecord): JsonRecord {
  return { ...goodBody(protocol), ...patch };
}

/** One chat with a model of choice, which Gemini's clients write into the path. */
function chatWith(
  protocol: Protocol,
  model: string,
  patch: JsonRecord = {},
  more: Sending['headers'] = {},
): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...keyHeaders(protocol), ...more };
  if (protocol !== 'gemini')
    return send(rig, PATHS[protocol], { headers, body: JSON.stringify({ ...patched(protocol, patch), model }) });
  const path = `/v1beta/models/${encodeURIComponent(model)}:generateContent`;
  return send(rig, path, { headers, body: JSON.stringify(patched(protocol, patch)) });
}

type Refused = readonly (readonly [patch: JsonRecord, param: string | RegExp])[];

/** That each patch of a good body is refused with 400 naming the field, unseen by the upstream. */
async function refuses(
  protocol: Protocol,
  cases: Refused,
  expected: Omit<Expected, 'status' | 'param'> = {},
): Promise<void> {
  await unseenUpstream(rig, async () => {
    for (const [patch, param] of cases) {
      assertRefused(await chat(rig, protocol, patched(protocol, patch)), protocol, { status: 400, param, ...expected });
    }
  });
  await assertServes(rig, protocol);
}

/** That the upstream's own answer comes back, or the refusal that names a field: nothing else. */
function assertAnsweredOrRefused(answer: Answer, protocol: Protocol): void {
  if (answer.status === 200) assertAnswered(answer);
  else assertRefused(answer, protocol, { status: 400 });
}

/** A good request of four turns, with `last` as the fourth. */
function fourTurns(protocol: Protocol, last: JsonRecord): JsonRecord {
  if (protocol === 'gemini') {
    const turn = (role: string): JsonRecord => ({ role, parts: [{ text: 'x' }] });
    return { contents: [turn('user'), turn('model'), turn('user'), last] };
  }
  const turn = (role: string): JsonRecord => ({ role, content: 'x' });
  return { messages: [turn('user'), turn('assistant'), turn('user'), last] };
}

describe('the model', () => {
  it('B15 refuses models that are missing, empty, 10 KB long, of other types or with line breaks', async () => {
    for (const protocol of ['openai', 'anthropic'] as const) {
      const line = 'house/m\r\nx-evil: 1';
      const cases = [undefined, null, '', '  ', 'm'.repeat(10_240), line, 'house/m\u0000', 7, ['house/m'], { id: 'm' }];
      const values: readonly (Json | undefined)[] = cases;
      await refuses(
        protocol,
        values.map((model) => [{ model }, 'model'] as unknown as [JsonRecord, string]),
      );
    }
    await unseenUpstream(rig, async () => {
      for (const model of ['m'.repeat(10_240), ' ']) {
        assertRefused(await chatWith('gemini', model), 'gemini', { status: [400, 404] });
      }
      for (const path of [
        '/v1beta/models/:generateContent',
        '/v1beta/models/gem%2Fm%0d%0ax:generateContent',
        '/v1beta/models/gem%2Fm%00:generateContent',
      ]) {
        const answer = await send(rig, path, {
          headers: keyHeaders('gemini'),
          body: JSON.stringify(goodBody('gemini')),
        });
        assertRefused(answer, 'gemini', { status: 404 });
      }
    });
  });

  it('B15 answers names that lead nowhere with 404, whatever they look like', async () => {
    await unseenUpstream(rig, async () => {
      for (const protocol of PROTOCOLS) {
        for (const model of [
          '../../etc/passwd',
          'house/../../etc/passwd',
          'gem/../../admin',
          'gem/x?key=1',
          'gem/x#y',
          'gem/%2e%2e%2fx',
          'constructor',
          '__proto__',
          'house/__proto__/../x',
          'openai/',
          '/gpt',
          '模型',
          'house/模型',
          '\u202emodel',
        ]) {
          const answer = await chatWith(protocol, model);
          assertRefused(answer, protocol, { status: 404, code: 'model_unknown', param: 'model' });
          for (const [name, value] of Object.entries(answer.headers)) assert.match(value ?? '', /^[\x20-\x7e]*$/, name);
        }
      }
    });
  });

  it('B15 suggests names that are near', async () => {
    for (const protocol of PROTOCOLS) {
      assertRefused(await chatWith(protocol, 'cheep'), protocol, { status: 404, message: /Did you mean .*cheap/ });
    }
  });

  it('B15 sends a model that only its provider may know to that provider alone, with nothing but its name in the path', async () => {
    const before = rig.upstream.log.requests.length;
    assertAnswered(await chatWith('gemini', 'gem/tuned:v2@1'));
    const path = rig.upstream.log.requests[before]?.path ?? '';
    assert.match(path, /^\/gemini\/v1beta\/models\/[^/?#]+$/);
    assert.equal(decodeURIComponent(path), '/gemini/v1beta/models/tuned:v2@1:generateContent');
  });
});

describe('models that a key may not use', () => {
  let key: string;

  before(async () => {
    const made = await send(rig, '/admin/v1/keys', {
      headers: { 'content-type': 'application/json', ...keyHeaders('openai') },
      body: JSON.stringify({ name: 'narrow', models: ['house/m'] }),
    });
    assert.equal(made.status, 201, made.text);
    key = asString(asRecord(made.json)?.['key']) ?? '';
  });

  /** The text with the name of the model taken out. */
  function wording(answer: Answer, protocol: Protocol, model: string): string {
    return refusalOf(answer, protocol).message.replace(JSON.stringify(model), '…');
  }

  it('B16 says the same of a hidden model as of one that does not exist: 404 in the same words, by policy', async () => {
    await unseenUpstream(rig, async () => {
      for (const protocol of PROTOCOLS) {
        const words = new Set<string>();
        for (const model of [
          'house/dear',
          'dear',
          'claude/m',
          'gem/cheap',
          'house/nope',
          'deer',
          'claude/nope',
          'nope/nope',
        ]) {
          const answer = await chatWith(protocol, model, {}, keyHeaders(protocol, key));
          assertRefused(answer, protocol, { status: 404, code: 'model_unknown', param: 'model' });
          words.add(wording(answer, protocol, model));
        }
        assert.equal(words.size, 1, [...words].join('\n'));
      }
    });
    assertAnswered(await chatWith('openai', 'house/m', {}, keyHeaders('openai', key)));
  });

  it('B16 says the same of hidden and unknown fallbacks: 400, by policy', async () => {
    await unseenUpstream(rig, async () => {
      const words = new Set<string>();
      for (const model of ['house/dear', 'claude/m', 'house/nope', 'nope']) {
        const answer = await chatWith('openai', 'house/m', { models: [model] }, keyHeaders('openai', key));
        assertRefused(answer, 'openai', { status: 400, param: 'models[0]' });
        words.add(wording(answer, 'openai', model));
      }
      assert.equal(words.size, 1, [...words].join('\n'));
    });
  });

  it('B16 names no hidden model in lists, explanations, errors and records', async () => {
    const hidden = /dear|cheap|claude|gem\b|gem\//;
    const headers = { 'content-type': 'application/json', ...keyHeaders('openai', key) };
    for (const path of ['/v1/models', '/v1beta/models']) {
      const list = await send(rig, path, { method: 'GET', headers });
      assert.equal(list.status, 200);
      assert.match(list.text, /house\/m/);
      assert.doesNotMatch(list.text, hidden);
    }
    const one = await send(rig, '/v1/models/house%2Fdear', { method: 'GET', headers });
    assertRefused(one, 'openai', { status: 404, code: 'model_unknown' });
    for (const model of ['house/m', 'm', 'auto']) {
      const body = JSON.stringify({ ...goodBody('openai'), model });
      const explained = await send(rig, '/v1/explain', { headers, body });
      assert.doesNotMatch(explained.text, hidden, `explanation of ${model}`);
      const answer = await chatWith('openai', model, {}, keyHeaders('openai', key));
      const id = answer.headers['x-request-id'] ?? '';
      const record = await send(rig, `/v1/decisions/${id}`, { method: 'GET', headers });
      assert.doesNotMatch(record.text, hidden, `record of ${model}`);
    }
    for (const provider of [{ order: ['nope'] }, { only: ['claude'] }, { ignore: ['house'] }]) {
      const answer = await chatWith('openai', 'm', { provider }, keyHeaders('openai', key));
      assertRefused(answer, 'openai', { status: 400 });
      assert.doesNotMatch(refusalOf(answer, 'openai').message, /dear|cheap|claude\/|gem\//);
    }
  });
});

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

describe('pictures', () => {
  let listener: Server;
  let connections = 0;
  let port = 0;

  before(async () => {
    listener = createServer((socket) => {
      connections += 1;
      socket.end('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => {
      listener.listen(0, '::', resolve);
    });
    const address: AddressInfo | string | null = listener.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });

  after(() => {
    listener.close();
  });

  /** A body with a picture by its address. */
  function picture(protocol: Protocol, url: string): JsonRecord {
    switch (protocol) {
      case 'openai':
        return { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] };
      case 'anthropic':
        return { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }] };
      case 'gemini':
        return { contents: [{ role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri: url } }] }] };
    }
  }

  it('B23 never fetches a picture: its address is passed on as text, by policy', async () => {
    const addresses = [
      'http://169.254.169.254/latest/meta-data/',
      `http://127.0.0.1:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://0.0.0.0:${port}/`,
      `http://localhost:${port}/private`,
      `https://localhost:${port}/redirect`,
      'http://[::ffff:10.0.0.1]/',
    ];
    for (const protocol of PROTOCOLS) {
      const [sameDialect, ...others] = MODELS.toSorted((a) => (a === modelOf(protocol) ? -1 : 1));
      for (const url of addresses) {
        const before = rig.upstream.log.requests.length;
        assertAnswered(await chatWith(protocol, sameDialect ?? '', picture(protocol, url)));
        assert.ok(rig.upstream.log.requests[before]?.bodyText?.includes(url), `${protocol}: ${url} was changed`);
        for (const model of others)
          assertAnsweredOrRefused(await chatWith(protocol, model, picture(protocol, url)), protocol);
      }
    }
    assert.equal(connections, 0, 'a connection was opened for a picture');
  });

  it('B23 refuses addresses that no provider could fetch', async () => {
    const fields: Readonly<Record<Protocol, RegExp>> = {
      openai: /^messages\[0\]\.content/,
      anthropic: /^messages\[0\]\.content\[0\]\.source\.url/,
      gemini: /^contents\[0\]\.parts\[0\]\.fileData\.fileUri/,
    };
    const addresses = [
      'file:///etc/passwd',
      'gopher://localhost/',
      'ftp://localhost/x',
      'javascript:alert(1)',
      'FILE:///etc/passwd',
    ];
    for (const protocol of PROTOCOLS) {
      await refuses(
        protocol,
        addresses.map((url) => [picture(protocol, url), fields[protocol]] as const),
      );
    }
  });

  /** A body with a picture as base64. */
  function data(protocol: Protocol, type: string, base64: string): JsonRecord {
    switch (protocol) {
      case 'openai':
        return picture('openai', `data:${type};base64,${base64}`);
      case 'anthropic':
        return {
          messages: [
            { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: type, data: base64 } }] },
          ],
        };
      case 'gemini':
        return { contents: [{ role: 'user', parts: [{ inlineData: { mimeType: type, data: base64 } }] }] };
    }
  }

  it('B24 refuses pictures of 40 MB, of no base64 and of another type', async (test) => {
    const fields: Readonly<Record<Protocol, RegExp>> = {
      openai: /^messages\[0\]\.content/,
      anthropic: /^messages\[0\]\.content\[0\]\.source\./,
      gemini: /^contents\[0\]\.parts\[0\]\.inlineData/,
    };
    for (const protocol of PROTOCOLS) {
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const answer = await chat(
            rig,
            protocol,
            patched(protocol, data(protocol, 'image/png', 'A'.repeat(40_000_000))),
          );
          assertRefused(answer, protocol, { status: 413, code: 'body_too_big' });
        });
      });
      await refuses(protocol, [
        [data(protocol, 'image/png', 'not base64 at all!'), fields[protocol]],
        [data(protocol, 'image/png', ''), fields[protocol]],
        [data(protocol, 'nonsense', 'AAAA'), fields[protocol]],
      ]);
    }
    for (const protocol of ['openai', 'anthropic'] as const) {
      await refuses(protocol, [[data(protocol, 'text/html', 'AAAA'), fields[protocol]]]);
    }
  });

  it('B24 serves a picture of 20 MB, every byte of it, also in translation', async (test) => {
    const base64 = Buffer.alloc(15_000_000, 'picture').toString('base64');
    for (const [index, protocol] of PROTOCOLS.entries()) {
      for (const model of [modelOf(protocol), MODELS[(index + 1) % MODELS.length] ?? '']) {
        await underWatch(rig, test, async () => {
          const before = rig.upstream.log.requests.length;
          assertAnswered(await chatWith(protocol, model, data(protocol, 'image/png', base64)));
          assert.ok(rig.upstream.log.requests[before]?.bodyText?.includes(base64), `${protocol} to ${model}`);
        });
      }
    }
  });

  it('B25 refuses fields that would choose address, key or headers of the provider, and connects nowhere', async () => {
    const url = `http://127.0.0.1:${port}/v1`;
    for (const protocol of PROTOCOLS) {
      await refuses(protocol, [
        [{ api_base: url }, 'api_base'],
        [{ base_url: url }, 'base_url'],
        [{ api_key: 'sk-mine' }, 'api_key'],
        [{ custom_host: url }, 'custom_host'],
        [{ organization: 'org-x' }, 'organization'],
        [{ extra_headers: { authorization: 'Bearer x' } }, 'extra_headers'],
      ]);
    }
    assert.equal(connections, 0, 'a connection was opened to an address of the caller');
  });
});

function modelOf(protocol: Protocol): (typeof MODELS)[number] {
  return MODELS[PROTOCOLS.indexOf(protocol)] ?? 'house/m';
}

describe('names and wishes for the gateway', () => {
  it('B26 cuts out keys that differ from a known one by case alone: they never take effect', async () => {
    const variants: Readonly<Record<Protocol, JsonRecord>> = {
      openai: {
        Model: 'house/dear',
        MESSAGES: [{ role: 'user', content: 'evil' }],
        Stream: true,
        Max_Tokens: 1,
        N: 100,
        ſtream: true,
      },
      anthropic: { Model: 'claude/dear', MESSAGES: [{ role: 'user', content: 'evil' }], Stream: true, MAX_tokens: 1 },
      gemini: {
        Contents: [{ role: 'user', parts: [{ text: 'evil' }] }],
        GenerationConfig: { maxOutputTokens: 1 },
        Model: 'gem/dear',
      },
    };
    for (const protocol of PROTOCOLS) {
      const [seen] = await seenUpstream(rig, async () => {
        const answer = await chat(rig, protocol, { ...variants[protocol], ...goodBody(protocol) });
        assertAnswered(answer);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.equal(answer.headers['x-turnout-model'], 'm');
      });
      const known = Object.keys(goodBody(protocol));
      assert.deepEqual(Object.keys(seen ?? {}).toSorted(), known.toSorted());
      assert.doesNotMatch(JSON.stringify(seen), /evil|dear/);
    }
    await unseenUpstream(rig, async () => {
      const answer = await chat(rig, 'openai', { Model: 'house/m', messages: [{ role: 'user', content: 'hi' }] });
      assertRefused(answer, 'openai', { status: 400, code: 'field_missing', param: 'model' });
    });
  });

  it('B27 refuses fallbacks by the thousand and unknown ones, and folds duplicates and the model itself', async () => {
    for (const protocol of PROTOCOLS) {
      const own = modelOf(protocol);
      const names = Array.from({ length: 10_000 }, (_, index) => `house/m${index}`);
      await unseenUpstream(rig, async () => {
        const cases: readonly (readonly [Json, string | RegExp])[] = [
          [names, 'models'],
          [['house/cheap', 'no-such-model'], 'models[1]'],
          ['house/cheap', 'models'],
          [{ 0: 'house/cheap' }, 'models'],
          [[7], /^models/],
          [[''], /^models/],
          [['m'.repeat(10_240)], /^models/],
        ];
        for (const [models, param] of cases) {
          assertRefused(await chatWith(protocol, own, { models }), protocol, { status: 400, param });
        }
      });
      const answer = await chatWith(protocol, own, { models: ['house/cheap', 'house/cheap', own, 'house/cheap'] });
      assertAnswered(answer);
      const record = await send(rig, `/v1/decisions/${answer.headers['x-turnout-decision']}`, {
        method: 'GET',
        headers: keyHeaders('openai'),
      });
      const planned = asArray(asRecord(record.json)?.['plan']);
      assert.deepEqual(planned, [...new Set(planned)]);
      assert.equal(planned?.length, 2);
      for (const models of [[own], [own, own]]) {
        const [seen] = await seenUpstream(rig, async () => assertAnswered(await chatWith(protocol, own, { models })));
        assert.equal(seen?.['models'], undefined);
      }
      await assertServes(rig, protocol);
    }
  });

  it('B28 refuses wishes that leave no provider, and says why', async () => {
    for (const protocol of PROTOCOLS) {
      const own = modelOf(protocol).replace('/m', '');
      await refuses(protocol, [
        [{ provider: { order: ['nobody'] } }, 'provider.order[0]'],
        [{ provider: { order: [own, 'nobody'] } }, 'provider.order[1]'],
        [{ provider: { only: ['nobody'] } }, 'provider.only[0]'],
        [{ provider: { only: [] } }, 'provider.only'],
        [{ provider: { only: own } }, 'provider.only'],
        [{ provider: 'house' }, 'provider'],
        [{ provider: { max_price: { prompt: 'cheap' } } }, 'provider.max_price'],
      ]);
      await refuses(protocol, [[{ provider: { only: [own], ignore: [own] } }, 'provider']], {
        code: 'no_eligible',
        message: new RegExp(`${own}/m: in \`provider\\.ignore\``),
      });
      await refuses(protocol, [[{ provider: { ignore: [own] } }, 'provider']], {
        code: 'no_eligible',
        message: /provider\.ignore/,
      });
    }
  });

  it('B29 refuses metadata that is long, nested or oddly named', async () => {
    const fields: Readonly<Record<Protocol, string>> = { openai: 'metadata', anthropic: 'metadata', gemini: 'labels' };
    for (const protocol of PROTOCOLS) {
      const field = fields[protocol];
      const metadata: readonly Json[] = [
        { a: 'x'.repeat(MIB) },
        Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key_${index}`, 'x'.repeat(40)])),
        { a: { b: 'c' } },
        { a: ['b'] },
        'text',
        ['list'],
        { ['k'.repeat(1000)]: 'x' },
      ];
      await refuses(
        protocol,
        metadata.map((value) => [{ [field]: value }, new RegExp(`^${field}`)] as const),
      );
    }
    for (const protocol of ['openai', 'anthropic'] as const) {
      await refuses(protocol, [
        [{ metadata: { 'a.b': 'x' } }, 'metadata'],
        [{ metadata: { 'a"} 1\n': 'x' } }, 'metadata'],
      ]);
    }
    for (const protocol of PROTOCOLS) {
      await unseenUpstream(rig, async () => {
        const body = JSON.stringify(patched(protocol, { [fields[protocol]]: { x: 'y' } })).replace(
          '"x":',
          '"__proto__":',
        );
        assertRefused(await chat(rig, protocol, body), protocol, { status: 400, code: 'forbidden_key' });
      });
    }
  });

  it('B29 keeps the number of metric series, whatever callers write', async () => {
    const series = async (): Promise<readonly string[]> => {
      const { text } = await send(rig, '/metrics', { method: 'GET' });
      for (const line of text.trim().split('\n'))
        assert.match(line, /^(# (HELP|TYPE) .*|\w+(\{[^{}]*\})? [0-9.e+-]+)$/);
      return text.match(/^\w+(\{.*\})?(?= )/gm) ?? [];
    };
    await chatWith('openai', 'house/first', { metadata: { label: 'first' } });
    await series();
    const before = await series();
    for (let index = 0; index < 40; index += 1) {
      const odd = `x${index}"} 1\\`;
      await chatWith('openai', `house/new-${index}`, {
        metadata: { [`label_${index}`]: odd },
        user: odd,
        turnout: { tags: [odd] },
      });
      await chatWith('anthropic', `claude/new-${index}`, { metadata: { user_id: odd } });
    }
    const grown = (await series()).filter((name) => !before.includes(name));
    assert.deepEqual(grown, []);
  });

  it('B30 passes a user of 10 KB with terminal codes on, and shows it in no log and no record', async () => {
    const user = '\u001b[31mred\u001b]0;title\u0007\r\n\u009b2J\u202e'.repeat(400);
    assert.ok(Buffer.byteLength(user) > 10_000);
    const [seen] = await seenUpstream(rig, async () => {
      const answer = await chat(rig, 'openai', patched('openai', { user, turnout: { tags: ['red'] } }));
      assertAnswered(answer);
      const id = answer.headers['x-turnout-decision'] ?? '';
      const record = await send(rig, `/v1/decisions/${id}`, { method: 'GET', headers: keyHeaders('openai') });
      assert.equal(record.status, 200);
      assert.doesNotMatch(record.text, /title/);
    });
    assert.equal(seen?.['user'], user);
    await refuses('openai', [
      [{ user: 'x'.repeat(20_000) }, 'user'],
      [{ user: { id: 1 } }, 'user'],
    ]);
    await refuses('anthropic', [
      [{ metadata: { user_id: user } }, 'metadata'],
      [{ metadata: { user_id: { id: 1 } } }, /^metadata/],
    ]);
    assert.doesNotMatch(rig.gateway.output(), /[^\P{Cc}\n]/u, 'control characters in the log');
  });

  it('B30 refuses names with terminal codes, and repeats them in no error as they are', async () => {
    for (const odd of ['\u001b[31mred', '\u009b2Jgone', '\u202eder', 'x\u2028y', 'x\u0000']) {
      await refuses('openai', [
        [{ turnout: { tags: [odd] } }, 'turnout.tags[0]'],
        [{ models: [odd] }, /^models/],
        [{ provider: { order: [odd] } }, 'provider.order[0]'],
      ]);
      for (const protocol of PROTOCOLS) {
        const answer = await chatWith(protocol, `house/${odd}`);
        assertRefused(answer, protocol, { status: [400, 404] });
        assert.doesNotMatch(answer.text, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }
      const key = JSON.stringify(odd);
      const doubled = await chat(rig, 'openai', `{${key}:1,${key}:2}`);
      assertRefused(doubled, 'openai', { status: 400, code: 'duplicate_key' });
      assert.doesNotMatch(doubled.text, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }
  });
});
