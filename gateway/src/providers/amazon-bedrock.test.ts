import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeMessage } from '../lib/event-stream.ts';
import { amazonBedrock, claudeOnBedrock } from './amazon-bedrock.ts';

describe('Amazon Bedrock', () => {
  it('has every id of a model in one step of the path', () => {
    const path = (model: string): string => amazonBedrock.dialect.path({ model, isStreaming: true, operation: 'chat' });
    assert.equal(path('eu.amazon.nova-lite-v1:0'), '/model/eu.amazon.nova-lite-v1%3A0/converse-stream');
    assert.equal(
      path('arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-sonnet-4-5'),
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fglobal.anthropic.claude-sonnet-4-5/converse-stream',
    );
  });
});

describe('Claude on InvokeModel', () => {
  const MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
  const parts = { baseUrl: 'https://bedrock-runtime.us-east-1.amazonaws.com/', path: '/v1/messages', model: MODEL };

  it('says model and stream in the path, and the version in the body', () => {
    const base = `https://bedrock-runtime.us-east-1.amazonaws.com/model/${encodeURIComponent(MODEL)}`;
    assert.equal(claudeOnBedrock.url?.({ ...parts, isStreaming: false }), `${base}/invoke`);
    assert.equal(claudeOnBedrock.url?.({ ...parts, isStreaming: true }), `${base}/invoke-with-response-stream`);
    const body = { model: MODEL, stream: true, max_tokens: 10, messages: [] };
    assert.equal(claudeOnBedrock.needsAmend?.(body), true);
    const sent = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 10, messages: [] };
    assert.deepEqual(claudeOnBedrock.amendRequest?.(body, {}), sent);
    assert.equal(claudeOnBedrock.needsAmend?.(sent), false, 'a body of a client of Bedrock goes on as it is');
  });

  it('takes the features that a client asks for in a header, as far as Bedrock knows them', () => {
    const headers = { 'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14, context-1m-2025-08-07' };
    const sent = claudeOnBedrock.amendRequest?.({ max_tokens: 10 }, headers);
    assert.deepEqual(sent?.['anthropic_beta'], ['interleaved-thinking-2025-05-14', 'context-1m-2025-08-07']);
  });

  it('reads events of the Messages API out of frames, and exceptions as its errors', () => {
    const frame = (type: string, name: string, payload: unknown): Buffer =>
      encodeMessage(
        new Map([
          [':message-type', type],
          [type === 'event' ? ':event-type' : ':exception-type', name],
        ]),
        Buffer.from(JSON.stringify(payload)),
      );
    const ping = { bytes: Buffer.from('{"type":"ping"}').toString('base64') };
    const bytes = [frame('event', 'chunk', ping), frame('exception', 'throttlingException', { message: 'slow down' })];
    const events = claudeOnBedrock.splitter?.().push(Buffer.concat(bytes)) ?? [];
    assert.deepEqual(
      events.map(({ name, data }) => [name, data.toString()]),
      [
        ['ping', '{"type":"ping"}'],
        ['error', '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'],
      ],
    );
    const decoder = claudeOnBedrock.dialect.decoder('b', claudeOnBedrock.splitter?.());
    const [, last] = decoder.push(Buffer.concat(bytes));
    assert.equal(last?.type === 'error' ? last.fault.code : '', 'upstream-rate-limited');
  });
});
