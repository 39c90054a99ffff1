/**
 * The `gemini` dialect over every recorded exchange of its wire: what was accepted passes, and nothing is lost on the way through
 * `chat` and back unless it is listed. Streams, broken shapes and Google's own SDK have files of their own.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import { gemini } from '../../src/dialects/gemini.ts';
import { decodeUsage } from '../../src/dialects/gemini/usage.ts';
import { isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir } from '../corpus.ts';
import { normalReply, normalRequest } from './gemini-differences.ts';
import {
  accepted,
  CONTEXT,
  decodeAll,
  exchanges,
  pathOf,
  pieces,
  print,
  record,
  replies,
  skip,
  tally,
  text,
} from './gemini-recordings.ts';

describe('gemini: recorded requests', { skip }, () => {
  const requests = exchanges.filter((one) => isRecord(one.request));

  it('accepts every request that Google accepted', () => {
    const taken = requests.filter((one) => one.status < 300);
    for (const one of taken) {
      const seen = gemini.inspect(record(one.request), pathOf(one));
      assert.ok(seen.ok, `${one.id}: ${seen.ok ? '' : JSON.stringify(seen.error)}`);
      assert.ok(seen.value.textLength > 0, one.id);
    }
    console.log(`inspect: ${taken.length} accepted requests pass`);
    assert.equal(taken.length, 381);
  });

  it('accepts the requests of real clients', () => {
    const clients = join(corpusDir() ?? '', 'clients');
    let count = 0;
    for (const folder of ['google-genai', 'google-gemini-cli', 'ai-sdk-google']) {
      for (const file of readdirSync(join(clients, folder))) {
        const request = record(record(parseJson(readFileSync(join(clients, folder, file), 'utf8')))['request']);
        const path = { model: 'gemini-2.5-flash', isStreaming: text(request['path']).includes('stream') };
        const body = record(request['body']);
        const decoded = gemini.decodeRequest(body, path);
        assert.ok(decoded.ok, file);
        const differences = tally();
        const again = gemini.encodeRequest(decoded.value, { model: 'gemini-2.5-flash' }).body;
        assert.deepEqual(normalRequest(again, differences.add), normalRequest(body, differences.add), file);
        count += 1;
      }
    }
    console.log(`clients: ${count} requests accepted and written back the same`);
    assert.equal(count, 19);
  });

  it('gives a request back after the way through chat, and lists every difference', () => {
    const differences = tally();
    let count = 0;
    for (const one of requests) {
      const body = record(one.request);
      const decoded = gemini.decodeRequest(body, pathOf(one));
      if (!decoded.ok) {
        assert.ok(one.status >= 400, one.id);
        differences.add('refused by Google and by us');
        continue;
      }
      const again = gemini.encodeRequest(decoded.value, { model: pathOf(one).model });
      assert.deepEqual(again.losses, [], one.id);
      const written = tally();
      assert.deepEqual(normalRequest(again.body, written.add), normalRequest(unwrapped(body), differences.add), one.id);
      // What we write needs none of this, but for the propertyOrdering and types inside a caller's own JSON Schema.
      assert.deepEqual(
        [...written.counts.keys()].filter((kind) => kind !== 'null in a schema'),
        [],
        one.id,
      );
      count += 1;
    }
    print(`requests: ${count} come back the same; differences of writing`, differences.counts);
    assert.equal(count, 396);
  });

  it('reads and writes the requests that other projects translated to Google', () => {
    const dir = join(corpusDir() ?? '', 'providers', 'translations');
    const differences = tally();
    let count = 0;
    for (const file of readdirSync(dir)) {
      const pair = record(parseJson(readFileSync(join(dir, file), 'utf8')));
      const body =
        pair['from'] === 'google'
          ? pair['source_request']
          : pair['to'] === 'google'
            ? pair['peer_translated_request']
            : undefined;
      if (!isRecord(body)) continue;
      const model = text(body['model']) || 'gemini-3.5-flash';
      const decoded = gemini.decodeRequest(body, { model, isStreaming: false });
      assert.ok(decoded.ok, file);
      const again = gemini.encodeRequest(decoded.value, { model }).body;
      const { thinkingConfig: _, ...config } = record(body['generationConfig']);
      const { thinkingConfig: __, ...configAgain } = record(again['generationConfig']);
      assert.deepEqual(
        normalRequest({ ...again, generationConfig: configAgain }, differences.add),
        normalRequest({ ...body, generationConfig: config }, differences.add),
        file,
      );
      count += 1;
    }
    print(`translations: ${count} requests come back the same; differences of writing`, differences.counts);
    assert.equal(count, 155);
  });
});

function unwrapped(body: JsonRecord): JsonRecord {
  return isRecord(body['generateContentRequest']) ? body['generateContentRequest'] : body;
}

describe('gemini: recorded replies', { skip }, () => {
  it('gives a reply back after the way through chat, and lists every difference', () => {
    const differences = tally();
    for (const one of replies) {
      const body = record(one.response);
      const decoded = gemini.decodeResponse(body, one.provider);
      assert.ok(decoded.ok, `${one.id}: ${decoded.ok ? '' : JSON.stringify(decoded.error)}`);
      const again = gemini.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(again.losses, [], one.id);
      assert.deepEqual(
        normalReply(again.body, () => undefined),
        normalReply(body, differences.add),
        one.id,
      );
    }
    print(`replies: ${replies.length} come back the same; differences of writing`, differences.counts);
    assert.equal(replies.length, 279);
  });

  it('counts what Google counts: input and output make the total', () => {
    let count = 0;
    for (const one of accepted) {
      for (const usage of one.stream === undefined
        ? [record(record(one.response)['usageMetadata'])]
        : usagesOf(one.stream)) {
        const total = usage['totalTokenCount'];
        if (typeof total !== 'number') continue;
        const read = decodeUsage(usage);
        assert.equal((read?.inputTokens ?? 0) + (read?.outputTokens ?? 0), total, one.id);
        assert.ok((read?.cachedInputTokens ?? 0) <= (read?.inputTokens ?? 0), one.id);
        count += 1;
      }
    }
    console.log(`usage: ${count} totals agree`);
    assert.equal(count, 559);
  });

  it('cites the very text that Google names, where it names it', () => {
    let count = 0;
    for (const one of accepted) {
      const response = one.stream === undefined ? gemini.decodeResponse(record(one.response), one.provider) : undefined;
      const whole =
        response === undefined ? collect(decodeAll(one), 'gemini') : response.ok ? response.value : undefined;
      for (const part of whole?.choices.flatMap((choice) => choice.parts) ?? []) {
        for (const citation of (part.kind === 'text' ? part.citations : undefined) ?? []) {
          if (part.kind !== 'text' || citation.citedText === undefined || citation.start === undefined) continue;
          assert.equal(part.text.slice(citation.start, citation.end), citation.citedText, one.id);
          count += 1;
        }
      }
    }
    console.log(`citations: ${count} stand where they should`);
    assert.equal(count, 138);
  });

  it('reads the replies that Google gave to translated requests', () => {
    const dir = join(corpusDir() ?? '', 'providers', 'translations');
    let count = 0;
    for (const file of readdirSync(dir).filter((name) => name.includes('--google--'))) {
      const reply = record(parseJson(readFileSync(join(dir, file), 'utf8')))['target_response'];
      if (!isRecord(reply)) continue;
      const decoded = gemini.decodeResponse(reply, 'gemini');
      assert.ok(decoded.ok, file);
      assert.deepEqual(
        normalReply(gemini.encodeResponse(decoded.value, CONTEXT).body, () => undefined),
        normalReply(reply, () => undefined),
        file,
      );
      count += 1;
    }
    console.log(`translations: ${count} replies come back the same`);
    assert.equal(count, 86);
  });

  it('answers a request for the number of tokens as Google does', () => {
    const counts = exchanges.filter((one) => one.operation === 'count-tokens' && one.status < 300);
    assert.equal(counts.length, 8);
    for (const one of counts) assert.equal(typeof record(one.response)['totalTokens'], 'number', one.id);
    assert.deepEqual(gemini.countTokensResponse(31), { totalTokens: 31 });
    for (const one of counts)
      if (isRecord(one.request))
        assert.ok(gemini.inspect(one.request, { ...pathOf(one), operation: 'count-tokens' }).ok, one.id);
  });
});

function usagesOf(stream: string): readonly JsonRecord[] {
  return pieces(stream).map((piece) => record(piece['usageMetadata']));
}

describe('gemini: recorded errors', { skip }, () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    'gemini-27d6b368edbd': 'upstream-refused',
    'gemini-6fc06dfe6b9b': 'upstream-auth',
    'gemini-7aee9a9971aa': 'upstream-auth',
    'gemini-b0bbb934a26f': 'upstream-auth',
    'gemini-0858854cc3ac': 'upstream-rate-limited',
    'gemini-cea99413721d': 'upstream-rate-limited',
    'gemini-constructed-503': 'upstream-overloaded',
    'gemini-constructed-504': 'upstream-timeout',
    'vertex-18042aaafa0a': 'upstream-refused',
    'vertex-37fc8f8654d6': 'upstream-error',
    'vertex-7e70112070cc': 'upstream-refused',
    'vertex-80e162004f2b': 'upstream-auth',
    'vertex-a2583be78700': 'upstream-auth',
    'vertex-ba23ac8cded4': 'upstream-refused',
    'vertex-d06922109105': 'upstream-refused',
    'vertex-e19ec4378762': 'upstream-refused',
  };

  it('classifies every one', () => {
    const codes = tally();
    const errors = exchanges.filter((one) => one.status >= 400);
    for (const one of errors) {
      const body = typeof one.response === 'string' ? one.response : JSON.stringify(one.response);
      for (const form of [body, `[${body}]`]) {
        const found = gemini.decodeError({
          status: one.status,
          headers: one.headers,
          body: form,
          provider: 'google',
          model: one.model ?? '',
          nowMs: 0,
        });
        assert.equal(
          found.code,
          EXPECTED[one.id] ?? (one.status === 404 ? 'upstream-not-found' : 'no expectation'),
          one.id,
        );
        assert.equal(found.upstreamStatus, one.status);
        assert.equal(found.isHearsay, undefined, one.id);
        if (form === body) codes.add(found.code);
      }
    }
    print(`errors: ${errors.length} classified`, codes.counts);
    assert.equal(errors.length, 23);
  });

  it('takes the wait that Google asks for, and no secret', () => {
    const limited = exchanges.find((one) => one.id === 'gemini-0858854cc3ac');
    const body = JSON.stringify(limited?.response).replace(
      'You exceeded',
      'Key AIzaSyA1234567890abcdefghijklmnopqrstuvw: you exceeded',
    );
    const found = gemini.decodeError({ status: 429, headers: {}, body, provider: 'google', model: 'm', nowMs: 0 });
    assert.equal(found.retryAfterMs, 48_000);
    assert.doesNotMatch(found.message, /AIza/);
    assert.equal(found.upstreamCode, 'RESOURCE_EXHAUSTED');
  });
});
