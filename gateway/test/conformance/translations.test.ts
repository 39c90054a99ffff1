/**
 * Requests that another project translated and a real provider answered, as an oracle: ours must say what the caller said,
 * be a body that the target takes, and differ from the accepted one only where a row of the table says who is right.
 * Then the provider's real answers, whole and streamed, back into the caller's protocol. Nothing lost in silence.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { LossCode } from '../../src/chat/loss-codes.ts';
import type { Loss } from '../../src/chat/request.ts';
import type { Dialect, EncodeContext, PathFacts } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asRecord, asString, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { encodeEvents } from '../../src/simulator/wire-events.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { stands } from '../translation/run.ts';
import {
  replyEssence,
  requestEssence,
  streamEssence,
  withoutBounds,
  type ReplyEssence,
  type RequestEssence,
  type Wire,
} from './essence.ts';
import { REPLY_EXPLANATIONS, REQUEST_EXPLANATIONS, type Difference } from './translations-differences.ts';

const SUITE = 'translations';
/** The corpus's names of the wires. Those that this release does not speak are counted as left out. */
const WIRES: Readonly<Record<string, Wire>> = {
  'chat-completions': 'openai-chat',
  responses: 'openai-responses',
  anthropic: 'anthropic-messages',
  google: 'gemini',
  bedrock: 'bedrock-converse',
};
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'asked', nowS: 1_790_000_000, wantsStreamUsage: true };
const GEMINI_MODEL = 'gemini-2.5-flash';
/** Whose translation the provider refused, or they could not make: a temperature, a picture by its address, a time to cache, a budget beyond the limit. Ours are other. */
const REFUSED: readonly string[] = [
  'anthropic--responses--temperatureParam',
  'chat-completions--bedrock--imageUrlMimeTypeFallbackParam',
  'chat-completions--responses--chatCompletionsSystemCacheControlParam',
  'chat-completions--responses--temperatureParam',
  'google--anthropic--reasoningSummaryParam',
];
/** How `essence.ts` tells an end that never came. */
const ABSENT = 'unknown: null';

interface Pair {
  readonly file: string;
  readonly case: string;
  readonly from: Wire;
  readonly to: Wire;
  readonly source: JsonRecord;
  readonly theirs: JsonRecord;
  readonly isAccepted: boolean;
  readonly answer: JsonRecord;
  readonly events: readonly JsonRecord[] | undefined;
  readonly theirAnswer: JsonRecord | undefined;
}

const left = new Map<string, number>();
const pairs: readonly Pair[] = loadPairs();

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function listed(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
  return rows.map(([key, number]) => `\n  ${String(number).padStart(4)} × ${key}`).join('');
}

function loadPairs(): readonly Pair[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  const dir = join(corpus, 'providers', 'translations');
  return readdirSync(dir)
    .toSorted()
    .flatMap((file) => {
      const raw = asRecord(parseJson(readFileSync(join(dir, file), 'utf8'))) ?? {};
      const [from, to] = [asString(raw['from']) ?? '', asString(raw['to']) ?? ''];
      const unspoken = [from, to].find((wire) => WIRES[wire] === undefined);
      if (unspoken !== undefined) count(left, `the ${unspoken} wire is not in this release`);
      const [known, target] = [WIRES[from], WIRES[to]];
      return known === undefined || target === undefined ? [] : [pairOf(file, raw, { from: known, to: target })];
    });
}

function pairOf(file: string, raw: JsonRecord, wires: { readonly from: Wire; readonly to: Wire }): Pair {
  const events = raw['target_stream_events'];
  return {
    file,
    case: (asString(raw['case']) ?? '').replace('lingua:', ''),
    ...wires,
    source: asRecord(raw['source_request']) ?? {},
    theirs: asRecord(raw['peer_translated_request']) ?? {},
    isAccepted: raw['accepted_by_provider'] === true,
    answer: asRecord(raw['target_response']) ?? {},
    events: isArray(events) ? events.filter(isRecord) : undefined,
    theirAnswer: asRecord(raw['peer_translated_response']),
  };
}

function dialect(wire: Wire): Dialect {
  return gateDialects[wire];
}

function pathOf(body: JsonRecord, pair: Pair): PathFacts {
  return {
    model: asString(body['model']) ?? asString(body['modelId']) ?? GEMINI_MODEL,
    isStreaming: pair.events !== undefined,
  };
}

function translate(pair: Pair): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const decoded = dialect(pair.from).decodeRequest(pair.source, pathOf(pair.source, pair));
  assert.ok(decoded.ok, pair.file);
  return dialect(pair.to).encodeRequest(decoded.value, { model: pathOf(pair.theirs, pair).model ?? '' });
}

/** What a loss may change of a request's essence; where a key differs, a loss of one of these codes must stand beside it. */
const MAY_CHANGE: Readonly<Record<string, readonly LossCode[]>> = {
  system: ['system-position', 'json-mode'],
  // A picture by its address, where the provider fetches none; a part of one wire only.
  turns: ['media-kind', 'opaque'],
  tools: ['opaque'],
  format: ['schema', 'json-mode'],
  toolChoice: ['tool-choice', 'opaque'],
  isSerial: ['parallel-tool-calls'],
  limit: ['max-tokens'],
  temperature: ['sampling'],
  topP: ['sampling'],
  frequencyPenalty: ['sampling'],
  seed: ['sampling'],
  logitBias: ['logit-bias'],
  thinks: ['reasoning', 'reasoning-effort', 'reasoning-budget'],
  modalities: ['modalities'],
  user: ['user'],
};

/** Google's own equivalents of effort and budget (ai.google.dev/gemini-api/docs/openai). */
const BUDGETS: Readonly<Record<string, number>> = { low: 1024, medium: 8192, high: 24_576 };

/** What ours says otherwise than the caller did, by key. */
function changed(pair: Pair, ours: JsonRecord): readonly string[] {
  const said = flat(requestEssence(pair.from, pair.source), pair);
  const says = flat(requestEssence(pair.to, ours), pair);
  // The Messages API wants a limit, and adds what every model gives; a stream of Google's is asked for in the URL.
  const added = new Set([
    ...(pair.to === 'anthropic-messages' ? ['limit'] : []),
    ...(pair.from === 'gemini' ? ['isStreaming'] : []),
  ]);
  // There the path asks for a stream.
  const dropped = new Set(pair.to === 'gemini' || pair.to === 'bedrock-converse' ? ['isStreaming'] : []);
  return [...new Set([...Object.keys(said), ...Object.keys(says)])].filter((key) => {
    if (said[key] === undefined && added.has(key)) return false;
    if (says[key] === undefined && dropped.has(key)) return false;
    return !isDeepStrictEqual(said[key], says[key]);
  });
}

function flat(essence: RequestEssence, pair: Pair): Readonly<Record<string, unknown>> {
  const { settings, ...rest } = essence;
  const { thinks, ...others } = settings;
  const isAboutBudget =
    pair.to === 'anthropic-messages' || pair.to === 'bedrock-converse' || pair.from === 'anthropic-messages';
  const amount = isAboutBudget && typeof thinks === 'string' ? (BUDGETS[thinks] ?? thinks) : thinks;
  return { ...rest, ...others, ...(amount === undefined ? {} : { thinks: amount }) };
}

/** Every difference between two bodies, leaf by leaf; null stands for absent. */
function* differences(
  ours: Json | undefined,
  theirs: Json | undefined,
  path: string,
): Generator<Pick<Difference, 'path' | 'ours' | 'theirs'>> {
  if (isDeepStrictEqual(ours, theirs) || (ours === undefined && theirs === null)) return;
  const isDeep =
    (isRecord(ours) && isRecord(theirs)) || (isArray(ours) && isArray(theirs) && ours.length === theirs.length);
  if (!isDeep) yield { path, ours, theirs };
  else if (isArray(ours) && isArray(theirs)) {
    for (const [index, item] of ours.entries()) yield* differences(item, theirs[index], `${path}[]`);
  } else if (isRecord(ours) && isRecord(theirs)) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)]))
      yield* differences(ours[key], theirs[key], path === '' ? key : `${path}.${key}`);
  }
}

describe('translated requests', { skip: corpusSkip(SUITE) }, () => {
  it('are those of the wires that are spoken; the others are counted', () => {
    const wires = new Map<string, number>();
    for (const pair of pairs) count(wires, `${pair.from} to ${pair.to}`);
    const others = [...left.values()].reduce((sum, number) => sum + number, 0);
    console.log(
      `translations: ${pairs.length + others} pairs, ${pairs.length} compared, ${others} left out:${listed(left)}${listed(wires)}`,
    );
    assert.equal(pairs.length + others, 320);
    assert.ok(pairs.length >= 290);
  });

  it('say what the caller said, in a form that the target takes, and name every loss by the caller’s own field', () => {
    const losses = new Map<string, number>();
    const failures: string[] = [];
    let equal = 0;
    for (const pair of pairs) {
      const { body, losses: lost } = translate(pair);
      const inspected = dialect(pair.to).inspect(body, pathOf(pair.theirs, pair));
      if (!inspected.ok) failures.push(`${pair.file}: not taken: ${inspected.error.message}`);
      const keys = changed(pair, body);
      if (keys.length === 0) equal += 1;
      for (const key of keys) {
        const excuse = lost.find((loss) => MAY_CHANGE[key]?.includes(loss.code) === true);
        const isTold = key !== 'format' || excuse?.code !== 'schema' || sameButBounds(pair, body);
        if (excuse === undefined || !isTold) failures.push(`${pair.file}: ${key} changed and no loss says so`);
      }
      for (const loss of lost) {
        count(
          losses,
          `${pair.from} to ${pair.to}: ${loss.weight} ${loss.code} ${loss.field.replaceAll(/\[\d+\]/g, '[]')}`,
        );
        if (!stands(pair.source, loss.field))
          failures.push(`${pair.file}: the caller wrote no ${loss.field} (${loss.code})`);
      }
    }
    console.log(
      `requests: ${pairs.length} translated, ${equal} say the same, ${pairs.length - equal} but for listed losses, ${failures.length} failures; losses:${listed(losses)}`,
    );
    assert.deepEqual(failures, []);
  });

  it('differ from what the provider accepted only where the table says who is right', () => {
    const counts = new Map(REQUEST_EXPLANATIONS.map((row) => [row, 0]));
    const unexplained: string[] = [];
    let equal = 0;
    let explained = 0;
    for (const pair of pairs) {
      const found = [...differences(translate(pair).body, pair.theirs, '')];
      if (found.length === 0) equal += 1;
      for (const one of found) {
        const of: Difference = { ...one, from: pair.from, to: pair.to, case: pair.case };
        const row = REQUEST_EXPLANATIONS.find((candidate) => isAbout(candidate, of));
        if (row === undefined)
          unexplained.push(`${pair.file} ${one.path}: ${JSON.stringify(one.ours)} for ${JSON.stringify(one.theirs)}`);
        else counts.set(row, (counts.get(row) ?? 0) + 1);
        explained += row === undefined ? 0 : 1;
      }
    }
    const rows = new Map(
      [...counts].map(([row, number]) => [
        `${row.right.padEnd(6)} ${row.from ?? 'any'} to ${row.to} ${row.path}: ${row.why}`,
        number,
      ]),
    );
    console.log(
      `requests: ${equal} equal to the peer's, ${pairs.length - equal} with ${explained} explained differences, ${unexplained.length} unexplained:${listed(rows)}`,
    );
    assert.deepEqual(unexplained, []);
    const idle = [...counts].filter(([, number]) => number === 0).map(([row]) => `${row.to} ${row.path}`);
    assert.deepEqual(idle, [], 'rows that explain nothing any more');
    const refused = pairs.filter((pair) => !pair.isAccepted).map((pair) => pair.file.replace('.json', ''));
    assert.deepEqual(refused, REFUSED);
  });
});

function sameButBounds(pair: Pair, body: JsonRecord): boolean {
  const said = withoutBounds(requestEssence(pair.from, pair.source).format);
  return isDeepStrictEqual(withoutBounds(requestEssence(pair.to, body).format), said);
}

function isAbout(row: (typeof REQUEST_EXPLANATIONS)[number], of: Difference): boolean {
  const isThere = of.path === row.path || of.path.startsWith(`${row.path}.`) || of.path.startsWith(`${row.path}[`);
  return row.to === of.to && isThere && (row.from ?? of.from) === of.from && (row.where?.(of) ?? true);
}

describe('real answers to translated requests', { skip: corpusSkip(SUITE) }, () => {
  const answered = pairs.filter((pair) => pair.isAccepted);

  it('say the same in the caller’s protocol', () => {
    const losses = new Map<string, number>();
    for (const pair of answered) {
      const decoded = dialect(pair.to).decodeResponse(pair.answer, 'provider');
      assert.ok(decoded.ok, pair.file);
      const encoded = dialect(pair.from).encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(replyEssence(pair.from, encoded.body), replyEssence(pair.to, pair.answer), pair.file);
      for (const loss of encoded.losses)
        count(losses, `${pair.to} to ${pair.from}: ${loss.weight} ${loss.code} ${loss.field}`);
    }
    console.log(`replies: ${answered.length} whole ones say the same; losses:${listed(losses)}`);
    assert.ok(answered.length >= 164);
  });

  it('say the same as streams, and end in an error where the recording breaks off', () => {
    const streamed = answered.filter((pair) => pair.events !== undefined);
    const cut: string[] = [];
    for (const pair of streamed) {
      const events = pair.events ?? [];
      const written = restream(pair, events);
      const [ours, theirs] = [streamEssence(pair.from, written), streamEssence(pair.to, events)];
      if (theirs.choices[0]?.end === ABSENT) {
        cut.push(pair.file);
        assert.equal(ours.choices[0]?.text, theirs.choices[0].text, pair.file);
        assert.ok(
          written.some((event) => event['error'] !== undefined),
          pair.file,
        );
      } else assert.deepEqual(ours, theirs, pair.file);
    }
    console.log(
      `replies: ${streamed.length} streams say the same, of which ${cut.length} were recorded without their end`,
    );
    assert.ok(streamed.length >= 20 && cut.length < 3);
  });

  it('are a fault where the provider refused', () => {
    const refused = pairs.filter((pair) => !pair.isAccepted);
    for (const pair of refused)
      assert.equal(dialect(pair.to).decodeResponse(pair.answer, 'provider').ok, false, pair.file);
    console.log(`replies: ${refused.length} refusal of a provider is a fault`);
  });

  it('differ from the peer’s translation only where the table says why', () => {
    const open = new Set(REPLY_EXPLANATIONS);
    let equal = 0;
    for (const pair of answered) {
      if (pair.theirAnswer === undefined) continue;
      const decoded = dialect(pair.to).decodeResponse(pair.answer, 'provider');
      assert.ok(decoded.ok, pair.file);
      const ours = replyEssence(pair.from, dialect(pair.from).encodeResponse(decoded.value, CONTEXT).body);
      const theirs = replyEssence(pair.from, pair.theirAnswer);
      if (isDeepStrictEqual(withoutThoughts(ours), withoutThoughts(theirs))) {
        equal += 1;
        continue;
      }
      const row = REPLY_EXPLANATIONS.find(
        (one) => one.from === pair.from && one.to === pair.to && one.case === pair.case,
      );
      assert.ok(
        row !== undefined,
        `${pair.file}: ${JSON.stringify(ours).slice(0, 400)} for ${JSON.stringify(theirs).slice(0, 400)}`,
      );
      open.delete(row);
    }
    assert.deepEqual([...open], [], 'rows that explain nothing any more');
    console.log(`replies: ${equal} equal to the peer's, ${REPLY_EXPLANATIONS.length} explained`);
  });
});

/** Thoughts have no field of OpenAI's own: everyone has another for them. */
function withoutThoughts({ choices, tokens }: ReplyEssence): unknown {
  return { choices: choices.map(({ text, calls, end }) => ({ text, calls, end })), tokens };
}

/** A provider's stream as the caller's protocol has it, event by event. */
function restream(pair: Pair, events: readonly JsonRecord[]): readonly JsonRecord[] {
  const decoder = dialect(pair.to).decoder('provider');
  const encoder = dialect(pair.from).encoder(CONTEXT);
  const bytes = streamBytes(pair, events);
  const read = [...decoder.push(bytes), ...decoder.end()];
  const text = Buffer.concat(
    [...read.map((event) => encoder.push(event)), encoder.end()].map((piece) => Buffer.from(piece)),
  );
  const splitter = sseSplitter();
  const sse = [...splitter.push(text), ...splitter.end()];
  return sse.flatMap((event) => {
    const data = parseJson(event.data.toString('utf8'));
    return isRecord(data) ? [data] : [];
  });
}

/** Events as their provider would send them. */
function streamBytes({ to }: Pair, events: readonly JsonRecord[]): Buffer {
  return Buffer.concat(encodeEvents(to === 'gemini' ? 'gemini-generate' : to, events).map((piece) => piece.bytes));
}
