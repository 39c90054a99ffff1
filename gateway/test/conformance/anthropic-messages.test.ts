/**
 * The dialect `anthropic-messages` against everything that was recorded of it: Anthropic's own API, Claude on Vertex, and
 * the requests of real clients. Streams, and the official SDK that reads what we write, have files of their own.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultCode } from '../../src/chat/fault.ts';
import { anthropicMessages, countTokensResponse } from '../../src/dialects/anthropic-messages.ts';
import { hasForeignThinking } from '../../src/dialects/anthropic-messages/foreign-thinking.ts';
import { asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { vertexAnthropic } from '../../src/providers/vertex-anthropic.ts';
import { REQUEST_RULES, RESPONSE_RULES, RuleBook } from './anthropic-messages-differences.ts';
import {
  accepted,
  clients,
  CONTEXT,
  exchanges,
  readCorpus,
  replies,
  skip,
  SOME_MODEL,
} from './anthropic-recordings.ts';

/** A round trip of a request through the one language. */
function rewritten(body: JsonRecord): JsonRecord {
  const decoded = anthropicMessages.decodeRequest(body, {});
  assert.ok(decoded.ok);
  const encoded = anthropicMessages.encodeRequest(decoded.value, { model: asString(body['model']) ?? '' });
  assert.deepEqual(encoded.losses, []);
  return encoded.body;
}

describe('anthropic-messages conformance', { skip }, () => {
  it('accepts every request that the provider accepted, and every one of a real client', (test) => {
    for (const { id, request } of accepted) {
      const inspected = anthropicMessages.inspect(request ?? {}, {});
      assert.ok(inspected.ok, `${id}: ${inspected.ok ? '' : inspected.error.message}`);
      assert.ok(inspected.value.textLength > 0, id);
      assert.equal(hasForeignThinking(request ?? {}, { refusesUnsigned: true }), false, id);
    }
    for (const { id, body } of clients) {
      const inspected = anthropicMessages.inspect(body, {});
      assert.ok(inspected.ok, `${id}: ${inspected.ok ? '' : inspected.error.message}`);
    }
    test.diagnostic(`${accepted.length} accepted requests, ${clients.length} of clients`);
    assert.ok(accepted.length >= 300 && clients.length >= 20);
  });

  it('accepts a request to count tokens, which names no limit', (test) => {
    const counts = readCorpus(new Set(['count-tokens'])).filter(({ url }) => url.includes('/v1/messages/count_tokens'));
    for (const { id, request, response } of counts) {
      assert.ok(anthropicMessages.inspect(request ?? {}, { operation: 'count-tokens' }).ok, id);
      assert.deepEqual(Object.keys(asRecord(response) ?? {}), Object.keys(countTokensResponse(1)), id);
    }
    test.diagnostic(`${counts.length} requests`);
    assert.ok(counts.length >= 10);
  });

  it('writes a request as it was read, but for the listed differences', (test) => {
    const book = new RuleBook(REQUEST_RULES);
    const all = [...accepted.map(({ id, request }) => ({ id, body: request ?? {} })), ...clients];
    for (const { id, body } of all) assert.deepEqual(rewritten(body), book.expected(body), id);
    test.diagnostic(`${all.length} requests; differences:\n${book.lines().join('\n')}`);
    for (const [name, count] of book.counts) assert.ok(count > 0, `no body needs the rule: ${name}`);
  });

  it('writes a reply as it was read, but for the listed differences', (test) => {
    const book = new RuleBook(RESPONSE_RULES);
    for (const { id, response } of replies) {
      const body = asRecord(response) ?? {};
      const decoded = anthropicMessages.decodeResponse(body, 'anthropic');
      assert.ok(decoded.ok, id);
      const encoded = anthropicMessages.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(encoded.losses, [], id);
      assert.deepEqual(encoded.body, book.expected(body), id);
    }
    test.diagnostic(`${replies.length} replies; differences:\n${book.lines().join('\n')}`);
    assert.ok(replies.length >= 200);
  });

  it('classifies every recorded refusal, and shows no secret', (test) => {
    const refused = exchanges.filter((exchange) => exchange.status >= 400);
    const codes = new Map<string, number>();
    for (const { id, status, headers, response } of refused) {
      const fault = anthropicMessages.decodeError({
        status,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asString(value)])),
        body: JSON.stringify(response),
        provider: 'anthropic',
        model: SOME_MODEL,
        nowMs: 0,
      });
      assert.equal(fault.code, expectedCode(status, JSON.stringify(response)), id);
      assert.doesNotMatch(fault.message, /x-api-key|sk-ant/, id);
      assert.equal(fault.upstreamStatus, status, id);
      codes.set(fault.code, (codes.get(fault.code) ?? 0) + 1);
    }
    test.diagnostic(`${refused.length} refusals: ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}`);
    assert.ok(refused.length >= 20);
  });

  it('sends to Vertex what Vertex was recorded to take', (test) => {
    const vertex = accepted.filter(({ wire, request }) => wire === 'vertex-anthropic' && request !== undefined);
    let urls = 0;
    for (const { id, url, operation, request } of vertex) {
      const [, base = '', model = ''] = /^(.*)\/publishers\/anthropic\/models\/(.*):/.exec(url) ?? [];
      const recorded = Object.fromEntries(Object.entries(request ?? {}).filter(([name]) => name !== 'model'));
      const { anthropic_version: _, ...plain } = recorded;
      const body = { model: 'claude-of-the-caller', ...plain };
      assert.equal(vertexAnthropic.needsAmend?.(body), true, id);
      assert.deepEqual(vertexAnthropic.amendRequest?.(body), recorded, id);
      assert.equal(vertexAnthropic.needsAmend?.(recorded), false, id);
      // Some captures lost the model from the address.
      if (model === '') continue;
      assert.equal(
        vertexAnthropic.url?.({ baseUrl: base, path: '/v1/messages', model, isStreaming: operation === 'chat-stream' }),
        url,
        id,
      );
      urls += 1;
    }
    test.diagnostic(`${vertex.length} bodies, ${urls} addresses`);
    assert.ok(vertex.length >= 13 && urls >= 8);
  });
});

/** By hand, from what the bodies say. */
function expectedCode(status: number, body: string): FaultCode {
  if (status === 401) return 'upstream-auth';
  if (status === 402 || body.includes('spend_limit')) return 'upstream-quota';
  if (status === 404) return 'upstream-not-found';
  if (status === 529) return 'upstream-overloaded';
  if (status === 500) return 'upstream-error';
  return body.includes('prompt is too long') ? 'context-length' : 'upstream-refused';
}
