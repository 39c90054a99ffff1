/** Models that are odd, unknown or not for this key: rows B15 and B16 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { asRecord, asString, type Json, type JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  goodBody,
  keyHeaders,
  PROTOCOLS,
  refusalOf,
  send,
  unseenUpstream,
  rigHere,
  type Answer,
  type Protocol,
} from './bad-input.ts';
import { patchesTo } from './odd-fields.ts';

const rig = rigHere();
const { chatWith, refuses } = patchesTo(rig);

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
