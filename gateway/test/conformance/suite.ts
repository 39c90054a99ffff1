/** What the conformance suites of several dialects do alike: round trips with listed differences, streams cut at any place, errors. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import type { Usage } from '../../src/chat/usage.ts';
import type { Dialect, EncodeContext, Mark, PathFacts } from '../../src/dialects/dialect.ts';
import { asRecord, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir } from '../corpus.ts';
import { dice } from '../../src/lib/dice.ts';
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

/** The requests of real clients on a wire: the file and the body of each. */
export function clientRequests(wire: string): readonly (readonly [file: string, body: JsonRecord])[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  const dir = join(corpus, 'clients');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
    if (!file.endsWith('.json')) return [];
    const entry = asRecord(parseJson(readFileSync(join(dir, file), 'utf8')));
    const body = asRecord(asRecord(entry?.['request'])?.['body']);
    return entry?.['wire'] === wire && body !== undefined ? [[file, body] as const] : [];
  });
}

/** Named changes that bring both sides of a comparison to one form. */
export type Rules = Readonly<Record<string, (body: JsonRecord) => JsonRecord>>;

/**
 * Compares bodies by rules, and counts how often each was needed: one that no recording needs any more fails `check`.
 * With `countsOurs`, what we wrote may be what needs it.
 */
export function comparer(
  rules: Rules,
  { countsOurs = false } = {},
): {
  same(got: JsonRecord, recorded: JsonRecord, id: string): void;
  check(title: string): void;
} {
  const counts = new Map(Object.keys(rules).map((name) => [name, 0]));
  function canonical(body: JsonRecord, isCounted: boolean): JsonRecord {
    let now = body;
    for (const [name, rule] of Object.entries(rules)) {
      const next = rule(now);
      if (isCounted && !isDeepStrictEqual(next, now)) counts.set(name, (counts.get(name) ?? 0) + 1);
      now = next;
    }
    return now;
  }
  return {
    same: (got, recorded, id) => {
      assert.deepEqual(canonical(got, countsOurs), canonical(recorded, true), id);
    },
    check: (title) => {
      console.log(title);
      for (const [name, count] of counts) console.log(`  ${String(count).padStart(4)} ${name}`);
      const unused = [...counts].filter(([, count]) => count === 0).map(([name]) => name);
      assert.deepEqual(unused, [], 'differences that no recording shows any more');
    },
  };
}

/** A recorded request. */
export interface Asked {
  readonly id: string;
  readonly body: JsonRecord;
  readonly path?: PathFacts;
  /** What must come back, where it is more than the body. */
  readonly expected?: JsonRecord;
}

/** Reads every request and writes it again: nothing is lost, and the rules are all that differs. `also` looks at what was written. */
export function assertRequestsComeBack(
  dialect: Dialect,
  asked: readonly Asked[],
  { rules, also }: { readonly rules: Rules; readonly also?: (written: JsonRecord, one: Asked) => void },
): void {
  const same = comparer(rules);
  for (const one of asked) {
    const decoded = dialect.decodeRequest(one.body, one.path ?? {});
    assert.ok(decoded.ok, `${one.id}: ${decoded.ok ? '' : decoded.error.message}`);
    const { body, losses } = dialect.encodeRequest(decoded.value, { model: decoded.value.model });
    assert.deepEqual(losses, [], one.id);
    same.same(body, one.expected ?? one.body, one.id);
    also?.(body, one);
  }
  same.check(`requests: ${asked.length} round trips, differences listed:`);
}

/** A recorded whole reply. */
export interface Replied {
  readonly id: string;
  readonly provider: string;
  readonly body: JsonRecord;
}

/** Reads every whole reply and writes it again, as `assertRequestsComeBack` does. `also` looks at what was read. */
export function assertRepliesComeBack(
  dialect: Dialect,
  replies: readonly Replied[],
  { rules, also }: { readonly rules: Rules; readonly also?: (read: ChatResponse, one: Replied) => void },
): void {
  const same = comparer(rules);
  for (const one of replies) {
    const decoded = dialect.decodeResponse(one.body, one.provider);
    assert.ok(decoded.ok, one.id);
    const again = dialect.encodeResponse(decoded.value, CONTEXT);
    assert.deepEqual(again.losses, [], one.id);
    same.same(again.body, one.body, one.id);
    also?.(decoded.value, one);
  }
  same.check(`replies: ${replies.length} round trips, differences listed:`);
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

/** A recorded stream as every suite has it. */
export type Stream = Pick<Recording, 'id' | 'bytes'>;

/** Reads every stream in random pieces, and its beginning in pieces of a few bytes: the same events. */
export function assertSameInSmallPieces(dialect: Dialect, streams: readonly Stream[], seed: number): void {
  const random = dice(seed);
  for (const { id, bytes } of streams) {
    const expected = decodeAll(dialect, bytes);
    const some = Array.from({ length: 40 }, () => Math.floor(random() * bytes.length));
    assert.deepEqual(decodeAll(dialect, bytes, some), expected, `${id} (seed ${seed})`);
    const size = 1 + Math.floor(random() * 7);
    const small = Array.from({ length: Math.floor(Math.min(bytes.length, 4000) / size) }, (_, at) => (at + 1) * size);
    assert.deepEqual(decodeAll(dialect, bytes, small), expected, `${id} in pieces of ${size} bytes`);
  }
}

/** How many of the last events are compared at each cut: comparing all at all cuts takes a quarter of a minute. */
const COMPARED = 16;
/** Streams of up to so many events are cut behind each; longer ones behind a third as many at either end and in between. */
const TAPPED_BOUNDARIES_MAX = 60;

export interface TappedCuts {
  readonly seed: number;
  /** Streams that end the reply after each of its calls: cut between two of them it looks whole, and nobody can know. */
  readonly reopened?: ReadonlySet<string>;
  /** The reply ends with its finish, whatever comes after it. */
  readonly isFinishLast?: boolean;
}

/**
 * Cuts every stream of server-sent events short behind its events and at fifty random bytes: the events so far, an honest
 * end, and a tap that knows of it what the decoder knows. Gives the number of cuts.
 */
export function assertTappedWhenCut(dialect: Dialect, streams: readonly Stream[], options: TappedCuts): number {
  const random = dice(options.seed);
  let cuts = 0;
  for (const { id, bytes } of streams) {
    const whole = decodeAll(dialect, bytes).map((event) => JSON.stringify(event));
    const all = [...bytes.toString('latin1').matchAll(/\r?\n\r?\n/g)].map((match) => match.index + match[0].length);
    const boundaries = someOf(all, random, TAPPED_BOUNDARIES_MAX);
    const anywhere = Array.from({ length: RANDOM_CUTS }, () => Math.floor(random() * bytes.length));
    for (const cut of [...boundaries, ...anywhere]) {
      const part = bytes.subarray(0, cut);
      const events = decodeAll(dialect, part);
      const last = events.at(-1)?.type;
      const name = `${id} cut at ${cut} (seed ${options.seed})`;
      const isFinished =
        options.isFinishLast === true ? last === 'finish' : events.some(({ type }) => type === 'finish');
      assert.ok(last === 'error' || isFinished, name);
      assert.equal(isTappedWhole(dialect, part, options), last !== 'error', `${name}: tap`);
      const isOpenedAgain = options.reopened?.has(id) === true && last === 'finish' && events.length < whole.length;
      // What lies further back was compared at the cuts before this one.
      const length = events.length - (last === 'error' || isOpenedAgain ? 1 : 0);
      const from = Math.max(0, length - COMPARED);
      const said = events.slice(from, length).map((event) => JSON.stringify(event));
      assert.deepEqual(said, whole.slice(from, length), name);
      cuts += 1;
    }
  }
  return cuts;
}

/** Whether a relay that follows the tap holds what it passed on for a whole reply: finished, and not opened again since. */
function isTappedWhole(dialect: Dialect, wire: Buffer, { isFinishLast = false }: TappedCuts): boolean {
  const tap = dialect.tap('p');
  const splitter = sseSplitter();
  let isWhole = false;
  for (const event of [...splitter.push(wire), ...splitter.end()]) {
    if (event.isComment) continue;
    const mark = tap.see(event.name, event.data);
    if (mark.fault !== undefined) return false;
    if (isFinishLast && mark.isFinished === true) return true;
    if (mark.isLast === true || mark.isFinished === true) isWhole = true;
    else if (mark.hasContent === true) isWhole = false;
  }
  return isWhole;
}

/** All tokens that the provider counted are in input or output, and no part is larger than its whole. `output` is its field for them. */
export function checkUsage(usage: Usage | undefined, raw: JsonRecord | undefined, { output, id }: CheckedUsage): void {
  if (raw === undefined || typeof raw[output] !== 'number') return;
  assert.ok(usage?.inputTokens !== undefined && usage.outputTokens !== undefined, id);
  assert.equal(usage.inputTokens + usage.outputTokens, raw['total_tokens'], id);
  assert.ok((usage.cachedInputTokens ?? 0) + (usage.cacheWriteTokens ?? 0) <= usage.inputTokens, id);
  assert.ok((usage.reasoningTokens ?? 0) <= usage.outputTokens, id);
  assert.deepEqual(usage.raw, raw, id);
}

interface CheckedUsage {
  readonly output: string;
  readonly id: string;
}

/** Cuts every stream short behind its events and at fifty random bytes: the same events so far, and an honest end. Gives the number of cuts. */
export function assertHonestWhenCut(dialect: Dialect, streams: readonly Recording[], boundary: RegExp): number {
  const random = dice(SEED);
  let cuts = 0;
  for (const { id, bytes } of streams) {
    const whole = decodeAll(dialect, bytes).map((event) => JSON.stringify(event));
    const all = [...bytes.toString('latin1').matchAll(boundary)].map((match) => match.index + match[0].length);
    const boundaries = someOf(all, random, BOUNDARIES_MAX);
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

function someOf(all: readonly number[], random: () => number, most: number): readonly number[] {
  if (all.length <= most) return all;
  const third = most / 3;
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
