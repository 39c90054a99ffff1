import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from './collect.ts';
import type { ChatResponse } from './reply.ts';

describe('a reply played as events and put together again', () => {
  it('is the same, with the fields beside its texts and beside its choice where they were', () => {
    const response: ChatResponse = {
      origin: 'anthropic-messages',
      id: 'm1',
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'text', text: 'a', extra: { note: 1 } },
            { kind: 'text', text: 'b', citations: [{ raw: {}, origin: 'gemini' }], extra: { note: 2, more: 'x' } },
            { kind: 'tool-call', id: 'c1', name: 'f', arguments: '{}', extra: { caller: 'y' } },
          ],
          finish: { reason: 'tool-calls' },
          extra: { safety: [] },
        },
      ],
      extra: { top: true },
    };
    assert.deepEqual(collect(replay(response), 'anthropic-messages'), response);
  });
});
