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
    assert.equal(responsesSeams.needsAmend(body), true);
    assert.deepEqual(responsesSeams.amendRequest(body), { model: 'm', input: [message, own] });
  });

  it('get every other body as it is', () => {
    for (const input of ['hi', [message, own], undefined])
      assert.equal(responsesSeams.needsAmend(input === undefined ? {} : { input }), false);
  });

  it('speak it beside chat completions for the models that answer in text (openai, azure, xai, groq, openrouter)', () => {
    for (const { alsoSpeaks } of [odd.openai, odd.azure, xai, odd.groq, odd.openrouter, odd.deepseek])
      assert.equal(alsoSpeaks?.['openai-responses']?.('some-model', 'https://a.example/v1'), true);
    assert.equal(odd.openai.alsoSpeaks?.['openai-responses']?.('gpt-4o-audio-preview', ''), false);
    assert.equal(xai.alsoSpeaks?.['openai-responses']?.('grok-imagine-image', ''), false);
  });
});
