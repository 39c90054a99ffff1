/** What a caller may wish of the gateway in the body: followed, or refused by name, or named as not followed. Never ignored in silence. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asRecord, type JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  chat,
  goodBody,
  PROTOCOLS,
  seenUpstream,
  rigHere,
  unseenUpstream,
  type Answer,
} from './bad-input.ts';

const rig = rigHere();

async function wish(fields: JsonRecord, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return chat(rig, 'openai', { ...goodBody('openai'), ...fields }, headers);
}

const ADAPT = { 'x-turnout-adapt': 'true' };

describe('the wishes of a request', () => {
  it('are refused by name where this release cannot keep them, and dropped by name where the caller agrees', async () => {
    const demands: readonly (readonly [JsonRecord, string])[] = [
      [{ turnout: { require: { region: 'eu' } } }, 'turnout.require'],
      [{ turnout: { budget_usd: 0.01 } }, 'turnout.budget_usd'],
      [{ provider: { zdr: true } }, 'provider.zdr'],
      [{ provider: { data_collection: 'deny' } }, 'provider.data_collection'],
      [{ provider: { quantizations: ['fp8'] } }, 'provider.quantizations'],
    ];
    for (const [fields, param] of demands) {
      await unseenUpstream(rig, async () => {
        assertRefused(await wish(fields), 'openai', { status: 400, param });
      });
      const agreed = await wish(fields, ADAPT);
      assertAnswered(agreed);
      assert.equal(agreed.headers['x-turnout-adapted'], param);
    }
    assertRefused(await wish({}, { 'x-turnout-require': 'region=eu' }), 'openai', {
      status: 400,
      param: 'turnout.require',
    });
  });

  it('are named where they are hints that change nothing', async () => {
    for (const [fields, name] of [
      [{ turnout: { cache: 'off', prefer: ['code'] } }, 'turnout.prefer, turnout.cache'],
      [{ provider: { sort: 'throughput' } }, 'provider.sort'],
    ] as const) {
      const answer = await wish(fields);
      assertAnswered(answer);
      assert.equal(answer.headers['x-turnout-adapted'], name);
    }
    for (const fields of [
      { turnout: { tags: ['a'] } },
      { provider: { zdr: false, data_collection: 'allow', require_parameters: true, sort: 'price' } },
    ]) {
      const answer = await wish(fields);
      assertAnswered(answer);
      assert.equal(answer.headers['x-turnout-adapted'], undefined);
    }
  });

  it('are refused where they are spelled wrong', async () => {
    for (const [fields, param, message] of [
      [{ turnout: { favourite: 5 } }, 'turnout.favourite', /there are tags/],
      [{ turnout: { adpat: true } }, 'turnout.adpat', /did you mean `adapt`/],
      [{ turnout: { adapt: 'yes' } }, 'turnout.adapt', /true or false/],
    ] as const) {
      assertRefused(await wish(fields), 'openai', { status: 400, param, message });
    }
  });

  it('never reach the provider', async () => {
    for (const protocol of PROTOCOLS) {
      const own = { turnout: { tags: ['a'] }, usage: { include: true }, session_id: 's', route: 'fallback' };
      const [seen = {}] = await seenUpstream(rig, async () => {
        assertAnswered(await chat(rig, protocol, { ...goodBody(protocol), ...own }));
      });
      for (const field of Object.keys(own)) assert.equal(seen[field], undefined, field);
    }
  });
});

describe('models in the place of a model', () => {
  it('asks for the first of them, and writes its name where the provider looks for it', async () => {
    const { model, ...rest } = goodBody('openai');
    const [seen] = await seenUpstream(rig, async () => {
      const answer = await chat(rig, 'openai', { models: [model ?? '', 'house/cheap'], ...rest });
      assertAnswered(answer);
      assert.equal(answer.headers['x-turnout-model'], 'm');
    });
    assert.equal(seen?.['model'], 'm');
    assert.equal(seen['models'], undefined);
    const bare = await seenUpstream(rig, async () => {
      assertAnswered(await chat(rig, 'openai', { models: ['m'], provider: { only: ['house'] }, ...rest }));
    });
    assert.equal(asRecord(bare[0])?.['model'], 'm');
  });
});
