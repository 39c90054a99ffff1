/** Names and wishes for the gateway itself: rows B26 to B30 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asArray, asRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  keyHeaders,
  PROTOCOLS,
  seenUpstream,
  send,
  unseenUpstream,
  rigHere,
  type Protocol,
} from './bad-input.ts';
import { modelOf, patched, patchesTo } from './odd-fields.ts';

const MIB = 1024 * 1024;

const rig = rigHere();
const { chatWith, refuses } = patchesTo(rig);

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
