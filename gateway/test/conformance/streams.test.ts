/**
 * Every recorded stream through the gateway's receiver, for clients of each protocol: cut into random pieces, cut short at
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
import { INBOUND, readIndex, readRecording, WIRES, type Recording } from './recordings.ts';

const OUTBOUND: readonly Dialect[] = Object.values(gateDialects);
const SEED = Number(process.env['TURNOUT_SEED'] ?? 20_261_122);
const RANDOM_CUTS = 50;
const CHOSEN = 60;
/** The chosen ones are the shortest with their features: every byte of them is a run of its own. */
const CHOSEN_MAX_BYTES = 12_000;

interface Heard {
  /** What the client's own decoder makes of what it was sent. */
  readonly events: readonly ChatEvent[];
  readonly ended: 'finished' | 'replaced unseen' | 'broken';
}

const corpus = corpusDir();

describe('recorded streams', { skip: corpusSkip('streams') }, () => {
  const streams =
    corpus === undefined
      ? []
      : readIndex(corpus)
          .filter((row) => WIRES[row.wire] !== undefined && row.status === 200)
          .map((row) => readRecording(corpus, row))
          .filter((recording) => recording.isStream);

  for (const inbound of INBOUND) {
    it(`read the same for a client of ${inbound.id}, however the network cuts them`, () => {
      const random = dice(SEED);
      let runs = 0;
      for (const recording of streams) {
        const whole = hear(recording, inbound, [recording.bytes]);
        const pieces = cutAt(recording.bytes, randomCuts(recording.bytes.length, 40, random));
        assertSame(hear(recording, inbound, pieces), whole, `${recording.id} in random pieces (seed ${SEED})`);
        runs += 1;
      }
      process.stdout.write(
        `streams as ${inbound.id}: ${streams.length} streams, ${runs} re-chunked, 0 differences (seed ${SEED})\n`,
      );
    });

    it(`end honestly for a client of ${inbound.id} when they are cut short`, () => {
      const random = dice(SEED);
      const counts = { finished: 0, 'replaced unseen': 0, broken: 0 };
      for (const recording of streams) {
        const whole = hear(recording, inbound, [recording.bytes]);
        const cuts = [...eventBoundaries(recording), ...randomCuts(recording.bytes.length, RANDOM_CUTS, random)];
        for (const cut of cuts) counts[assertHonest(recording, inbound, { whole, cut })] += 1;
      }
      process.stdout.write(`cuts as ${inbound.id}: ${JSON.stringify(counts)} (seed ${SEED})\n`);
      assert.ok(counts.broken > 1000 && counts['replaced unseen'] > 100);
    });

    it(`end honestly for a client of ${inbound.id} at every byte of sixty of them`, () => {
      const chosen = choose(streams);
      const counts = { finished: 0, 'replaced unseen': 0, broken: 0 };
      for (const recording of chosen) {
        const whole = hear(recording, inbound, [recording.bytes]);
        for (let cut = 0; cut < recording.bytes.length; cut += 1)
          counts[assertHonest(recording, inbound, { whole, cut })] += 1;
      }
      process.stdout.write(`every byte as ${inbound.id}: ${chosen.length} streams ${JSON.stringify(counts)}\n`);
      assert.equal(chosen.length, CHOSEN);
    });
  }
});

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

/** What a client hears of a stream that comes in these pieces and then ends. */
function hear(recording: Recording, inbound: Dialect, pieces: readonly Buffer[]): Heard {
  const outbound = dialectOf(recording);
  const sent: Buffer[] = [];
  let ended: Heard['ended'] | undefined;
  const take = (bytes: string | Buffer): void => void sent.push(Buffer.from(bytes));
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
  const decoder = inbound.decoder('turnout');
  return { events: [...decoder.push(Buffer.concat(sent)), ...decoder.end()], ended };
}

function assertSame(heard: Heard, whole: Heard, name: string): void {
  assert.equal(heard.ended, whole.ended, name);
  if (whole.ended === 'finished') assert.deepEqual(gist(heard.events), gist(whole.events), name);
}

/** A cut stream is finished (only what follows the finish was cut), or broken with a true beginning, or nothing was heard. */
function assertHonest(recording: Recording, inbound: Dialect, of: { whole: Heard; cut: number }): Heard['ended'] {
  const name = `${recording.id} cut at byte ${of.cut} of ${recording.bytes.length}`;
  const heard = hear(recording, inbound, [recording.bytes.subarray(0, of.cut)]);
  const last = heard.events.at(-1)?.type;
  if (heard.ended === 'finished') assert.notEqual(last, 'error', name);
  if (heard.ended === 'broken')
    assert.equal(last, 'error', `${name}: a broken stream must end in an error, not in ${last ?? 'nothing'}`);
  if (heard.ended !== 'replaced unseen' && of.whole.ended === 'finished') {
    const part = gist(heard.events);
    const all = gist(of.whole.events);
    assert.ok(all.text.startsWith(part.text), `${name}: the text is no beginning of the whole`);
    assert.ok(all.reasoning.startsWith(part.reasoning), `${name}: the reasoning is no beginning of the whole`);
    for (const [index, call] of part.calls.entries()) {
      assert.equal(all.calls[index]?.name, call.name, name);
      if (heard.ended === 'finished') assert.equal(call.arguments, all.calls[index]?.arguments, name);
    }
  }
  return heard.ended;
}

function gist(events: readonly ChatEvent[]): {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
  finish: unknown;
} {
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

/** mulberry32: small, seeded, good enough to choose places. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
