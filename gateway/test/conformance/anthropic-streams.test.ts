/** Every recorded stream of the `anthropic-messages` wire means the same however it is cut, and ends honestly where it is cut short. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { mergeUsage, type Usage } from '../../src/chat/usage.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { dice } from '../../src/lib/dice.ts';
import { decodeAll, encodeAll, skip, streams, whole } from './anthropic-recordings.ts';

const SEED = 20261122;
const RANDOM_CUTS = 50;
/** The only recorded stream that is broken inside: two messages spliced into one (a test fixture of @ai-sdk/anthropic). */
const SPLICED = 'anthropic-5f301aab0471';

describe('anthropic-messages: recorded streams', { skip }, () => {
  it('reads the same events wherever the network cuts the bytes', (test) => {
    const random = dice(SEED);
    let bytesRead = 0;
    for (const { id, stream } of streams) {
      const bytes = stream;
      const expected = decodeAll([bytes]);
      assert.deepEqual(decodeAll(cutRandomly(bytes, random, 7)), expected, id);
      assert.deepEqual(decodeAll(cutRandomly(bytes, random, 1500)), expected, id);
      bytesRead += bytes.length;
    }
    test.diagnostic(`${streams.length} streams of ${bytesRead} bytes, seed ${SEED}`);
    assert.ok(streams.length >= 120);
  });

  it('reads the same events with CRLF, CR, comments and no space after the colon', () => {
    for (const { id, stream } of streams) {
      const text = stream.toString('utf8');
      const expected = decodeAll([Buffer.from(text)]);
      assert.deepEqual(decodeAll([Buffer.from(text.replaceAll('\n', '\r\n'))]), expected, id);
      assert.deepEqual(decodeAll([Buffer.from(text.replaceAll('\n', '\r'))]), expected, id);
      assert.deepEqual(
        decodeAll([Buffer.from(`\ufeff: hello\n\n${text.replaceAll(/^(data|event): /gm, '$1:')}`)]),
        expected,
        id,
      );
    }
  });

  it('gives the events so far and then an honest error, wherever the stream ends too early', (test) => {
    const random = dice(SEED);
    let cuts = 0;
    for (const { id, stream } of whole) {
      const bytes = stream;
      const full = decodeAll([bytes]);
      for (const cut of [
        ...eventEnds(bytes),
        ...Array.from({ length: RANDOM_CUTS }, () => Math.floor(random() * bytes.length)),
      ]) {
        const events = decodeAll([bytes.subarray(0, cut)]);
        const last = events.at(-1);
        const isBroken = last?.type === 'error';
        const seen = isBroken ? events.slice(0, -1) : events;
        assert.deepEqual(seen, full.slice(0, seen.length), `${id} cut at ${cut}`);
        assert.equal(isBroken, !seen.some((event) => event.type === 'finish'), `${id} cut at ${cut}`);
        if (isBroken) assert.equal(last.fault.code, 'upstream-cut', `${id} cut at ${cut}`);
        cuts += 1;
      }
    }
    test.diagnostic(`${cuts} cuts of ${whole.length} streams, seed ${SEED}`);
    assert.deepEqual(
      streams.filter((exchange) => !whole.includes(exchange)).map((exchange) => exchange.id),
      [SPLICED, 'anthropic-constructed-cut'],
    );
  });

  it('writes a stream that reads the same again', (test) => {
    for (const { id, stream } of whole) {
      const events = decodeAll([stream]);
      const again = decodeAll([Buffer.from(encodeAll(events))]);
      assert.deepEqual(collect(again, 'anthropic-messages'), collect(events, 'anthropic-messages'), id);
    }
    test.diagnostic(`${whole.length} streams`);
  });

  it('taps what the decoder reads: first content, finish, usage, fault, pings', (test) => {
    let seen = 0;
    for (const { id, stream } of streams) seen += assertTapAgrees(id, stream);
    test.diagnostic(`${seen} events of ${streams.length} streams`);
    assert.ok(seen >= 2800);
  });
});

function* cutRandomly(bytes: Buffer, random: () => number, sizeMax: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * sizeMax);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Byte positions behind each event. */
function eventEnds(bytes: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf('\n\n'); at !== -1; at = bytes.indexOf('\n\n', at + 2)) ends.push(at + 2);
  return ends.slice(0, -1);
}

function isContent(event: ChatEvent): boolean {
  const { type } = event;
  if (type === 'text-delta' || type === 'reasoning-delta') return event.text !== '';
  return (
    type === 'tool-call-start' ||
    type === 'tool-call-delta' ||
    type === 'opaque' ||
    type === 'reasoning-encrypted' ||
    type === 'citation'
  );
}

/** Event by event: what the tap marks is what the decoder says, and no content comes before the tap's first mark. */
function assertTapAgrees(id: string, bytes: Buffer): number {
  const tap = anthropicMessages.tap('anthropic');
  const decoder = anthropicMessages.decoder('anthropic');
  let usage: Usage | undefined;
  let tapped: Usage | undefined;
  let hasContent = false;
  let count = 0;
  for (const event of sseSplitter().push(bytes)) {
    const mark = tap.see(event.name, event.data);
    const events = decoder.push(event.raw);
    const place = `${id}, event ${count}`;
    hasContent ||= mark.hasContent === true;
    if (events.some(isContent)) assert.ok(hasContent, place);
    if (mark.usage !== undefined) tapped = mergeUsage(tapped, mark.usage);
    for (const one of events) if (one.type === 'usage') usage = mergeUsage(usage, one.usage);
    assert.deepEqual(tapped, usage, place);
    assert.equal(
      mark.isFinished === true && mark.isLast !== true,
      events.some((one) => one.type === 'finish') && mark.isLast !== true,
      place,
    );
    const failure = events.find((one) => one.type === 'error');
    assert.deepEqual(mark.fault, failure?.type === 'error' ? failure.fault : undefined, place);
    if (events.length === 1 && events[0]?.type === 'ping') assert.equal(mark.isPing, true, place);
    count += 1;
    if (mark.isLast === true || mark.fault !== undefined) break;
  }
  const decoded = decodeAll([bytes]);
  assert.equal(hasContent, decoded.some(isContent), id);
  return count;
}
