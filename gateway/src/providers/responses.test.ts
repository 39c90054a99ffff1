import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { packSignature } from '../chat/signature.ts';
import { odd } from './index.ts';
import { responsesSeams } from './responses.ts';
import { xai } from './xai.ts';

const own = { type: 'reasoning', summary: [], encrypted_content: 'gAAAA' };
const foreign = {
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'hm' }],
  encrypted_content: packSignature({ origin: 'anthropic-messages', value: 'sig' }, 'openai-responses'),
};
const message = { role: 'user', content: 'hi' };

describe('providers of the Responses API', () => {
  it('get no reasoning that a provider of another protocol sealed, and all of their own', () => {
    const body = { model: 'm', input: [message, own, foreign] };
    assert.equal(responsesSeams('some').needsAmend(body), true);
    assert.deepEqual(responsesSeams('some').amendRequest(body), { model: 'm', input: [message, own] });
  });

  const FERNET = 'gAAAAABqPBGsQ7o-UumUlNuY';
  const OPENAI_ID = `rs_${'0a1b'.repeat(12)}`;
  const XAI_ID = 'rs_22d57125-3b6a-9932-9f9e-e82867682c4f';
  const BASE64 = `in3cZv/UjhhZK2DD8uUrq39w${'+/aZ09'.repeat(20)}==`;
  const HOSTS = ['openai', 'azure', 'xai', 'openrouter', 'deepseek', 'amazon-bedrock'] as const;
  const seals = [
    ['OpenAI', OPENAI_ID, FERNET, ['openai', 'azure']],
    ['OpenAI, its id left out', undefined, FERNET, ['openai', 'azure', 'openrouter']],
    ['OpenRouter', 'rs_tmp_2kbe7x16sax', FERNET, ['openrouter']],
    ['xAI', XAI_ID, BASE64, ['xai']],
    ['xAI, by a reference', 'tco_fe1da043-2876-9377-ba15-75b595faacba', 'tco_fe1da043-2876-9377-b', ['xai']],
    ['Bedrock', 'rs_97c609a11fba55438e8f3d57cf63efb3', 'rsn_5ZVrif4J0bXIqmWdledj', ['amazon-bedrock']],
    ['DeepSeek', 'rs-a', '15473b38-ad91-4b6c-85e9-0123456789ab', ['deepseek']],
    ['nobody known', 'rs_1', 'something else', HOSTS],
  ] as const;
  for (const [who, id, encrypted_content, opened] of seals) {
    it(`get no reasoning that another of them sealed: ${who}`, () => {
      const item = { type: 'reasoning', ...(id === undefined ? {} : { id }), summary: [], encrypted_content };
      const body = { model: 'm', input: [message, item] };
      const given = HOSTS.filter((host) => !responsesSeams(host).needsAmend(body));
      assert.deepEqual(given, opened);
      for (const host of HOSTS.filter((one) => !given.includes(one)))
        assert.deepEqual(responsesSeams(host).amendRequest(body), { model: 'm', input: [message] });
      // Nobody knows how a server of one's own seals.
      assert.equal(responsesSeams('house').needsAmend(body), false);
    });
  }

  it('get every other body as it is', () => {
    for (const input of ['hi', [message, own], undefined])
      assert.equal(responsesSeams('some').needsAmend(input === undefined ? {} : { input }), false);
  });

  it('speak it beside chat completions for the models that answer in text (openai, azure, xai, groq, openrouter)', () => {
    for (const { alsoSpeaks } of [odd.openai, odd.azure, xai, odd.groq, odd.openrouter, odd.deepseek])
      assert.equal(alsoSpeaks?.['openai-responses']?.('some-model', 'https://a.example/v1'), true);
    assert.equal(odd.openai.alsoSpeaks?.['openai-responses']?.('gpt-4o-audio-preview', ''), false);
    assert.equal(xai.alsoSpeaks?.['openai-responses']?.('grok-imagine-image', ''), false);
  });
});
