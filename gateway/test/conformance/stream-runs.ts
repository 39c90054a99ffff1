/**
 * Recorded streams through the gateway's receiver, heard by a client of each protocol: cut into random pieces, cut short at
 * every event boundary and at 50 random bytes; sixty of them (every provider, every feature) cut short at every byte.
 * The client reads the same reply, or a true beginning of it and then an honest error (rules R1, R2).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import type { Dialect } from '../../src/dialects/dialect.ts';
import { brokenEnding, receive } from '../../src/pipeline/receive.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { dice } from '../../src/lib/dice.ts';
import { INBOUND, readIndex, readRecording, WIRES, type Recording } from './recordings.ts';

const OUTBOUND: readonly Dialect[] = Object.values(gateDialects);
const SEED = Number(process.env['TURNOUT_SEED'] ?? 20_261_122);
const RANDOM_CUTS = 50;
const CHOSEN = 60;
/** The chosen ones are the shortest with their features: every byte of them is a run of its own. */
const CHOSEN_MAX_BYTES = 12_000;

/** Lines that are remembered: those of the longest recording in all protocols. */
const PARSED_MAX = 50_000;

type Ending = 'finished' | 'replaced unseen' | 'broken';

/** What the client's own decoder makes of what it was sent. */
interface Reading {
  readonly gist: Gist;
  readonly last: ChatEvent['type'] | undefined;
}

interface Heard extends Reading {
  readonly ended: Ending;
}

interface Gist {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish: unknown;
}

/** How often clients of each protocol met each ending. */
type Counts = Readonly<Record<string, Record<Ending, number>>>;

/** Holds the streams of some dialects to it, for all clients: a share of the recordings that is worth a file of its own. */
export function holdStreams(isIn: (dialect: Dialect) => boolean): void {
  describe('recorded streams', { skip: corpusSkip('streams') }, () => {
    const streams = readStreams().filter((recording) => isIn(dialectOf(recording)));

    it('read the same for every client, however the network cuts them', () => {
      for (const inbound of INBOUND) {
        const random = dice(SEED);
        const client = clientOf(inbound);
        for (const recording of streams) {
          const outbound = dialectOf(recording);
          const whole = client.hear(recording, outbound, [recording.bytes]);
          const pieces = cutAt(recording.bytes, randomCuts(recording.bytes.length, 40, random));
          const name = `${recording.id} for ${inbound.id} in random pieces (seed ${SEED})`;
          assertSame(client.hear(recording, outbound, pieces), whole, name);
        }
      }
      console.log(`streams: ${streams.length} re-chunked for ${INBOUND.length} clients (seed ${SEED})`);
    });

    it('end honestly for every client when they are cut short', () => {
      const random = dice(SEED);
      const counts = newCounts();
      for (const recording of streams) {
        const cuts = [...eventBoundaries(recording), ...randomCuts(recording.bytes.length, RANDOM_CUTS, random)];
        cutShort(recording, cuts, counts);
      }
      console.log(`cuts (seed ${SEED}): ${JSON.stringify(counts)}`);
      for (const { broken, 'replaced unseen': unseen } of Object.values(counts))
        // Text completions hear nothing of thoughts and calls, so that most of their cuts are unseen.
        assert.ok(broken + unseen > 1000 && broken > 100 && unseen > 100);
    });
  });
}

/** Cuts the chosen sixty short at every byte. */
export function holdEveryByte(): void {
  describe('recorded streams', { skip: corpusSkip('streams') }, () => {
    it('end honestly for every client at every byte of sixty of them', () => {
      const chosen = choose(readStreams());
      const counts = newCounts();
      for (const recording of chosen) cutShort(recording, [...recording.bytes.keys()], counts);
      console.log(`every byte of ${chosen.length} streams: ${JSON.stringify(counts)}`);
      assert.equal(chosen.length, CHOSEN);
    });
  });
}

function readStreams(): readonly Recording[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  return readIndex(corpus)
    .filter((row) => WIRES[row.wire] !== undefined && row.status === 200)
    .map((row) => readRecording(corpus, row))
    .filter((recording) => recording.isStream);
}

/** The shortest stream of each wire and feature, then of each provider, then the next shortest. */
function choose(streams: readonly Recording[]): readonly Recording[] {
  const short = streams
    .filter((recording) => recording.bytes.length <= CHOSEN_MAX_BYTES)
    .toSorted((a, b) => a.bytes.length - b.bytes.length);
  const chosen = new Map<string, Recording>();
  const seen = new Set<string>();
  for (const recording of short) {
    const words = [
      ...recording.features.map((feature) => `${recording.wire} ${feature}`),
      `${recording.wire} of ${recording.provider}`,
    ];
    if (words.every((word) => seen.has(word))) continue;
    for (const word of words) seen.add(word);
    chosen.set(recording.id, recording);
  }
  const perWire = CHOSEN / OUTBOUND.length;
  const all = [...new Set([...chosen.values(), ...short])];
  const ofWires = OUTBOUND.flatMap((dialect) =>
    all.filter((recording) => WIRES[recording.wire] === dialect.id).slice(0, perWire),
  );
  // A wire of few short recordings leaves its places to the others.
  return [...new Set([...ofWires, ...all])].slice(0, CHOSEN);
}

function dialectOf({ wire }: Recording): Dialect {
  const id = WIRES[wire];
  assert.ok(id);
  return gateDialects[id];
}

function newCounts(): Counts {
  return Object.fromEntries(INBOUND.map(({ id }) => [id, { finished: 0, 'replaced unseen': 0, broken: 0 }]));
}

/** Cut after cut the same lines are parsed: within `work`, each of them once. What comes of it is frozen, so that nobody changes it for the next. */
function parsingOnce(work: () => void): void {
  const { parse } = JSON;
  const known = new Map<string, unknown>();
  JSON.parse = (text: string): unknown => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= PARSED_MAX) known.clear();
    const value: unknown = parse(text, (_, inner: unknown) => Object.freeze(inner));
    known.set(text, value);
    return value;
  };
  try {
    work();
  } finally {
    JSON.parse = parse;
  }
}

/** Lets every client hear the stream cut short at each of the places. */
function cutShort(recording: Recording, cuts: readonly number[], counts: Counts): void {
  const clients = INBOUND.map((inbound) => {
    const client = clientOf(inbound);
    const whole = client.hear(recording, dialectOf(recording), [recording.bytes]);
    return { client, id: inbound.id, whole, counted: countedOf(counts, inbound) };
  });
  // In order, so that cuts within one event follow each other, after which a client has the same.
  const inOrder = cuts.toSorted((a, b) => a - b);
  parsingOnce(() => {
    for (const cut of inOrder) {
      const piece = recording.bytes.subarray(0, cut);
      // The provider's side is decoded once for all clients.
      const outbound = decodedOnce(dialectOf(recording), piece, recording.provider);
      for (const { client, id, whole, counted } of clients) {
        const heard = client.hear(recording, outbound, [piece]);
        assertHonest(heard, whole, `${recording.id} for ${id} cut at byte ${cut} of ${recording.bytes.length}`);
        counted[heard.ended] += 1;
      }
    }
  });
}

function countedOf(counts: Counts, { id }: Dialect): Record<Ending, number> {
  const counted = counts[id];
  assert.ok(counted);
  return counted;
}

/** The dialect, its decoder's work done: what it makes of these bytes when they come at once, and of the end after them. */
function decodedOnce(dialect: Dialect, bytes: Buffer, provider: string): Dialect {
  const decoder = dialect.decoder(provider);
  const events = decoder.push(bytes);
  const isOver = decoder.isOver();
  const ended = decoder.end();
  function push(given: Uint8Array): readonly ChatEvent[] {
    assert.equal(given, bytes, 'other bytes came to be decoded');
    return events;
  }
  return { ...dialect, decoder: () => ({ push, isOver: () => isOver, end: () => ended }) };
}

interface Client {
  /** What it hears of a stream that comes in these pieces and then ends. */
  hear(recording: Recording, outbound: Dialect, pieces: readonly Buffer[]): Heard;
}

/** A client of the protocol. The bytes that it was sent last it does not read again. */
function clientOf(inbound: Dialect): Client {
  let before: { readonly sent: Buffer; readonly reading: Reading } | undefined;
  return {
    hear(recording, outbound, pieces) {
      const { sent, ended } = received({ recording, inbound, outbound, pieces });
      if (before?.sent.equals(sent) !== true) before = { sent, reading: readingOf(inbound, sent) };
      return { ...before.reading, ended };
    },
  };
}

interface Received {
  readonly recording: Recording;
  readonly inbound: Dialect;
  readonly outbound: Dialect;
  readonly pieces: readonly Buffer[];
}

function received({ recording, inbound, outbound, pieces }: Received): {
  readonly sent: Buffer;
  readonly ended: Ending;
} {
  const sent: Buffer[] = [];
  let ended: Ending | undefined;
  const take = (bytes: string | Buffer): void => void sent.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  const receiver = receive({
    inbound,
    outbound,
    provider: recording.provider,
    wantsStream: true,
    context: { requestId: 'req_1', model: 'm', nowS: 1_800_000_000, wantsStreamUsage: true },
    now: () => 1,
    startedMs: 0,
    to: {
      send: take,
      finish: (last) => {
        assert.equal(ended, undefined, 'two endings');
        ended = 'finished';
        take(last);
      },
      whole: () => assert.fail('a stream was asked for'),
      invalid: () => assert.fail('no form was asked for'),
      enough: () => assert.fail('nothing was cut'),
      fail: (of) => {
        assert.equal(ended, undefined, 'two endings');
        ended = sent.length === 0 ? 'replaced unseen' : 'broken';
        if (sent.length > 0) take(brokenEnding(inbound, of, { requestId: 'req_1', isJsonArray: false }));
      },
    },
  });
  for (const piece of pieces) receiver.data(piece);
  receiver.end();
  assert.ok(ended, 'no ending');
  return { sent: Buffer.concat(sent), ended };
}

function readingOf(inbound: Dialect, sent: Buffer): Reading {
  const decoder = inbound.decoder('turnout');
  const events = [...decoder.push(sent), ...decoder.end()];
  return { gist: gistOf(events), last: events.at(-1)?.type };
}

function assertSame(heard: Heard, whole: Heard, name: string): void {
  assert.equal(heard.ended, whole.ended, name);
  if (whole.ended === 'finished') assert.deepEqual(heard.gist, whole.gist, name);
}

/** A cut stream is finished (only what follows the finish was cut), or broken with a true beginning, or nothing was heard. */
function assertHonest(heard: Heard, whole: Heard, name: string): void {
  const { last } = heard;
  if (heard.ended === 'finished') assert.notEqual(last, 'error', name);
  if (heard.ended === 'broken')
    assert.equal(last, 'error', `${name}: a broken stream must end in an error, not in ${last ?? 'nothing'}`);
  if (heard.ended === 'replaced unseen' || whole.ended !== 'finished') return;
  const part = heard.gist;
  const all = whole.gist;
  assert.ok(all.text.startsWith(part.text), `${name}: the text is no beginning of the whole`);
  assert.ok(all.reasoning.startsWith(part.reasoning), `${name}: the reasoning is no beginning of the whole`);
  for (const [index, call] of part.calls.entries()) {
    assert.equal(all.calls[index]?.name, call.name, name);
    if (heard.ended === 'finished') assert.equal(call.arguments, all.calls[index]?.arguments, name);
  }
}

function gistOf(events: readonly ChatEvent[]): Gist {
  const response = collect(events, 'openai-chat');
  const first = response.choices.find((choice) => choice.index === 0);
  const parts = first?.parts ?? [];
  const join = (kind: 'text' | 'reasoning'): string =>
    parts.map((part) => (part.kind === kind ? part.text : '')).join('');
  return {
    text: join('text'),
    reasoning: join('reasoning'),
    calls: parts.flatMap((part) => (part.kind === 'tool-call' ? [{ name: part.name, arguments: part.arguments }] : [])),
    finish: first?.finish.reason,
  };
}

function eventBoundaries(recording: Recording): readonly number[] {
  const { bytes } = recording;
  const found: number[] = [];
  const { splitter } = dialectOf(recording);
  if (splitter !== undefined) {
    let end = 0;
    return splitter()
      .push(bytes)
      .map(({ raw }) => (end += raw.length))
      .slice(0, -1);
  }
  for (const mark of ['\n\n', '\r\n\r\n']) {
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 1)) found.push(at + mark.length);
  }
  return found.filter((at) => at < bytes.length);
}

function randomCuts(length: number, count: number, random: () => number): readonly number[] {
  return Array.from({ length: count }, () => Math.floor(random() * length));
}

function cutAt(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((to, index) => bytes.subarray(edges[index], to));
}
