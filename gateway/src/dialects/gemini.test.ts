import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gemini, hasForeignSignatures, withoutForeignSignatures } from './gemini.ts';

describe('gemini: where and how a call goes', () => {
  it('makes paths below the base URL, with names that lead nowhere else', () => {
    const path = (model: string, isStreaming = false, operation: 'chat' | 'count-tokens' = 'chat'): string =>
      gemini.path({ model, isStreaming, operation });
    assert.equal(path('gemini-2.5-pro'), '/models/gemini-2.5-pro:generateContent');
    assert.equal(path('gemini-2.5-pro', true), '/models/gemini-2.5-pro:streamGenerateContent?alt=sse');
    assert.equal(path('gemini-2.5-pro', true, 'count-tokens'), '/models/gemini-2.5-pro:countTokens');
    assert.equal(path('tunedModels/mine-1'), '/tunedModels/mine-1:generateContent');
    assert.equal(path('models/gemma-3'), '/models/gemma-3:generateContent');
    assert.equal(path('../../etc/passwd?x#y'), '/models/..%2F..%2Fetc%2Fpasswd%3Fx%23y:generateContent');
    assert.equal(path('模型'), '/models/%E6%A8%A1%E5%9E%8B:generateContent');
  });

  it('sends keys in a header of their own and tokens as bearers', () => {
    assert.deepEqual(gemini.headers('AIzaX'), { 'content-type': 'application/json', 'x-goog-api-key': 'AIzaX' });
    assert.deepEqual(gemini.headers('ya29.x'), { 'content-type': 'application/json', authorization: 'Bearer ya29.x' });
    assert.deepEqual(gemini.headers(undefined), { 'content-type': 'application/json' });
  });

  it('limits output in the spelling of the body, and never raises it', () => {
    assert.deepEqual(gemini.limitOutput({ contents: [] }, 5), {
      contents: [],
      generationConfig: { maxOutputTokens: 5 },
    });
    assert.deepEqual(gemini.limitOutput({ generation_config: { max_output_tokens: 9, topK: 1 } }, 5), {
      generation_config: { max_output_tokens: 5, topK: 1 },
    });
    assert.deepEqual(gemini.limitOutput({ generationConfig: { maxOutputTokens: 3 } }, 5), {
      generationConfig: { maxOutputTokens: 3 },
    });
  });

  it('takes signatures of other providers out of a Gemini history before Google sees them', () => {
    const written = gemini.encodeResponse(
      {
        origin: 'anthropic-messages',
        choices: [
          {
            index: 0,
            parts: [
              { kind: 'reasoning', text: 'Hm', signature: { origin: 'anthropic-messages', value: 'a' } },
              { kind: 'reasoning', text: '', encrypted: { origin: 'anthropic-messages', value: 'b' } },
              {
                kind: 'tool-call',
                id: 'x',
                name: 'f',
                arguments: '{}',
                signature: { origin: 'openai-responses', value: 'c' },
              },
            ],
            finish: { reason: 'tool-calls' },
          },
        ],
      },
      { requestId: 'r', model: 'm', nowS: 0, wantsStreamUsage: true },
    ).body['candidates'];
    const content = Array.isArray(written) ? written[0].content : undefined;
    const body = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }, content] };
    assert.equal(hasForeignSignatures(body), true);
    const clean = withoutForeignSignatures(body);
    assert.equal(hasForeignSignatures(clean), false);
    assert.deepEqual(clean, {
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        {
          role: 'model',
          parts: [
            { text: 'Hm', thought: true },
            { functionCall: { id: 'x', name: 'f', args: {} }, thoughtSignature: 'skip_thought_signature_validator' },
          ],
        },
      ],
    });
    assert.deepEqual(withoutForeignSignatures({ generateContentRequest: body }), { generateContentRequest: clean });
    assert.equal(hasForeignSignatures({ contents: [{ parts: [{ text: 'x', thoughtSignature: 'CvkB' }] }] }), false);
  });
});
