/** What the conformance suites of several dialects do alike: round trips with listed differences, streams cut at any place, errors. */
import assert from 'node:assert/strict';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import type { Usage } from '../../src/chat/usage.ts';
import type { Dialect, EncodeContext, Mark } from '../../src/dialects/dialect.ts';
import { isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir } from '../corpus.ts';
import { isSpoken, readIndex, readRecording, WIRES, type Recording } from './recordings.ts';

export const SEED = 20_261_127;
export const CONTEXT: EncodeContext = { requestId: 'r1', model: 'asked', nowS: 1_700_000_000, wantsStreamUsage: true };
const RANDOM_CUTS = 50;
/** Streams of up to so many events are cut behind each; longer ones behind a third as many at either end and in between. */
const BOUNDARIES_MAX = 150;

/** Chats recorded of the wires of a dialect; none where this checkout has no recordings. */
export function recordingsOf(dialect: Dialect): readonly Recording[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  return readIndex(corpus)
    .filter((row) => WIRES[row.wire] === dialect.id && isSpoken(row))
    .map((row) => readRecording(corpus, row));
}

/** Small seeded dice (mulberry32), so that a failing cut can be seen again. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Named changes that bring both sides of a comparison to one form. */
export type Rules = Readonly<Record<string, (body: JsonRecord) => JsonRecord>>;

/** Compares bodies by rules, and counts how often each was needed: one that no recording needs any more fails `check`. */
export function comparer(rules: Rules): {
  same(got: JsonRecord, recorded: JsonRecord, id: string): void;
  check(title: string): void;
} {
  const counts = new Map(Object.keys(rules).map((name) => [name, 0]));
  function canonical(body: JsonRecord, isCounted: boolean): JsonRecord {
    let now = body;
    for (const [name, rule] of Object.entries(rules)) {
      const next = rule(now);
      if (isCounted && JSON.stringify(next) !== JSON.stringify(now)) counts.set(name, (counts.get(name) ?? 0) + 1);
      now = next;
    }
    return now;
  }
  return {
    same: (got, recorded, id) => {
      const plain = JSON.parse(JSON.stringify(got)) as JsonRecord;
      assert.deepEqual(canonical(plain, false), canonical(recorded, true), id);
    },
    check: (title) => {
      console.log(title);
      for (const [name, count] of counts) console.log(`  ${String(count).padStart(4)} ${name}`);
      const unused = [...counts].filter(([, count]) => count === 0).map(([name]) => name);
      assert.deepEqual(unused, [], 'differences that no recording shows any more');
    },
  };
}

/** The events of a stream that comes in pieces, cut at `edges`. */
export function decodeAll(dialect: Dialect, wire: Buffer, edges: readonly number[] = []): readonly ChatEvent[] {
  const decoder = dialect.decoder('p');
  const cuts = [0, ...edges.toSorted((a, b) => a - b), wire.length];
  return [...cuts.slice(1).flatMap((to, at) => decoder.push(wire.subarray(cuts[at], to))), ...decoder.end()];
}

/** Reads every stream in random pieces, and byte by byte: the same events. Gives the number of runs. */
export function assertSameInPieces(dialect: Dialect, streams: readonly Recording[]): number {
  const random = dice(SEED);
  for (const { id, bytes } of streams) {
    const whole = decodeAll(dialect, bytes);
    const edges = Array.from({ length: 40 }, () => Math.floor(random() * bytes.length));
    assert.deepEqual(decodeAll(dialect, bytes, edges), whole, `${id} in pieces (seed ${SEED})`);
    const everywhere = bytes.length > 40_000 ? [] : Array.from({ length: bytes.length }, (_, index) => index);
    assert.deepEqual(decodeAll(dialect, bytes, everywhere), whole, `${id} byte by byte`);
  }
  return streams.length * 2;
}

/** Cuts every stream short behind its events and at fifty random bytes: the same events so far, and an honest end. Gives the number of cuts. */
export function assertHonestWhenCut(dialect: Dialect, streams: readonly Recording[], boundary: RegExp): number {
  const random = dice(SEED);
  let cuts = 0;
  for (const { id, bytes } of streams) {
    const whole = decodeAll(dialect, bytes).map((event) => JSON.stringify(event));
    const all = [...bytes.toString('latin1').matchAll(boundary)].map((match) => match.index + match[0].length);
    const boundaries = someOf(all, random);
    const anywhere = Array.from({ length: RANDOM_CUTS }, () => Math.floor(random() * bytes.length));
    for (const cut of [...boundaries, ...anywhere]) {
      const events = decodeAll(dialect, bytes.subarray(0, cut));
      const isBroken = events.at(-1)?.type === 'error';
      const name = `${id} cut at ${cut} (seed ${SEED})`;
      assert.ok(isBroken || events.some((event) => event.type === 'finish'), `${name}: no honest end`);
      const said = events.slice(0, isBroken ? -1 : events.length).map((event) => JSON.stringify(event));
      assert.deepEqual(said, whole.slice(0, said.length), name);
      cuts += 1;
    }
  }
  return cuts;
}

function someOf(all: readonly number[], random: () => number): readonly number[] {
  if (all.length <= BOUNDARIES_MAX) return all;
  const third = BOUNDARIES_MAX / 3;
  const middle = Array.from({ length: third }, () => all[Math.floor(random() * all.length)] ?? 0);
  return [...all.slice(0, third), ...middle, ...all.slice(-third)];
}

/** Writes every stream and reads it again: the same reply. What the provider's own words become is `comparable`'s to say. */
export function assertReadsBack(
  dialect: Dialect,
  streams: readonly Recording[],
  comparable: (reply: ChatResponse) => unknown,
): void {
  for (const { id, bytes } of streams) {
    const events = decodeAll(dialect, bytes);
    const encoder = dialect.encoder(CONTEXT);
    const written = `${events.map((event) => encoder.push(event)).join('')}${encoder.end().toString()}`;
    const again = collect(decodeAll(dialect, Buffer.from(written)), dialect.id);
    assert.deepEqual(comparable(again), comparable(collect(events, dialect.id)), id);
  }
}

const CONTENT: ReadonlySet<ChatEvent['type']> = new Set<ChatEvent['type']>([
  'text-delta',
  'reasoning-delta',
  'tool-call-start',
  'tool-call-delta',
  'citation',
  'media',
  'opaque',
]);

/** Lets a tap read along, piece by piece: content, finish, usage and errors as the decoder finds them. Gives the number of pieces. */
export function assertTapAgrees(
  dialect: Dialect,
  streams: readonly Recording[],
  pieces: (bytes: Buffer) => readonly { readonly name: string; readonly data: Buffer; readonly raw: Buffer }[],
): number {
  let count = 0;
  for (const { id, bytes } of streams) {
    const tap = dialect.tap('p');
    const decoder = dialect.decoder('p');
    let usage: Usage | undefined;
    for (const { name, data, raw } of pieces(bytes)) {
      const mark: Mark = tap.see(name, data);
      const events = decoder.push(raw);
      const at = `${id}: ${data.toString('utf8').slice(0, 120)}`;
      for (const event of events) if (event.type === 'usage') usage = event.usage;
      assert.equal(
        mark.hasContent === true,
        events.some((event) => CONTENT.has(event.type)),
        at,
      );
      assert.equal(
        mark.isFinished === true,
        events.some((event) => event.type === 'finish'),
        at,
      );
      if (mark.usage !== undefined) assert.deepEqual(mark.usage, usage, at);
      assert.deepEqual(mark.fault, events.find((event) => event.type === 'error')?.fault, at);
      count += 1;
    }
  }
  return count;
}

/** How each recorded error is classified: `PROVIDER STATUS: CODE` and how often. */
export function classified(dialect: Dialect, failures: readonly Recording[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { bytes, provider, status } of failures) {
    const of = dialect.decodeError({
      status,
      headers: {},
      body: bytes.toString('utf8'),
      provider,
      model: 'm',
      nowMs: 1_700_000_000_000,
    });
    assert.ok(!/sk-|\*{4}/.test(of.message) || of.code === 'upstream-auth', of.message);
    assert.ok(JSON.stringify(dialect.encodeFault(of, { requestId: 'r1' })).includes(JSON.stringify(of.message)));
    const line = `${provider} ${status}: ${of.code} (${of.upstreamCode ?? '-'})`;
    counts[line] = (counts[line] ?? 0) + 1;
  }
  return counts;
}

/** The reply of a whole recording; an honest text where it has none. */
export function bodyOf(recording: Recording): JsonRecord {
  const body = isRecord(recording.json) ? recording.json : parseJson(recording.bytes.toString('utf8'));
  assert.ok(isRecord(body), `${recording.id} is no JSON object`);
  return body;
}
