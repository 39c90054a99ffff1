/**
 * InvokeModel over all its recordings: the `bedrock-invoke` dialect reads each maker's form; Claude's frames also go through
 * the provider's splitter, as they do for an Anthropic client, and give Anthropic's events, byte for byte.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import { bedrockInvoke } from '../../src/dialects/bedrock-invoke.ts';
import { claudeSplitter } from '../../src/dialects/bedrock-invoke/claude.ts';
import type { EncodeContext, PathFacts } from '../../src/dialects/dialect.ts';
import { readingHead } from '../../src/dialects/head-usage.ts';
import { messageSplitter } from '../../src/lib/event-stream.ts';
import { asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { readIndex, readRecording, WIRES, type Recording } from './recordings.ts';

const SUITE = 'bedrock-invoke conformance';
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };
const corpus = corpusDir();
const rows = corpus === undefined ? [] : readIndex(corpus).filter((row) => row.wire.startsWith('bedrock-invoke-'));
const all = rows
  .filter((row) => WIRES[row.wire] === 'bedrock-invoke' && row.operation.startsWith('chat'))
  .map((row) => readRecording(corpus ?? '', row));
const replies = all.filter((one) => one.status < 300 && !one.isStream);
const streams = all.filter((one) => one.status < 300 && one.isStream);

/** Captured through an SDK, some have lost the model's id: they are all Claude's. */
function pathOf(one: Recording): PathFacts {
  const model = decodeURIComponent(/\/model\/([^/]*)\//.exec(one.requestUrl)?.[1] ?? '');
  return { model: model === '' ? 'anthropic.claude-haiku-4-5' : model, isStreaming: one.operation === 'chat-stream' };
}

function counted(keys: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].map(([key, count]) => `${key} ${count}`).join(', ');
}

function plain(value: unknown): unknown {
  return parseJson(JSON.stringify(value));
}

describe('bedrock-invoke: recorded requests', { skip: corpusSkip(SUITE) }, () => {
  it('are accepted, and written back the same', () => {
    const asked = all.filter((one) => one.requestBody !== undefined);
    for (const one of asked) {
      const body = one.requestBody ?? {};
      const path = pathOf(one);
      const seen = bedrockInvoke.inspect(body, path);
      assert.ok(seen.ok, `${one.id}: ${seen.ok ? '' : seen.error.message}`);
      assert.ok(seen.value.textLength > 0, one.id);
      const decoded = bedrockInvoke.decodeRequest(body, path);
      assert.ok(decoded.ok, one.id);
      // A profile's id may hide whose model it is.
      const isHidden = body['anthropic_version'] !== undefined && path.model?.includes('claude') !== true;
      const model = isHidden ? 'anthropic.claude-3-5-sonnet' : (path.model ?? '');
      const again = bedrockInvoke.encodeRequest(decoded.value, { model });
      assert.deepEqual(again.losses, [], one.id);
      assert.deepEqual(comparable(again.body), comparable(body), one.id);
    }
    const left = rows.filter((row) => WIRES[row.wire] === undefined).map((row) => row.wire);
    console.log(`requests: ${asked.length} written back the same (${counted(asked.map((one) => one.wire))})`);
    console.log(`left out: ${counted(left)} (no chats), ${all.length - asked.length} without a body of JSON`);
    assert.ok(asked.length >= 70);
  });

  it('never exceed a limit that is set on them', () => {
    for (const one of all) {
      if (one.requestBody === undefined) continue;
      const seen = bedrockInvoke.inspect(bedrockInvoke.limitOutput(one.requestBody, 3), pathOf(one));
      const asked = bedrockInvoke.inspect(one.requestBody, pathOf(one));
      if (asked.ok && asked.value.maxOutputTokens !== undefined)
        assert.equal(seen.ok && seen.value.maxOutputTokens, 3, one.id);
    }
  });
});

/** One text is a string or a list of one block; what is empty may be left out; Nova's version and Claude's stand in ours alone. */
function comparable(body: JsonRecord): unknown {
  const kept = Object.entries(body).filter(([name, value]) => {
    const isEmpty = Array.isArray(value) && value.length === 0 && name !== 'stop_sequences';
    return !isEmpty && name !== 'schemaVersion' && name !== 'anthropic_version';
  });
  return plain(
    JSON.parse(JSON.stringify(Object.fromEntries(kept)), (name, value: unknown) => {
      if ((name !== 'content' && name !== 'system') || !Array.isArray(value) || value.length !== 1) return value;
      const only: unknown = value[0];
      return isRecord(only) && only['type'] === 'text' && Object.keys(only).length === 2 ? only['text'] : value;
    }),
  );
}

describe('bedrock-invoke: recorded replies', { skip: corpusSkip(SUITE) }, () => {
  it('say what their makers said, with the end and, where it is told, the tokens', () => {
    for (const one of replies) {
      const body = asRecord(one.json) ?? {};
      const decoded = bedrockInvoke.decodeResponse(body, one.provider);
      assert.ok(decoded.ok, one.id);
      const text = textOf(decoded.value);
      assert.ok(text !== '' || decoded.value.choices[0]?.parts.some((part) => part.kind === 'tool-call'), one.id);
      assert.ok(JSON.stringify(body).includes(JSON.stringify(text).slice(1, -1)), one.id);
      const reason = decoded.value.choices[0]?.finish.reason;
      const isGuarded = body['amazon-bedrock-guardrailAction'] === 'INTERVENED';
      const expected = isGuarded ? ['content-filter'] : ['stop', 'length', 'tool-calls'];
      assert.ok(expected.includes(reason ?? ''), `${one.id}: ${reason}`);
      const seen = bedrockInvoke.glance(body, one.provider);
      assert.deepEqual(seen.ok && seen.value.usage, decoded.value.usage, one.id);
    }
    const uncounted = replies.filter((one) => {
      const decoded = bedrockInvoke.decodeResponse(asRecord(one.json) ?? {}, one.provider);
      return decoded.ok && decoded.value.usage === undefined;
    });
    console.log(
      `replies: ${replies.length} read; without a count of tokens: ${counted(uncounted.map((one) => one.wire))}`,
    );
    assert.ok(replies.length >= 40);
  });

  it('of text models say the same after a round trip', () => {
    for (const one of replies) {
      const decoded = bedrockInvoke.decodeResponse(asRecord(one.json) ?? {}, one.provider);
      if (!decoded.ok || decoded.value.origin !== 'bedrock-invoke') continue;
      const again = bedrockInvoke.decodeResponse(
        bedrockInvoke.encodeResponse(decoded.value, CONTEXT).body,
        one.provider,
      );
      assert.ok(again.ok, one.id);
      assert.deepEqual(gist(again.value), gist(decoded.value), one.id);
    }
  });
});

function textOf(response: ChatResponse): string {
  return (response.choices[0]?.parts ?? []).map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

function gist(response: ChatResponse): unknown {
  const { inputTokens, outputTokens } = response.usage ?? {};
  return { text: textOf(response), reason: response.choices[0]?.finish.reason, inputTokens, outputTokens };
}

describe('bedrock-invoke: recorded streams', { skip: corpusSkip(SUITE) }, () => {
  it('are read to their end, with tokens, wherever the network cuts them', () => {
    for (const one of streams) {
      const whole = eventsOf([one.bytes]);
      const response = collect(whole, 'bedrock-invoke');
      assert.ok(!whole.some((event) => event.type === 'error'), one.id);
      assert.ok(
        whole.some((event) => event.type === 'finish'),
        one.id,
      );
      assert.notEqual(response.usage?.outputTokens, undefined, one.id);
      const middle = Math.floor(one.bytes.length / 2);
      assert.deepEqual(eventsOf([one.bytes.subarray(0, middle), one.bytes.subarray(middle)]), whole, one.id);
      assert.deepEqual(eventsOf([...one.bytes].map((byte) => Buffer.from([byte]))), whole, one.id);
    }
    console.log(`streams: ${streams.length} read (${counted(streams.map((one) => one.wire))})`);
    assert.ok(streams.length >= 29);
  });

  it('are over with their last frame, though the connection stays open', () => {
    let count = 0;
    for (const one of streams) {
      const decoder = bedrockInvoke.decoder('bedrock');
      decoder.push(one.bytes);
      count += Number(decoder.isOver());
    }
    console.log(`streams: ${count} of ${streams.length} are over with their last frame`);
    assert.equal(count, streams.length);
  });

  it('that are cut short before their end are an error', () => {
    for (const one of streams) {
      const events = eventsOf([one.bytes.subarray(0, Math.floor(one.bytes.length / 2))]);
      if (!events.some((event) => event.type === 'finish')) assert.equal(events.at(-1)?.type, 'error', one.id);
    }
  });

  it('of text models say the same after a round trip', () => {
    for (const one of streams.filter((stream) => !/anthropic|nova|other/.test(stream.wire))) {
      const events = eventsOf([one.bytes]);
      const encoder = bedrockInvoke.encoder(CONTEXT);
      const again = eventsOf([Buffer.concat([...events.map((event) => encoder.push(event)), encoder.end()])]);
      const expected = gist(collect(events, 'bedrock-invoke'));
      const got = gist(collect(again, 'bedrock-invoke'));
      assert.deepEqual(got, expected, one.id);
    }
  });

  it('tell a tap what they tell the decoder', () => {
    for (const one of streams) {
      const tap = bedrockInvoke.tap('bedrock');
      const marks = (bedrockInvoke.splitter?.().push(one.bytes) ?? []).map((event) => tap.see(event.name, event.data));
      const events = eventsOf([one.bytes]);
      const hasWords = events.some(({ type }) => type.endsWith('-delta') || type === 'tool-call-start');
      const hasContent = marks.some((mark) => mark.hasContent === true);
      assert.equal(hasContent, hasWords, one.id);
      const isFinished = marks.some((mark) => mark.isFinished === true);
      assert.ok(isFinished, one.id);
      const { outputTokens } = marks.findLast(({ usage }) => usage !== undefined)?.usage ?? {};
      assert.equal(outputTokens, collect(events, 'bedrock-invoke').usage?.outputTokens, one.id);
    }
  });
});

describe('Claude on InvokeModel: recorded streams', { skip: corpusSkip(SUITE) }, () => {
  const claudes = streams.filter((one) => asRecord(one.requestBody)?.['anthropic_version'] !== undefined);

  it('give Anthropic’s events, each as it was in its frame and under its name', () => {
    for (const one of claudes) {
      const events = claudeSplitter().push(one.bytes);
      const chunks = messageSplitter()
        .push(one.bytes)
        .map(({ payload }) => asString(asRecord(parseJson(payload.toString('utf8')))?.['bytes']) ?? '');
      assert.deepEqual(
        events.map(({ data }) => data.toString('base64')),
        chunks,
        one.id,
      );
      for (const { name, data } of events)
        assert.equal(name, asRecord(parseJson(data.toString('utf8')))?.['type'], one.id);
      const decoder = anthropicMessages.decoder('bedrock', claudeSplitter());
      const read = [...decoder.push(one.bytes), ...decoder.end()];
      assert.equal(collect(read, 'anthropic-messages').choices[0]?.finish.reason === undefined, false, one.id);
      assert.deepEqual(read, eventsOf([one.bytes]), one.id);
    }
    console.log(`Claude on InvokeModel: ${claudes.length} streams as Anthropic's events`);
    assert.ok(claudes.length >= 18);
  });
});

describe('bedrock-invoke: recorded heads', { skip: corpusSkip(SUITE) }, () => {
  it('tell what the replies tell, and what some of them do not', () => {
    let agreed = 0;
    let told = 0;
    for (const one of all.filter(({ status, isStream }) => status < 300 && !isStream)) {
      const body = isRecord(one.json) ? one.json : {};
      const own = bedrockInvoke.decodeResponse(body, 'bedrock');
      const read = readingHead(bedrockInvoke, one.headers).decodeResponse(body, 'bedrock');
      const glance = readingHead(bedrockInvoke, one.headers).glance(body, 'bedrock');
      const head = bedrockInvoke.usageInHead?.(one.headers);
      assert.ok(own.ok && read.ok && glance.ok, one.id);
      assert.deepEqual(glance.value.usage, read.value.usage, one.id);
      if (head === undefined) assert.deepEqual(read, own, one.id);
      else if (own.value.usage === undefined) {
        told += 1;
        assert.deepEqual(read.value.usage, head, one.id);
      } else {
        agreed += 1;
        assert.deepEqual(read, own, one.id);
        const { inputTokens = 0, cachedInputTokens = 0, cacheWriteTokens = 0, outputTokens } = own.value.usage;
        assert.deepEqual(
          [head.inputTokens, head.outputTokens],
          [inputTokens - cachedInputTokens - cacheWriteTokens, outputTokens],
        );
      }
    }
    console.log(`heads: ${agreed} agree with the reply, ${told} tell what it does not`);
    assert.ok(agreed > 20 && told >= 4);
  });
});

describe('bedrock-invoke: recorded errors', { skip: corpusSkip(SUITE) }, () => {
  it('become the faults they are', () => {
    const failed = all.filter((one) => one.status >= 300);
    const codes = failed.map((one) => {
      const headers = { 'x-amzn-errortype': one.status === 403 ? 'AccessDeniedException' : 'ValidationException' };
      const body = one.bytes.toString('utf8');
      return bedrockInvoke.decodeError({ status: one.status, headers, body, provider: 'b', model: 'm', nowMs: 0 }).code;
    });
    console.log(`errors: ${failed.length}: ${counted(codes)}`);
    assert.ok(codes.every((code) => ['upstream-auth', 'upstream-not-found', 'upstream-refused'].includes(code)));
  });
});

function eventsOf(pieces: readonly Buffer[]): readonly ChatEvent[] {
  const decoder = bedrockInvoke.decoder('bedrock');
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}
