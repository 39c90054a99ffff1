/** Decides what a request gets: a forced recording, a step of the script, the weather, a recording that matches, or a made-up reply. */
import { hash } from 'node:crypto';
import type { Json, JsonRecord } from '../lib/json.ts';
import { asRecord, asString, parseJson } from '../lib/json.ts';
import type { Answer, Piece } from './answer.ts';
import { streamAnswer, wholeAnswer, withHeaders } from './answer.ts';
import type { Stored } from './batches.ts';
import { createStored } from './batches.ts';
import { parseChaos } from './chaos.ts';
import type { Incoming } from './connections.ts';
import type { Identity, RouteFacts, SimulatedDialect } from './dialects/dialect.ts';
import type { Routed } from './dialects/index.ts';
import { dialectOf, routeOf } from './dialects/index.ts';
import { applyEffects, bytesOf } from './effects.ts';
import { endlessly, gzipBomb, hugeBody } from './generated.ts';
import type { AnsweredBy } from './log.ts';
import type { Recording, Recordings } from './recordings.ts';
import type { Script } from './script.ts';
import type { Bytes, Step } from './step.ts';
import type { SyntheticOptions } from './synthetic/answer.ts';
import { errorAnswer, syntheticAnswer } from './synthetic/answer.ts';
import type { ScriptedReply } from './synthetic/compose.ts';
import type { WeatherOptions } from './weather.ts';
import { weatherOf } from './weather.ts';

/** Start of the made-up calendar: replies carry 2026-01-01 and as many seconds as requests came before them. */
const CREATED_S = 1_767_225_600;
const FAMILIES = ['openai', 'anthropic', 'gemini', 'cohere', 'ollama', 'bedrock', 'replicate'] as const;
const NOTHING: Answer = wholeAnswer(200, 'text/plain', '');

export interface RespondOptions {
  readonly script: Script;
  readonly recordings: Recordings | undefined;
  /** Whether a request without a recording gets a made-up reply rather than 404. */
  readonly isOpenEnded: boolean;
  /** Ids of recordings that answer the next requests, whatever they ask. */
  readonly queue: string[];
  readonly synthetic: SyntheticOptions;
  readonly weather: WeatherOptions;
  /** Looks at a batch until it has ended. */
  readonly batchLooks: number;
  /** `performance.now()` at the start. */
  readonly startedMs: number;
}

interface Asked {
  readonly incoming: Incoming;
  readonly facts: RouteFacts;
  /** From `/p/<provider>/`. */
  readonly provider: string | undefined;
  readonly routed: Routed | undefined;
  readonly dialect: SimulatedDialect;
}

interface Found {
  readonly answer: Answer;
  readonly by: AnsweredBy;
  readonly recording?: string;
}

type MaybeLater<T> = T | Promise<T>;

interface World extends RespondOptions {
  /** Answers of steps that are the same for every request: built once, since benchmarks live on them. */
  readonly constant: WeakMap<Step, Answer>;
  /** Begins the ids of all replies. */
  readonly seedHex: string;
  readonly stored: Stored;
}

/** The answers of a simulator, as a function of the request. */
export function createResponder(options: RespondOptions): (incoming: Incoming) => MaybeLater<Answer> {
  const seedHex = hash('sha256', String(options.synthetic.seed)).slice(0, 8);
  const stored = createStored({
    looks: options.batchLooks,
    createdS: CREATED_S,
    answerLine: (path, body) => lineAnswer(options, path, body),
  });
  const world: World = { ...options, constant: new WeakMap(), seedHex, stored };
  return (incoming) => {
    const asked = understand(incoming);
    return then(chosen(world, asked), (found) => settle(asked, found));
  };
}

function chosen(world: World, asked: Asked): MaybeLater<Found> {
  const header = asked.incoming.head.headers['x-turnout-chaos'];
  if (header === undefined) return find(world, asked);
  const chaos = parseChaos(header);
  if (!chaos.ok) return { answer: errorAnswer(asked.dialect, { status: 400, message: chaos.error }), by: 'chaos' };
  const { status = 200 } = chaos.value;
  const base: MaybeLater<Found> =
    status < 400
      ? find(world, asked)
      : { answer: errorAnswer(asked.dialect, { status, message: 'Asked for by x-turnout-chaos' }), by: 'chaos' };
  return then(base, (found) => ({ ...found, answer: applyEffects(found.answer, chaos.value) }));
}

function find(world: World, asked: Asked): MaybeLater<Found> {
  const { incoming } = asked;
  const forced = incoming.head.headers['x-simulator-recording'] ?? world.queue.shift();
  if (forced !== undefined) return forcedRecording(world, asked, forced);
  const operation = asked.routed?.operation;
  const step = world.script.forRequest({
    method: incoming.head.method,
    path: incoming.path,
    provider: asked.provider ?? asked.facts.family,
    model: () => operation?.model ?? modelOf(incoming.body),
    isStreaming: () => operation?.isStreaming ?? asRecord(jsonOf(incoming.body))?.['stream'] === true,
    bodyText: () => incoming.body.toString('utf8'),
  });
  if (step !== undefined) return scripted(world, asked, step);
  return inWeather(world, asked) ?? natural(world, asked);
}

function scripted(world: World, asked: Asked, step: Step): MaybeLater<Found> {
  const ready = world.constant.get(step);
  if (ready !== undefined) return { answer: ready, by: 'script' };
  return then(contentOf(world, asked, step), (found) => {
    const answer = applyEffects(found.answer, step);
    if (step.json !== undefined || step.body !== undefined) world.constant.set(step, answer);
    return { ...found, answer, by: 'script' as const };
  });
}

function contentOf(world: World, asked: Asked, step: Step): MaybeLater<Found> {
  const fixed = fixedContent(asked, step);
  if (fixed !== undefined) return { answer: fixed, by: 'script' };
  if (step.recording !== undefined) return forcedRecording(world, asked, step.recording);
  if (isReplaced(step)) return { answer: NOTHING, by: 'script' };
  const status = step.status ?? (step.error === undefined ? 200 : 500);
  if (step.error === undefined && status < 400) {
    return step.reply === undefined ? natural(world, asked) : synthetic(world, asked, step.reply);
  }
  const message = step.error?.message ?? `Simulated error ${status}`;
  return { answer: errorAnswer(asked.dialect, { ...step.error, status, message }), by: 'script' };
}

function inWeather(world: World, asked: Asked): Found | undefined {
  const { entry } = asked.incoming;
  const weather = weatherOf(world.weather, world.synthetic.seed, {
    sequence: entry?.sequence ?? 0,
    elapsedMs: performance.now() - world.startedMs,
    provider: asked.provider,
    model: () => entry?.model,
  });
  if (weather === undefined) return undefined;
  if (weather.kind !== 'error') return { answer: { ...NOTHING, instead: weather.kind }, by: 'weather' };
  const answer = errorAnswer(asked.dialect, { status: weather.status, message: 'Simulated trouble: try again' });
  const after = weather.retryAfterS === undefined ? {} : { 'retry-after': String(weather.retryAfterS) };
  return { answer: withHeaders(answer, after), by: 'weather' };
}

/** What comes where nobody interferes: a recording where there are any, else a made-up reply. */
function natural(world: World, asked: Asked): MaybeLater<Found> {
  const { recordings } = world;
  if (recordings === undefined) return synthetic(world, asked, undefined);
  const { incoming, facts, provider } = asked;
  const { method } = incoming.head;
  // A bare path is taken for the dialect's own provider.
  const family = facts.family ?? asked.dialect.family;
  const match = recordings.find({ method, path: facts.path, provider, family, body: incoming.body });
  if (match !== undefined) return recorded(recordings, match.recording, match.isExact ? 'equal' : 'alike');
  if (world.isOpenEnded) return synthetic(world, asked, undefined);
  const model = asked.routed?.operation.model ?? modelOf(incoming.body) ?? 'unknown';
  return refused(asked, `No recording matches ${method} ${incoming.path} (model ${model}).`);
}

function synthetic(world: World, asked: Asked, reply: ScriptedReply | undefined): Found {
  const { routed, facts, incoming } = asked;
  const stored = world.stored.answer({
    ...facts,
    contentType: facts.headers['content-type'] ?? '',
    body: incoming.body,
  });
  if (stored !== undefined) return { answer: stored, by: 'synthetic' };
  if (routed === undefined) return refused(asked, `The simulator knows nothing at ${incoming.path}.`);
  const identity = identityOf(world.seedHex, incoming.entry?.sequence ?? 0);
  const request = { facts, routed, body: incoming.body, identity, scripted: reply };
  return { answer: syntheticAnswer(request, world.synthetic), by: 'synthetic' };
}

function forcedRecording(world: World, asked: Asked, id: string): MaybeLater<Found> {
  const recording = world.recordings?.byId(id);
  if (recording === undefined || world.recordings === undefined) {
    return refused(asked, `There is no recording ${JSON.stringify(id)}.`);
  }
  return recorded(world.recordings, recording, 'forced');
}

function refused(asked: Asked, message: string): Found {
  return { answer: errorAnswer(asked.dialect, { status: 404, message }), by: 'refusal' };
}

async function recorded(recordings: Recordings, recording: Recording, match: string): Promise<Found> {
  const answer = await recordings.answer(recording);
  const headers = { 'x-simulator-recording': recording.id, 'x-simulator-match': match };
  return { answer: withHeaders(answer, headers), by: 'recording', recording: recording.id };
}

function then<A, B>(value: MaybeLater<A>, next: (value: A) => B): MaybeLater<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Notes in the log what came out. */
function settle({ incoming, routed, provider, facts }: Asked, found: Found): Answer {
  const { entry } = incoming;
  if (entry === undefined) return found.answer;
  const named = provider ?? facts.family;
  if (named !== undefined) entry.provider = named;
  if (routed !== undefined) entry.dialect = routed.dialect.id;
  if (found.recording !== undefined) entry.recording = found.recording;
  if (found.answer.instead === undefined) entry.status = found.answer.status;
  entry.answeredBy = found.by;
  return found.answer;
}

function understand(incoming: Incoming): Asked {
  const { path, query, head, entry } = incoming;
  const address = splitAddress(path);
  const facts: RouteFacts = {
    method: head.method,
    path: address.rest,
    query,
    headers: head.headers,
    family: address.family,
  };
  const routed = routeOf(facts);
  if (entry !== undefined) entry.pathModel = routed?.operation.model;
  return { incoming, facts, provider: address.provider, routed, dialect: routed?.dialect ?? dialectOf(facts) };
}

interface Address {
  readonly provider: string | undefined;
  readonly family: string | undefined;
  readonly rest: string;
}

/** Takes the simulator's own prefix off a path: `/p/<provider>`, `/openai`, `/anthropic`, `/gemini`, `/cohere`, `/ollama`, `/bedrock`. */
function splitAddress(path: string): Address {
  if (path.startsWith('/p/')) {
    const end = path.indexOf('/', 3);
    if (end > 3) {
      const provider = path.slice(3, end);
      return { provider, family: FAMILIES.find((family) => family === provider), rest: path.slice(end) };
    }
  }
  const family = FAMILIES.find((name) => path.startsWith(`/${name}/`));
  return { provider: undefined, family, rest: family === undefined ? path : path.slice(family.length + 1) };
}

function identityOf(seedHex: string, sequence: number): Identity {
  return { hex: `${seedHex}${sequence.toString(16).padStart(6, '0')}`, createdS: CREATED_S + sequence };
}

/** A line of a batch, as if it had come alone. */
function lineAnswer(
  { synthetic: options }: RespondOptions,
  path: string,
  body: JsonRecord,
): { readonly status: number; readonly body: string } {
  const headers = { 'anthropic-version': '2023-06-01' };
  const facts: RouteFacts = { method: 'POST', path, query: '', headers, family: undefined };
  const routed = routeOf(facts);
  if (routed === undefined) return { status: 404, body: '{}' };
  const bytes = Buffer.from(JSON.stringify(body));
  const identity = { hex: hash('sha256', bytes).slice(0, 14), createdS: CREATED_S };
  const answer = syntheticAnswer({ facts, routed, body: bytes, identity, scripted: undefined }, options);
  return { status: answer.status, body: Buffer.isBuffer(answer.body) ? answer.body.toString('utf8') : '{}' };
}

function jsonOf(body: Buffer): Json | undefined {
  return parseJson(body.toString('utf8'));
}

function modelOf(body: Buffer): string | undefined {
  return asString(asRecord(jsonOf(body))?.['model']);
}

/** Whether nothing of the answer's content will be seen. */
function isReplaced(step: Step): boolean {
  return (
    step.close_before_reply === true ||
    step.reset_before_reply === true ||
    step.never_reply === true ||
    step.raw !== undefined ||
    step.redirect !== undefined ||
    (step.not_http !== undefined && step.not_http !== false)
  );
}

/** Content that stands in the step itself. */
function fixedContent(asked: Asked, step: Step): Answer | undefined {
  if (step.json !== undefined) return wholeAnswer(200, 'application/json', JSON.stringify(step.json));
  if (step.body !== undefined) return wholeAnswer(200, 'text/plain; charset=utf-8', bytesOf(step.body));
  if (step.stream !== undefined) return streamedContent(asked, step.stream);
  if (step.endless !== undefined && step.endless !== false) return endlessContent(asked, step.endless);
  if (step.huge !== undefined) {
    const { body, bytes, contentType } = hugeBody(step.huge.bytes, step.huge.as ?? 'json');
    return { status: 200, headers: [['content-type', contentType]], body, framing: { by: 'length', bytes } };
  }
  if (step.gzip_bomb === undefined) return undefined;
  const { body, bytes, contentType } = gzipBomb(step.gzip_bomb.bytes);
  const headers = [
    ['content-type', contentType],
    ['content-encoding', 'gzip'],
  ] as const;
  return { status: 200, headers, body, framing: { by: 'length', bytes } };
}

function streamedContent({ routed, dialect }: Asked, items: readonly (Bytes | Json)[]): Answer {
  const operation = routed?.operation ?? { kind: 'chat', method: 'POST' };
  let events = 0;
  const pieces = items.map((item): Piece => {
    if (isBytes(item)) return { bytes: bytesOf(item) };
    events += 1;
    return { bytes: Buffer.from(dialect.encodeEvent(item, operation, events - 1)) };
  });
  return streamAnswer(200, dialect.streamType(operation), pieces);
}

function isBytes(item: Bytes | Json): item is Bytes {
  return typeof item === 'string' || asString(asRecord(item)?.['$base64']) !== undefined;
}

function endlessContent({ routed, dialect, incoming }: Asked, endless: true | { readonly text: string }): Answer {
  const operation = routed?.operation ?? { kind: 'chat', method: 'POST' };
  const model = operation.model ?? modelOf(incoming.body) ?? 'simulator';
  const event = dialect.filler(endless === true ? 'word ' : endless.text, model);
  return streamAnswer(
    200,
    dialect.streamType(operation),
    endlessly(Buffer.from(dialect.encodeEvent(event, operation, 1))),
  );
}
