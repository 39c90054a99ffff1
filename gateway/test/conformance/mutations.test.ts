/**
 * Recorded replies with one odd place each: a field gone, null, of another type, with a value of tomorrow, a field more, all in
 * another order; in streams also an event that nobody knows. The decoder reads all of it but what is odd, and what it does
 * not understand it keeps. `SEED` and `MUTATIONS` (a recording) choose other ones.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent } from '../../src/chat/reply.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asRecord, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { WALKED as WIRES, type WalkedWire as Wire } from '../translation/wires.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const SEED = Number(process.env['SEED'] ?? 1);
const MUTATIONS = Number(process.env['MUTATIONS'] ?? 6);
const SPOKEN: Readonly<Record<string, Wire>> = {
  'openai-chat': 'openai-chat',
  'anthropic-messages': 'anthropic-messages',
  'vertex-anthropic': 'anthropic-messages',
  'gemini-generate': 'gemini',
};
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };
/** Where the content of a reply stands. */
const CONTENT: Readonly<Record<Wire, string>> = {
  'openai-chat': 'choices',
  'anthropic-messages': 'content',
  gemini: 'candidates',
};
/** An event that no protocol of ours knows. */
const UNKNOWN: Readonly<Record<Wire, string>> = {
  'openai-chat': 'event: tomorrow\ndata: {"tomorrow":1}\n\n',
  'anthropic-messages': 'event: tomorrow\ndata: {"type":"tomorrow","a":{"b":1}}\n\n',
  gemini: 'data: {"tomorrow":{"a":1}}\n\n',
};
/** Fields whose words are read and not kept. */
const WORDS: ReadonlySet<string> = new Set(['role', 'type', 'format', 'finish_reason', 'object']);
/** Shorter text is found by chance. */
const TEXT_MIN = 10;

type Step = string | number;
type Path = readonly Step[];
interface Oddity {
  readonly name: string;
  /** True where all that is said stays as it was. */
  readonly isHarmless: boolean;
  readonly change: (body: Json, path: Path) => Json;
}

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator, ISO C's). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const roll = dice(SEED);

function pick<T>(list: readonly T[]): T {
  const found = list[Math.floor(roll() * list.length)];
  assert.ok(found !== undefined);
  return found;
}

function pathsIn(value: Json, path: Path = []): readonly Path[] {
  const own = path.length === 0 ? [] : [path];
  if (isArray(value)) return [...own, ...value.flatMap((item, index) => pathsIn(item, [...path, index]))];
  if (!isRecord(value)) return own;
  return [...own, ...Object.entries(value).flatMap(([key, item]) => pathsIn(item ?? null, [...path, key]))];
}

/** The value with another one at a path; none there, where `change` gives undefined. */
function changed(value: Json, path: Path, change: (old: Json) => Json | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return change(value) ?? null;
  const put = (old: Json): Json | undefined => (rest.length === 0 ? change(old) : changed(old, rest, change));
  if (isArray(value)) {
    return value.flatMap((item, index) => {
      const kept = index === step ? put(item) : item;
      return kept === undefined ? [] : [kept];
    });
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, key === String(step) ? put(item ?? null) : item]);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}

function ofOtherType(old: Json): Json {
  if (typeof old === 'string') return 42;
  if (typeof old === 'number') return 'forty-two';
  return typeof old === 'boolean' ? 'yes' : { other: old };
}

function withField(old: Json): Json {
  return isRecord(old) ? { ...old, field_of_tomorrow: { text: 'said tomorrow' } } : old;
}

function reversed(value: Json): Json {
  if (isArray(value)) return value.map(reversed);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item ?? null)]),
  );
}

/** Stands for every value that was not known when this was written. */
const WORD = 'word_of_tomorrow';

/** Reasoning and signatures come in two forms: where they differ, one is read. Of log probabilities only the known is read. */
const PARTLY: ReadonlySet<Step> = new Set([
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'extra_content',
  'logprobs',
  // Perplexity's, empty beside the message.
  'delta',
  'logprobsResult',
]);

function isPartly(path: Path): boolean {
  return path.some((step) => PARTLY.has(step));
}

const ODDITIES: readonly Oddity[] = [
  { name: 'gone', isHarmless: false, change: (body, path) => changed(body, path, () => undefined) },
  { name: 'null', isHarmless: false, change: (body, path) => changed(body, path, () => null) },
  { name: 'of another type', isHarmless: false, change: (body, path) => changed(body, path, ofOtherType) },
  {
    name: 'a word of tomorrow',
    isHarmless: false,
    change: (body, path) => changed(body, path, () => WORD),
  },
  { name: 'a field more', isHarmless: true, change: (body, path) => changed(body, path, withField) },
  { name: 'in another order', isHarmless: true, change: reversed },
];

function textsIn(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return value.length < TEXT_MIN ? [] : [value];
  if (isArray(value)) return value.flatMap(textsIn);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (WORDS.has(key) ? [] : textsIn(item)));
}

/** Text as it stands anywhere in JSON, also in JSON inside a text. */
function bare(text: string): string {
  return JSON.stringify(text).replaceAll(/[\\"]+n?/g, '');
}

const corpus = corpusDir();
const recordings: readonly Recording[] =
  corpus === undefined
    ? []
    : readIndex(corpus)
        .filter((row) => SPOKEN[row.wire] !== undefined && row.operation.startsWith('chat') && row.status < 300)
        .map((row) => readRecording(corpus, row));

/** What is wrong with reading a whole reply with one odd place. */
function wholeFlaw(recording: Recording, wire: Wire, body: JsonRecord): string | undefined {
  const oddity = pick(ODDITIES);
  const path = pick(pathsIn(body));
  const odd = asRecord(oddity.change(body, path)) ?? {};
  const place = `${recording.id}: ${path.join('.')} ${oddity.name}`;
  const decoded = gateDialects[wire].decodeResponse(odd, 'provider');
  if (!decoded.ok) return oddity.isHarmless ? `${place}: ${decoded.error.message}` : undefined;
  for (const to of WIRES) gateDialects[to].encodeResponse(decoded.value, CONTEXT);
  const kept = bare(JSON.stringify(decoded.value));
  const said = textsIn(odd[CONTENT[wire]]).filter((text) => text !== WORD && !isPartly(path));
  const lost = said.find((text) => !kept.includes(bare(text)));
  return lost === undefined ? undefined : `${place}: lost ${lost.slice(0, 60)}`;
}

function eventsOf(wire: Wire, pieces: readonly string[]): readonly ChatEvent[] {
  const decoder = gateDialects[wire].decoder('provider');
  return [...pieces.flatMap((piece) => decoder.push(Buffer.from(piece))), ...decoder.end()];
}

/** All that a stream said to a reader. */
function saidIn(events: readonly ChatEvent[]): string {
  return events
    .map((event) =>
      event.type === 'text-delta' || event.type === 'reasoning-delta' || event.type === 'refusal-delta'
        ? event.text
        : '',
    )
    .join('');
}

function hasError(events: readonly ChatEvent[]): boolean {
  return events.some((event) => event.type === 'error');
}

/** What is wrong with reading a stream with one odd event. */
function streamFlaw(recording: Recording, wire: Wire, pieces: readonly string[]): string | undefined {
  const at = pick(pieces.flatMap((piece, index) => (/^data:\s*\{/m.test(piece) ? [index] : [])));
  const piece = pieces[at] ?? '';
  const [line = '', data = ''] = /^data:\s*(.*)$/m.exec(piece) ?? [];
  const event = parseJson(data);
  if (!isRecord(event)) return undefined;
  const isNew = roll() < 0.1;
  const oddity = pick(ODDITIES);
  const path = pick(pathsIn(event));
  const odd = isNew
    ? `${UNKNOWN[wire]}${piece}`
    : piece.replace(line, () => `data: ${JSON.stringify(oddity.change(event, path))}`);
  const place = `${recording.id}: event ${at}, ${isNew ? 'one of tomorrow before it' : `${path.join('.')} ${oddity.name}`}`;
  const events = eventsOf(wire, pieces.with(at, odd));
  for (const to of WIRES) {
    const encoder = gateDialects[to].encoder(CONTEXT);
    for (const one of events) encoder.push(one);
    encoder.end();
  }
  return compareStreams(events, { wire, pieces, at, isHarmless: isNew || oddity.isHarmless, place });
}

interface Compared {
  readonly wire: Wire;
  readonly pieces: readonly string[];
  readonly at: number;
  readonly isHarmless: boolean;
  readonly place: string;
}

/** A harmless oddity changes nothing that is said; any other is no worse than if the event had not come at all. */
function compareStreams(events: readonly ChatEvent[], of: Compared): string | undefined {
  const { wire, pieces, at, place } = of;
  const other = eventsOf(wire, of.isHarmless ? pieces : pieces.toSpliced(at, 1));
  if (hasError(events) && !hasError(other)) return `${place}: an error`;
  const [said, least] = [saidIn(events), saidIn(other)];
  const isLess = of.isHarmless ? said !== least : !hasError(events) && said.length < least.length;
  return isLess ? `${place}: ${said.length} of ${least.length} characters` : undefined;
}

describe('recorded replies with one odd place', { skip: corpusSkip('mutations') }, () => {
  it('are read all the same', () => {
    const flaws: string[] = [];
    let count = 0;
    for (const recording of recordings) {
      const wire = SPOKEN[recording.wire];
      const { json } = recording;
      if (wire === undefined) continue;
      const pieces = recording.isStream ? recording.bytes.toString('utf8').split(/(?<=\n\r?\n)/) : [];
      const isReadable = recording.isStream
        ? !hasError(eventsOf(wire, pieces)) && pieces.some((piece) => /^data:\s*\{/m.test(piece))
        : isRecord(json) && gateDialects[wire].decodeResponse(json, 'provider').ok;
      if (!isReadable) continue;
      for (let number = 0; number < MUTATIONS; number += 1) {
        count += 1;
        const flaw = isRecord(json) ? wholeFlaw(recording, wire, json) : streamFlaw(recording, wire, pieces);
        if (flaw !== undefined) flaws.push(flaw);
      }
    }
    console.log(`mutations: seed ${SEED}, ${count} of ${recordings.length} recordings`);
    assert.ok(count > 1000, 'next to nothing was tried');
    assert.deepEqual(flaws, []);
  });
});
