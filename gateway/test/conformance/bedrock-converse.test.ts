/**
 * The `bedrock-converse` dialect over every recorded exchange of its wire, and of Nova on InvokeModel, whose bodies are nearly
 * the same: what was accepted passes, nothing is lost on the way through `chat` and back but what is listed here, streams
 * mean the same however they are cut, exceptions become the right faults.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { mergeUsage, type Usage } from '../../src/chat/usage.ts';
import { bedrockConverse } from '../../src/dialects/bedrock-converse.ts';
import { converseSplitter } from '../../src/dialects/bedrock-converse/frames.ts';
import type { EncodeContext, PathFacts } from '../../src/dialects/dialect.ts';
import { asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { dice } from '../../src/lib/dice.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const SUITE = 'bedrock-converse conformance';
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };
const SEED = 20_261_127;
const RANDOM_CUTS = 50;
const corpus = corpusDir();
const all =
  corpus === undefined
    ? []
    : readIndex(corpus)
        .filter((row) => row.wire === 'bedrock-converse' || row.wire === 'bedrock-invoke-nova')
        .map((row) => readRecording(corpus, row));
const replies = all.filter((one) => one.status < 300 && !one.isStream);
const streams = all.filter((one) => one.isStream && one.wire === 'bedrock-converse');

function pathOf(one: Recording): PathFacts {
  const model = /\/model\/([^/]+)\//.exec(one.requestUrl)?.[1];
  return { model: decodeURIComponent(model ?? 'some.model'), isStreaming: one.requestUrl.endsWith('-stream') };
}

/** What is the same though it is written otherwise: counted by name, so that nothing else passes. */
function normal(body: JsonRecord, note: (kind: string) => void): JsonRecord {
  const kept = Object.entries(body).filter(([name, value]) => {
    const isEmpty =
      (Array.isArray(value) && value.length === 0) || (isRecord(value) && Object.keys(value).length === 0);
    if (isEmpty) note(`empty ${name} left out`);
    return !isEmpty;
  });
  const config = asRecord(body['inferenceConfig']);
  const stops = config?.['stopSequences'];
  if (!Array.isArray(stops) || stops.length > 0) return Object.fromEntries(kept);
  note('empty stopSequences left out');
  const { stopSequences: _, ...rest } = config ?? {};
  return { ...Object.fromEntries(kept), inferenceConfig: rest };
}

function printed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
}

function counter(): { readonly add: (kind: string) => void; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return { counts, add: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1) };
}

/** As JSON has it: without fields that are undefined. */
function json(value: unknown): unknown {
  return parseJson(JSON.stringify(value));
}

describe('bedrock-converse: recorded requests', { skip: corpusSkip(SUITE) }, () => {
  const asked = all.filter((one) => one.requestBody !== undefined);

  it('are accepted where Bedrock accepted them, and written back the same', () => {
    const differences = counter();
    for (const one of asked) {
      const body = one.requestBody ?? {};
      const path = pathOf(one);
      if (one.status < 300) {
        const seen = bedrockConverse.inspect(body, path);
        assert.ok(seen.ok, `${one.id}: ${seen.ok ? '' : seen.error.message}`);
        assert.ok(seen.value.textLength > 0, one.id);
      }
      const decoded = bedrockConverse.decodeRequest(body, path);
      assert.ok(decoded.ok, one.id);
      const again = bedrockConverse.encodeRequest(decoded.value, { model: path.model ?? '' });
      assert.deepEqual(again.losses, [], one.id);
      assert.deepEqual(json(again.body), json(normal(body, differences.add)), one.id);
    }
    console.log(`requests: ${asked.length} written back the same, but for: ${printed(differences.counts)}`);
    const without = all.length - asked.length;
    console.log(`requests: ${without} recordings have none as JSON`);
    assert.ok(asked.length >= 120);
  });

  it('go to the path they were recorded at', () => {
    for (const one of asked.filter((recording) => recording.wire === 'bedrock-converse')) {
      const { model = '', isStreaming = false } = pathOf(one);
      const path = bedrockConverse.path({ model, isStreaming, operation: 'chat' });
      // Some clients leave the colon of a model's id as it is.
      assert.equal(path.replaceAll('%3A', ':'), new URL(one.requestUrl).pathname.replaceAll('%3A', ':'), one.id);
    }
  });
});

/** One reply says `type: 'text'` beside a text, which says nothing more and is left out. */
function withoutTextTypes(body: string): string {
  return body
    .replaceAll('{"type":"text","text":', '{"text":')
    .replaceAll(/(\{"text":"(?:[^"\\]|\\.)*"),"type":"text"\}/g, '$1}');
}

describe('bedrock-converse: recorded replies', { skip: corpusSkip(SUITE) }, () => {
  it('are the same after a round trip, every field of them', () => {
    for (const one of replies) {
      const body = asRecord(one.json) ?? {};
      const decoded = bedrockConverse.decodeResponse(body, one.provider);
      assert.ok(decoded.ok, one.id);
      const again = bedrockConverse.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(json(again.body), JSON.parse(withoutTextTypes(JSON.stringify(body))), one.id);
      assert.deepEqual(again.losses, [], one.id);
      const seen = bedrockConverse.glance(body, one.provider);
      assert.ok(seen.ok, one.id);
      assert.deepEqual(seen.value.usage, decoded.value.usage, one.id);
      assert.equal(seen.value.finish, decoded.value.choices[0]?.finish.raw, one.id);
    }
    console.log(`replies: ${replies.length} the same after a round trip, glance agrees`);
    assert.ok(replies.length >= 80);
  });

  it('count tokens so that the parts make the total', () => {
    for (const one of replies) {
      const total = asRecord(asRecord(one.json)?.['usage'])?.['totalTokens'];
      const decoded = bedrockConverse.decodeResponse(asRecord(one.json) ?? {}, one.provider);
      const usage: Usage = (decoded.ok ? decoded.value.usage : undefined) ?? {};
      if (total !== undefined) assert.equal((usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), total, one.id);
    }
  });
});

describe('bedrock-converse: recorded streams', { skip: corpusSkip(SUITE) }, () => {
  it('are the same after a round trip', () => {
    for (const one of streams) {
      const events = eventsOf([one.bytes]);
      const encoder = bedrockConverse.encoder(CONTEXT);
      const bytes = Buffer.concat([...events.map((event) => encoder.push(event)), encoder.end()]);
      assert.deepEqual(encoder.losses(), [], one.id);
      assert.deepEqual(collect(eventsOf([bytes]), 'bedrock-converse'), collect(events, 'bedrock-converse'), one.id);
      assert.equal(eventsOf([bytes]).at(-1)?.type === 'error', events.at(-1)?.type === 'error', one.id);
    }
    const broken = streams.filter((one) => eventsOf([one.bytes]).at(-1)?.type === 'error').length;
    console.log(`streams: ${streams.length} the same after a round trip, ${broken} of them end in an exception`);
    assert.equal(broken, 2);
    assert.ok(streams.length >= 26);
  });

  it('are over with their last frame, though the connection stays open', () => {
    const open = streams.filter(({ bytes }) => {
      const decoder = bedrockConverse.decoder('bedrock');
      decoder.push(bytes);
      return !decoder.isOver();
    });
    assert.deepEqual(
      open.map(({ id }) => id),
      [],
    );
  });

  it('are the same events wherever the network cuts them', () => {
    const random = dice(SEED);
    for (const one of streams) {
      const cuts = Array.from({ length: 40 }, () => Math.floor(random() * one.bytes.length)).toSorted((a, b) => a - b);
      const edges = [0, ...cuts, one.bytes.length];
      const pieces = edges.slice(1).map((to, index) => one.bytes.subarray(edges[index], to));
      assert.deepEqual(eventsOf(pieces), eventsOf([one.bytes]), `${one.id} (seed ${SEED})`);
    }
  });

  it('that are cut short are a true beginning and then an error', () => {
    const random = dice(SEED);
    let cuts = 0;
    for (const one of streams) {
      const whole = eventsOf([one.bytes]);
      const places = [
        ...boundaries(one.bytes),
        ...Array.from({ length: RANDOM_CUTS }, () => Math.floor(random() * one.bytes.length)),
      ];
      for (const at of places) {
        const events = eventsOf([one.bytes.subarray(0, at)]);
        const isWhole = events.some((event) => event.type === 'finish');
        const said = isWhole ? events : events.slice(0, -1);
        assert.deepEqual(said, whole.slice(0, said.length), `${one.id} at ${at}`);
        if (!isWhole) assert.equal(events.at(-1)?.type, 'error', `${one.id} at ${at}`);
        cuts += 1;
      }
    }
    console.log(`streams: ${cuts} cuts, each a true beginning with an honest end`);
  });

  it('with one changed bit are an error, and nothing false before it', () => {
    const random = dice(SEED);
    for (const one of streams) {
      const bytes = Buffer.from(one.bytes);
      const at = Math.floor(random() * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      const events = eventsOf([bytes]);
      const last = events.at(-1);
      assert.ok(last?.type === 'error' || events.some((event) => event.type === 'finish'), one.id);
      const said = last?.type === 'error' ? events.slice(0, -1) : events;
      assert.deepEqual(said, eventsOf([one.bytes]).slice(0, said.length), one.id);
    }
  });

  it('tell a tap what they tell the decoder', () => {
    for (const one of streams) {
      const tap = bedrockConverse.tap('bedrock');
      const marks = converseSplitter()
        .push(one.bytes)
        .map((event) => tap.see(event.name, event.data));
      const events = eventsOf([one.bytes]);
      const tapped = marks.reduce<Usage | undefined>(
        (sum, { usage }) => (usage === undefined ? sum : mergeUsage(sum, usage)),
        undefined,
      );
      assert.deepEqual(tapped, collect(events, 'bedrock-converse').usage, one.id);
      assert.equal(
        marks.some(({ isFinished }) => isFinished === true),
        events.some(({ type }) => type === 'finish'),
        one.id,
      );
      assert.equal(
        marks.some(({ hasContent }) => hasContent === true),
        events.some(isContent),
        one.id,
      );
      const last = events.at(-1);
      assert.deepEqual(
        marks.find(({ fault }) => fault !== undefined)?.fault,
        last?.type === 'error' ? last.fault : undefined,
        one.id,
      );
    }
  });
});

describe('bedrock-converse: recorded errors', { skip: corpusSkip(SUITE) }, () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    'Input Tokens Exceeded': 'context-length',
    'model identifier is invalid': 'upstream-not-found',
    'end of its life': 'upstream-not-found',
    "don't have access to the model": 'upstream-not-found',
    'security token included in the request': 'upstream-auth',
    'Too many requests': 'upstream-rate-limited',
  };

  it('become the faults they are', () => {
    const counts = counter();
    const failed = all.filter((one) => one.status >= 300);
    const errors = corpus === undefined ? [] : failed.map((one) => ({ one, headers: headersOf(corpus, one) }));
    for (const { one, headers } of errors) {
      const body = one.bytes.toString('utf8');
      const of = bedrockConverse.decodeError({
        status: one.status,
        headers,
        body,
        provider: 'bedrock',
        model: 'm',
        nowMs: 0,
      });
      const expected = Object.entries(EXPECTED).find(([words]) => body.includes(words))?.[1] ?? 'upstream-refused';
      assert.equal(of.code, expected, one.id);
      assert.equal(of.upstreamStatus, one.status, one.id);
      assert.equal(of.isHearsay, undefined, one.id);
      const message = asString(asRecord(one.json)?.['message']) ?? '';
      // What is said of our own key stays here.
      assert.ok(of.code === 'upstream-auth' || of.message.includes(message), one.id);
      // A 200 that holds such a body is the same error.
      assert.equal(bedrockConverse.decodeResponse(asRecord(one.json) ?? {}, 'bedrock').ok, false, one.id);
      counts.add(`${one.status} ${of.code}`);
    }
    console.log(`errors: ${errors.length}: ${printed(counts.counts)}`);
    assert.ok(errors.length >= 14);
  });
});

function headersOf(dir: string, one: Recording): Readonly<Record<string, string>> {
  const file = asRecord(parseJson(readFileSync(join(dir, 'providers', one.file), 'utf8')));
  const headers = asRecord(asRecord(file?.['response'])?.['headers']) ?? {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function eventsOf(pieces: readonly Buffer[]): readonly ChatEvent[] {
  const decoder = bedrockConverse.decoder('bedrock');
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}

function isContent(event: ChatEvent): boolean {
  return [
    'text-delta',
    'reasoning-delta',
    'reasoning-encrypted',
    'tool-call-start',
    'citation',
    'opaque',
    'media',
  ].includes(event.type);
}

/** Where each frame ends. */
function boundaries(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.readUInt32BE(0); at < bytes.length; at += bytes.readUInt32BE(at)) found.push(at);
  return found;
}
