/** Bodies that are not what they should be: rows B01 to B09, B13 and B14 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  keyHeaders,
  PATHS,
  PROTOCOLS,
  raw,
  refusalOf,
  seenUpstream,
  send,
  rigHere,
  underWatch,
  unseenUpstream,
  type Expected,
  type Protocol,
} from './bad-input.ts';

const MIB = 1024 * 1024;
const BODY_MAX_BYTES = 32 * MIB;

const rig = rigHere();

/** A good body of the protocol as text, with `insert` as its first members. */
function withMembers(protocol: Protocol, insert: string): string {
  return `{${insert},${JSON.stringify(goodBody(protocol)).slice(1)}`;
}

/** A good body of the protocol with its one user text replaced by `text`, which is JSON as it stands. */
function withText(protocol: Protocol, text: string): string {
  return JSON.stringify(goodBody(protocol)).replace('"hi"', text);
}

type Refused = readonly (readonly [body: string | Buffer, expected: Expected])[];

/** That each body is refused in each protocol, unseen by the upstream, and that a good request is served after it. */
async function refusesAll(cases: Refused): Promise<void> {
  for (const protocol of PROTOCOLS) await refuses(protocol, cases);
}

/** The same for bodies that cost something: each protocol under watch. */
async function refusesAllUnderWatch(test: TestContext, cases: Refused): Promise<void> {
  for (const protocol of PROTOCOLS) await underWatch(rig, test, () => refuses(protocol, cases));
}

async function refuses(protocol: Protocol, cases: Refused): Promise<void> {
  await unseenUpstream(rig, async () => {
    for (const [body, expected] of cases) assertRefused(await chat(rig, protocol, body), protocol, expected);
  });
  await assertServes(rig, protocol);
}

describe('bodies that are no JSON object', () => {
  it('B01 refuses an empty body, spaces, null, a list, a string and a number', async () => {
    await refusesAll([
      ['', { status: 400, code: 'body_empty' }],
      [' \n\t ', { status: 400, code: 'body_empty' }],
      ['null', { status: 400, code: 'body_not_object', message: /not null/ }],
      ['[]', { status: 400, code: 'body_not_object', message: /not an array/ }],
      ['"x"', { status: 400, code: 'body_not_object', message: /not a string/ }],
      ['1', { status: 400, code: 'body_not_object', message: /not a number/ }],
    ]);
  });

  it('B02 refuses broken JSON and says where it breaks', async () => {
    const at = (place: string): Expected => ({ status: 400, code: 'body_not_json', message: new RegExp(place) });
    await refusesAll([
      ['{"model":"house/m","messages":[{"role":"user","con', at('line 1, column 51')],
      ['{"model":"house/m",\n"messages":[],}', at('line 2, column 15')],
      ['{"temperature":NaN}', at('line 1, column 16')],
      ["{'model':'m'}", at('line 1, column 2')],
      ['{"model":"m"/* why */}', at('line 1, column 13')],
      ['{"model":"m"}}', at('line 1, column 14')],
    ]);
  });
});

describe('bodies in other encodings', () => {
  it('B03 takes a byte-order mark away, and sends on the rest', async () => {
    for (const protocol of PROTOCOLS) {
      const text = JSON.stringify(goodBody(protocol));
      const before = rig.upstream.log.requests.length;
      assertAnswered(await chat(rig, protocol, `\ufeff${text}`));
      assert.match(rig.upstream.log.requests[before]?.bodyText ?? '', /^\{/);
    }
  });

  it('B03 refuses UTF-16 and broken UTF-8', async () => {
    const text = JSON.stringify(goodBody('openai'));
    const utf16: Expected = { status: 400, code: 'body_not_utf8', message: /UTF-16/ };
    const broken: Expected = { status: 400, code: 'body_not_utf8', message: /offset 44 / };
    const bytes = (...of: number[]): Buffer =>
      Buffer.concat([Buffer.from(text.slice(0, 44)), Buffer.from(of), Buffer.from(text.slice(44))]);
    await refusesAll([
      [Buffer.from(`\ufeff${text}`, 'utf16le'), utf16],
      [Buffer.from(text, 'utf16le'), utf16],
      [Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), utf16],
      [Buffer.from(text, 'utf16le').swap16(), utf16],
      [bytes(0xff), broken],
      [bytes(0xc3, 0x28), broken],
      // A surrogate, which UTF-8 has no form for, an overlong slash, and a character cut short.
      [bytes(0xed, 0xa0, 0x80), broken],
      [bytes(0xc0, 0xaf), broken],
      [bytes(0xf0, 0x9f, 0x98), broken],
    ]);
  });

  it('B03 accepts a lone surrogate written as an escape, and changes it on no way', async () => {
    for (const protocol of PROTOCOLS) {
      const before = rig.upstream.log.requests.length;
      assertAnswered(await chat(rig, protocol, withText(protocol, '"a\\ud800b"')));
      assert.match(rig.upstream.log.requests[before]?.bodyText ?? '', /"a\\ud800b"/);
    }
    for (const model of ['claude/m', 'gem/m']) {
      const before = rig.upstream.log.requests.length;
      assertAnswered(await chat(rig, 'openai', withText('openai', '"a\\ud800b"').replace('house/m', model)));
      assert.match(rig.upstream.log.requests[before]?.bodyText ?? '', /"a\\ud800b"/i, `translated for ${model}`);
    }
  });
});

describe('bodies that are too deep, too wide or doubled', () => {
  it('B04 refuses ten thousand and a million levels, in tools and metadata too', async (test) => {
    const tooDeep: Expected = { status: 400, code: 'too_deep', message: /128 levels/ };
    await refusesAllUnderWatch(test, [
      ['['.repeat(10_000), tooDeep],
      ['{"a":'.repeat(10_000), tooDeep],
      ['['.repeat(1_000_000), tooDeep],
      ['{"a":'.repeat(1_000_000), tooDeep],
      [`{"tools":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, tooDeep],
      [
        `{"tools":[{"type":"function","function":{"name":"f","parameters":${'{"properties":'.repeat(1_000_000)}`,
        tooDeep,
      ],
      [`{"metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`, tooDeep],
      [`{"metadata":${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}}`, tooDeep],
    ]);
  });

  it('B05 refuses half a million keys, at the top and below', async (test) => {
    const keys = Array.from({ length: 500_000 }, (_, index) => `"k${index}":1`).join(',');
    const tooMany: Expected = { status: 400, code: 'too_many_keys', message: /100000 keys/ };
    await refusesAllUnderWatch(test, [[`{${keys}}`, tooMany]]);
    await refusesAllUnderWatch(test, [[`{"metadata":{${keys}}}`, tooMany]]);
  });

  it('B06 refuses doubled keys', async () => {
    const doubled: Expected = { status: 400, code: 'duplicate_key', message: /"(model|content|stream)" stands twice/ };
    await refusesAll([
      ['{"model":"house/cheap","model":"house/dear","messages":[{"role":"user","content":"hi"}]}', doubled],
      ['{"model":"house/cheap","mod\\u0065l":"house/dear","messages":[{"role":"user","content":"hi"}]}', doubled],
      ['{"model":"house/m","messages":[{"role":"user","content":"hi","content":"ho"}]}', doubled],
      ['{"stream":false,"model":"house/m","messages":[{"role":"user","content":"hi"}],"stream":true}', doubled],
    ]);
  });

  it('B07 refuses keys that name prototypes, at the top and nested', async () => {
    const forbidden: Expected = { status: 400, code: 'forbidden_key' };
    const cases: (readonly [string, Expected])[] = [];
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      cases.push(
        [withMembers('openai', `"${key}":{"isAdmin":true}`), forbidden],
        [withMembers('openai', `"metadata":{"${key}":{"isAdmin":true}}`), forbidden],
        [withMembers('openai', `"a":[{"b":{"${key}":1}}]`), forbidden],
      );
    }
    cases.push(
      [withMembers('openai', '"\\u005f_proto__":{"isAdmin":true}'), forbidden],
      [
        withMembers('openai', '"tools":[{"type":"function","function":{"name":"f","parameters":{"__proto__":{}}}}]'),
        forbidden,
      ],
    );
    await refusesAll(cases);
  });

  it('B07 reads each key as every server will, whatever keys came before', async () => {
    // V8 takes `"max_token\u0073"` for `max_token\` once it has seen that key (nodejs/node#63785).
    for (let round = 0; round < 5; round += 1) {
      await chat(rig, 'openai', withMembers('openai', '"max_token\\\\":0'));
      await unseenUpstream(rig, async () => {
        const answer = await chat(rig, 'openai', withMembers('openai', '"max_token\\u0073":-1'));
        assertRefused(answer, 'openai', { status: 400, param: 'max_tokens' });
      });
    }
  });
});

describe('numbers that are not what they seem', () => {
  const limits: Readonly<Record<Protocol, readonly [insert: (value: string) => string, param: string]>> = {
    openai: [(value) => withMembers('openai', `"max_tokens":${value}`), 'max_tokens'],
    anthropic: [(value) => JSON.stringify(goodBody('anthropic')).replace('50', value), 'max_tokens'],
    gemini: [
      (value) => withMembers('gemini', `"generationConfig":{"maxOutputTokens":${value}}`),
      'generationConfig.maxOutputTokens',
    ],
  };

  it('B08 refuses what is infinite, negative zero, rounded or no integer as a number of tokens', async () => {
    await unseenUpstream(rig, async () => {
      for (const protocol of PROTOCOLS) {
        const [body, param] = limits[protocol];
        const json: Expected = { status: 400, code: 'body_not_json', message: /line 1, column \d+/ };
        assertRefused(await chat(rig, protocol, body('1e400')), protocol, { ...json, message: /too large/ });
        assertRefused(await chat(rig, protocol, body('1.0000000000000001')), protocol, json);
        for (const value of ['-0', '9007199254740993', '1.5', '1e30']) {
          assertRefused(await chat(rig, protocol, body(value)), protocol, { status: 400, param });
        }
      }
    });
    for (const protocol of PROTOCOLS) await assertServes(rig, protocol);
  });

  it('B08 passes large numbers on digit by digit where no limit stands against them', async () => {
    const before = rig.upstream.log.requests.length;
    assertAnswered(await chat(rig, 'openai', withMembers('openai', '"seed":9007199254740993,"x":1e-999')));
    assert.match(rig.upstream.log.requests[before]?.bodyText ?? '', /"seed":9007199254740993,"x":1e-999/);
  });
});

describe('bodies that are too long', () => {
  it('B09 refuses a body of one byte too many, and takes one of exactly the limit', async (test) => {
    for (const protocol of PROTOCOLS) {
      const frame = withText(protocol, '""').length;
      const text = (length: number): Buffer => Buffer.from(withText(protocol, `"${'a'.repeat(length - frame)}"`));
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const over = await chat(rig, protocol, text(BODY_MAX_BYTES + 1));
          assertRefused(over, protocol, { status: 413, code: 'body_too_big', message: /33554432 bytes/ });
          assert.equal(over.headers['connection'], 'close');
        });
      });
      await underWatch(rig, test, async () => {
        assertAnswered(await chat(rig, protocol, text(BODY_MAX_BYTES)));
      });
    }
  });

  it('B09 refuses by the announced length before any byte of the body, however far over the limit', async () => {
    await unseenUpstream(rig, async () => {
      const lengths = ['33554433', '99999999999', '9007199254740993', '18446744073709551615'];
      const refused = lengths.map(async (length) => {
        const head = `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${keyHeaders('anthropic')['x-api-key']}\r\ncontent-length: ${length}\r\n\r\n`;
        const { answers, isClosed } = await raw(rig, head, { quietMs: 3000 });
        assert.equal(answers.length, 1);
        const [answer] = answers;
        assert.ok(answer !== undefined && isClosed, length);
        assertRefused(answer, 'anthropic', { status: 413, code: 'body_too_big' });
      });
      await Promise.all(refused);
    });
  });

  it('B09 stops reading a chunked body without end, and closes', async (test) => {
    await underWatch(rig, test, async () => {
      await unseenUpstream(rig, async () => {
        const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: ${keyHeaders('openai')['authorization']}\r\ntransfer-encoding: chunked\r\n\r\n`;
        const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, 'a'), Buffer.from('\r\n')]);
        const { answers, isClosed } = await raw(rig, head, { endless: chunk, quietMs: 3000 });
        assert.equal(answers.length, 1);
        assert.ok(isClosed, 'the connection stays open');
        const [answer] = answers;
        assert.equal(answer?.status, 413);
        assert.equal(refusalOf(answer, 'openai').code, 'body_too_big');
      });
    });
  });
});

describe('bodies with much in them', () => {
  const many: Readonly<Record<Protocol, (count: number) => JsonRecord>> = {
    openai: (count) => ({
      ...goodBody('openai'),
      messages: Array.from({ length: count }, () => ({ role: 'user', content: 'hi' })),
    }),
    anthropic: (count) => ({
      ...goodBody('anthropic'),
      messages: Array.from({ length: count }, () => ({ role: 'user', content: 'hi' })),
    }),
    gemini: (count) => ({ contents: Array.from({ length: count }, () => ({ role: 'user', parts: [{ text: 'hi' }] })) }),
  };

  it('B13 refuses 200,000 messages by the limit of keys', async (test) => {
    for (const protocol of PROTOCOLS) {
      const body = JSON.stringify(many[protocol](200_000));
      await underWatch(rig, test, () => refuses(protocol, [[body, { status: 400, code: 'too_many_keys' }]]));
    }
  });

  it('B13 serves 20,000 messages', async (test) => {
    for (const protocol of PROTOCOLS) {
      await underWatch(rig, test, async () => {
        assertAnswered(await chat(rig, protocol, many[protocol](20_000)));
      });
    }
  });

  it('B13 translates 20,000 messages for a provider of another protocol', async (test) => {
    for (const model of ['claude/m', 'gem/m']) {
      await underWatch(rig, test, async () => {
        assertAnswered(await chat(rig, 'openai', { ...many.openai(20_000), model }));
      });
    }
  });

  it('B13 serves 1,000 tools', async (test) => {
    const schema = { type: 'object', properties: { a: { type: 'string', description: 'x'.repeat(100) } } };
    const names = Array.from({ length: 1000 }, (_, index) => `tool_${index}`);
    const tools: Readonly<Record<Protocol, JsonRecord>> = {
      openai: { tools: names.map((name) => ({ type: 'function', function: { name, parameters: schema } })) },
      anthropic: { tools: names.map((name) => ({ name, input_schema: schema })) },
      gemini: { tools: [{ functionDeclarations: names.map((name) => ({ name, parameters: schema })) }] },
    };
    await underWatch(rig, test, async () => {
      for (const protocol of PROTOCOLS) {
        const [seen] = await seenUpstream(rig, async () => {
          assertAnswered(await chat(rig, protocol, { ...goodBody(protocol), ...tools[protocol] }));
        });
        assert.deepEqual(seen?.['tools'], tools[protocol]['tools']);
      }
    });
  });

  for (const [what, protocols, text] of [
    ['30 MB of one letter', PROTOCOLS, () => 'a'.repeat(30 * MIB)],
    ['10 million Chinese characters', PROTOCOLS, () => '模'.repeat(10 * MIB)],
    ['15 million line breaks, each an escape', ['openai'], () => '\n'.repeat(15 * MIB)],
  ] as const) {
    it(`B13 serves one string of ${what}, every byte of it`, async (test) => {
      for (const protocol of protocols) {
        await underWatch(rig, test, async () => {
          const string = JSON.stringify(text());
          const before = rig.upstream.log.requests.length;
          assertAnswered(await chat(rig, protocol, withText(protocol, string)));
          const seen = rig.upstream.log.requests[before]?.bodyText ?? '';
          assert.ok(seen.includes(string), 'the upstream received another text');
        });
      }
    });
  }

  it('B13 translates one string of 20 MB for a provider of another protocol', async (test) => {
    const string = JSON.stringify('a'.repeat(20 * MIB));
    for (const model of ['claude/m', 'gem/m']) {
      await underWatch(rig, test, async () => {
        const before = rig.upstream.log.requests.length;
        assertAnswered(await chat(rig, 'openai', withText('openai', string).replace('house/m', model)));
        assert.ok((rig.upstream.log.requests[before]?.bodyText ?? '').includes(string));
      });
    }
  });

  it('B13 refuses more than 250,000 values, a key of 100 KB, a number of 20 MB and an error on line 20 million', async (test) => {
    await refusesAllUnderWatch(test, [
      [withMembers('openai', `"x":[${'{},'.repeat(999_999)}{}]`), { status: 400, code: 'too_many_values' }],
      [withMembers('openai', `"x":[${'1.5e5,'.repeat(999_999)}1]`), { status: 400, code: 'too_many_values' }],
      [withMembers('openai', `"${'k'.repeat(100_000)}":1`), { status: 400, code: 'key_too_long' }],
      [withMembers('openai', `"x":${'1'.repeat(20 * MIB)}`), { status: 400, code: 'body_not_json' }],
      [withMembers('openai', `"x":${'\n'.repeat(20 * MIB)}x`), { status: 400, message: /line 20971521, column 1/ }],
    ]);
  });

  it('B14 counts 200 KB of one letter, 200,000 Chinese characters and 200,000 spaces at once', async (test) => {
    await underWatch(rig, test, async () => {
      for (const text of ['a'.repeat(200_000), '模'.repeat(200_000), ' '.repeat(200_000)]) {
        for (const protocol of PROTOCOLS) {
          assertAnswered(await chat(rig, protocol, withText(protocol, JSON.stringify(text))));
          const path = countPath(protocol);
          if (path === undefined) continue;
          const headers = { 'content-type': 'application/json', ...keyHeaders(protocol) };
          assertAnswered(await send(rig, path, { headers, body: withText(protocol, JSON.stringify(text)) }));
        }
      }
    });
  });
});

/** Where tokens are counted; OpenAI's protocol has no such operation. */
function countPath(protocol: Protocol): string | undefined {
  if (protocol === 'anthropic') return '/v1/messages/count_tokens';
  return protocol === 'gemini' ? PATHS.gemini.replace('generateContent', 'countTokens') : undefined;
}
