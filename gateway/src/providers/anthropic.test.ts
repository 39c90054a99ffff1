import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropic, anthropicSeams } from './anthropic.ts';

describe('providers of Anthropic’s wire', () => {
  it('get no thinking of another provider; a Claude none without a signature either', () => {
    const body = (signature: string) => ({
      messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: '', signature }] }],
    });
    assert.deepEqual(
      [
        anthropic.needsAmend?.(body('EqR')),
        anthropic.needsAmend?.(body('')),
        anthropic.needsAmend?.(body('turnout:gemini:x')),
      ],
      [false, true, true],
    );
    assert.deepEqual(
      [anthropicSeams.needsAmend(body('')), anthropicSeams.needsAmend(body('turnout:gemini:x'))],
      [false, true],
    );
    assert.deepEqual(anthropic.amendRequest?.(body('')), { messages: [] });
  });

  it('take messages in batches at half their price, if they are Anthropic itself', () => {
    assert.deepEqual(anthropic.batches, { form: 'anthropic', pricePercent: 50n, paths: ['/v1/messages'] });
    assert.ok(!('batches' in anthropicSeams));
  });
});
