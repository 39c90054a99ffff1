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
      [{ turnout: { budget_usd: 0.01 } }, 'turnout.budget_usd'],
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
  });

  it('are kept or the request goes nowhere, where they say what a target must be', async () => {
    const demands: readonly (readonly [JsonRecord, RegExp])[] = [
      [{ turnout: { require: { region: 'eu' } } }, /its region is not known, required is eu/],
      [{ turnout: { require: { region: ['caller'] } } }, /must be in the caller’s region, and that is not known/],
      [{ turnout: { require: { compliance: ['hipaa'] } } }, /not certified for hipaa/],
      [{ turnout: { require: { quality: { min: 0.9 } } } }, /quality is not known, at least 0\.9 is required/],
      [{ provider: { zdr: true } }, /how long it keeps data is not known, nothing may be kept/],
      [{ provider: { data_collection: 'deny' } }, /whether its provider trains on requests is not known/],
    ];
    for (const [fields, message] of demands) {
      await unseenUpstream(rig, async () => {
        for (const headers of [{}, ADAPT]) assert.match((await wish(fields, headers)).text, message);
      });
    }
    await unseenUpstream(rig, async () => {
      const answer = await wish({}, { 'x-turnout-require': '{"region":"eu"}' });
      assert.match(answer.text, /required is eu/);
    });
  });

  it('are named where they are hints that change nothing', async () => {
    for (const [fields, name] of [
      [{ turnout: { cache: 'off' } }, 'turnout.cache'],
      [{ provider: { sort: 'beauty' } }, 'provider.sort'],
    ] as const) {
      const answer = await wish(fields);
      assertAnswered(answer);
      assert.equal(answer.headers['x-turnout-adapted'], name);
    }
    for (const fields of [
      { turnout: { tags: ['a'], prefer: ['code'], require: { ttft_ms_p95: 60_000 } } },
      { provider: { zdr: false, data_collection: 'allow', require_parameters: true, sort: 'price' } },
      { provider: { sort: 'throughput', zdr: null, data_collection: null, allow_fallbacks: null } },
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
      [{ turnout: { require: [] } }, 'turnout.require', /an object/],
      [{ turnout: { require: { regoin: 'eu' } } }, 'turnout.require.regoin', /there are region/],
      [{ turnout: { require: { region: 5 } } }, 'turnout.require.region', /list of 1 to 32 names/],
      [{ turnout: { require: { compliance: ['A b'] } } }, 'turnout.require.compliance[0]', /must be a name/],
      [{ turnout: { require: { training: true } } }, 'turnout.require.training', /only be false/],
      [{ turnout: { require: { quality: { min: 2 } } } }, 'turnout.require.quality.min', /from 0 to 1/],
      [{ turnout: { require: { ttft_ms_p95: -1 } } }, 'turnout.require.ttft_ms_p95', /whole number/],
      [{ turnout: { require: { price: { input_max: 'x' } } } }, 'turnout.require.price.input_max', /USD per million/],
      [{ turnout: { prefer: 'code' } }, 'turnout.prefer', /list of/],
      [{ turnout: { region: 'Europe!' } }, 'turnout.region', /name of a region/],
      [{ session_id: 7 }, 'session_id', /printable characters/],
      [{ provider: { zdr: 'true' } }, 'provider.zdr', /true or false/],
      [{ provider: { zdr: 1 } }, 'provider.zdr', /true or false/],
      [{ provider: { allow_fallbacks: 'no' } }, 'provider.allow_fallbacks', /true or false/],
      [{ provider: { data_collection: 'DENY' } }, 'provider.data_collection', /"allow" or "deny"/],
      [{ provider: { data_collection: false } }, 'provider.data_collection', /"allow" or "deny"/],
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
