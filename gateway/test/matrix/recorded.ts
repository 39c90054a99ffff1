/** Recorded replies in the cells of the matrix: what a client is told must be what the provider's own client would have read. */
import type { JsonRecord } from '../../src/lib/json.ts';
import type { Step } from '../../src/simulator/step.ts';
import { readIndex, readRecording, type IndexRow, type Recording } from '../conformance/recordings.ts';
import { absence, CLIENTS, PLANS, PROVIDERS, type Cell, type Mode } from './cells.ts';
import { eventsOf, turn, type Try, type World } from './exchange.ts';
import type { Client, FeatureId, Provider, Told } from './kinds.ts';
import { COMMON_REPLIES, found } from './things.ts';

/** Recordings of one kind that are taken: two, since the first may be an odd one. */
const TAKEN_MAX = 2;

/** Whose recordings stand for a wire: those of who made it, as others have oddities of their own. Absent: none are read here. */
const SOURCES: Readonly<Record<string, { readonly provider: RegExp; readonly wire: string }>> = {
  'openai-chat': { provider: /^openai$/, wire: 'openai-chat' },
  openrouter: { provider: /^openrouter$/, wire: 'openai-chat' },
  'openai-responses': { provider: /^openai$/, wire: 'openai-responses' },
  'anthropic-messages': { provider: /^anthropic$/, wire: 'anthropic-messages' },
  gemini: { provider: /^(gemini|google|vertex)/, wire: 'gemini-generate' },
  cohere: { provider: /^cohere$/, wire: 'cohere-v2-chat' },
};

/** What the corpus says of a recording that shows a feature; the rest of them show nothing more. */
const SHOWS: Partial<Readonly<Record<FeatureId, (features: ReadonlySet<string>) => boolean>>> = {
  text: (has) => [...has].every((one) => PLAIN.has(one)) && has.has('system'),
  tools: (has) => has.has('tool-call') && !has.has('parallel-tool-calls'),
  'parallel-tools': (has) => has.has('parallel-tool-calls') && has.has('tool-call'),
  reasoning: (has) => has.has('tool-call') && ['thinking-signature', 'encrypted-reasoning'].some((one) => has.has(one)),
  citations: (has) => has.has('citations'),
  refusal: (has) => ['refusal', 'finish:refusal', 'finish:SAFETY', 'finish:content_filter'].some((one) => has.has(one)),
  length: (has) => ['finish:length', 'finish:max_tokens', 'finish:MAX_TOKENS'].some((one) => has.has(one)),
};
const PLAIN: ReadonlySet<string> = new Set([
  'system',
  'stream',
  'non-ascii',
  'multi-turn',
  'finish:stop',
  'finish:STOP',
  'finish:end_turn',
  'finish:COMPLETE',
  'usage-last-chunk',
  'usage-in-stream-asked',
]);
/** Things of a reply that a cell is not about, and that some protocols cannot say. Sources are often those of a provider's tool. */
const BESIDE = /^(n>1|audio|image-out|logprobs|mid-stream-error|stream-cut|legacy|elided)/;
const TOOLS_BESIDE = /^(server-tool|builtin-tool:)/;

export interface RecordedCell {
  readonly cell: Cell;
  readonly mode: Mode;
  readonly recording: Recording;
}

/** The recordings for all cells that have some. */
export function recordedCells(corpus: string): readonly RecordedCell[] {
  const rows = readIndex(corpus).filter(
    ({ status, operation, features, kind }) =>
      status === 200 &&
      operation.startsWith('chat') &&
      kind === 'recorded' &&
      !features.some((one) => BESIDE.test(one)),
  );
  return PROVIDERS.flatMap((provider) =>
    Object.keys(SHOWS)
      .filter((name): name is FeatureId => name in PLANS)
      .flatMap((feature) =>
        (['whole', 'stream'] as const).flatMap((mode) =>
          chosen(rows, { provider, feature, mode }).flatMap((row) => {
            const recording = readRecording(corpus, row);
            return CLIENTS.map((client) => ({ client, provider, feature }))
              .filter((cell) => cell.client.id !== provider.dialect && canTell(cell, row))
              .map((cell) => ({ cell, mode, recording }));
          }),
        ),
      ),
  );
}

/** Whether the client's protocol has a form for what the recording shows. */
function canTell(cell: Cell, { features }: IndexRow): boolean {
  const hasTools = cell.client.asks.tools !== undefined;
  return absence(cell) !== 'client' && (hasTools || !features.includes('tool-call'));
}

interface Wanted {
  readonly provider: Provider;
  readonly feature: FeatureId;
  readonly mode: Mode;
}

function chosen(rows: readonly IndexRow[], { provider, feature, mode }: Wanted): readonly IndexRow[] {
  const source = SOURCES[provider.id];
  if (source === undefined) return [];
  return rows
    .filter((row) => row.wire === source.wire && source.provider.test(row.provider))
    .filter((row) => row.operation.endsWith('stream') === (mode === 'stream'))
    .filter(({ features }) => feature === 'citations' || !features.some((one) => TOOLS_BESIDE.test(one)))
    .filter((row) => SHOWS[feature]?.(new Set(row.features)) === true)
    .slice(0, TAKEN_MAX);
}

/** What is wrong in a cell with a recorded reply; nothing where all is right. */
export async function seeRecorded(world: World, { cell, mode, recording }: RecordedCell): Promise<readonly string[]> {
  const plan = PLANS[cell.feature];
  const home = CLIENTS.find(({ id }) => id === cell.provider.dialect);
  if (plan.kind !== 'talk' || home === undefined) return ['there is nothing to compare it with'];
  const at: Try = { world, cell, mode, adapt: true };
  const ask = cell.client.asks[plan.ask] ?? {};
  const got = await turn(at, ask, stepOf(recording));
  if (got.told === undefined) return [`refused: ${got.refused}`];
  const wanted = home.read(replyOf(recording, home));
  const flaws = [...got.missing, ...toldFlaws({ told: got.told, wanted, cell, home }, got.losses)];
  if (plan.hasNext === undefined || wanted.calls.length === 0) return flaws;
  const next = await turn(at, cell.client.next(ask, got.reply), COMMON_REPLIES.text[mode]);
  if (next.heard === undefined) return [...flaws, `the second turn is refused: ${next.refused}`];
  return [
    ...flaws,
    ...next.missing,
    ...same(next.heard.calls.map(bare), wanted.calls.map(bare), 'calls sent back'),
    ...signatureFlaws(next.heard.signatures, recording, home),
  ];
}

/** What Google has its clients say of a call that no model signed (ai.google.dev/gemini-api/docs/thought-signatures). */
const UNSIGNED = 'skip_thought_signature_validator';

/** As many come back as there were, byte for byte. The Responses API seals reasoning anew for the last event: either may come back. */
function signatureFlaws(heard: readonly string[], recording: Recording, home: Client): readonly string[] {
  const sent = new Set(heard.filter((one) => one !== UNSIGNED));
  const everywhere = recording.bytes.toString('utf8');
  return [
    ...same(sent.size, signaturesIn(recording, home).size, 'signatures'),
    ...[...sent].filter((one) => !everywhere.includes(one)).map((one) => `signature ${one.slice(0, 30)} is no one's`),
  ];
}

function stepOf({ bytes, contentType, status }: Recording): Step {
  return { status, headers: { 'content-type': contentType }, body: { $base64: bytes.toString('base64') } };
}

function replyOf({ bytes, json, isStream }: Recording, home: Client): JsonRecord {
  if (isStream) return home.join(eventsOf(bytes.toString('utf8')));
  return json !== null && typeof json === 'object' && !Array.isArray(json) ? (json as JsonRecord) : {};
}

const SIGNATURES = ['signature', 'thoughtSignature', 'encrypted_content', 'data'] as const;

/** All signatures of a reply, wherever its protocol puts them. */
function signaturesIn(recording: Recording, home: Client): ReadonlySet<string> {
  const reply = replyOf(recording, home);
  const values = found(reply, (record) => {
    const texts = SIGNATURES.map((name) => record[name]).filter((value) => typeof value === 'string' && value !== '');
    return texts.length === 0 ? undefined : texts;
  });
  return new Set(values.flat().filter((value) => typeof value === 'string'));
}

interface Comparison {
  readonly told: Told;
  /** What the provider's own client reads of the same reply. */
  readonly wanted: Told;
  readonly cell: Cell;
  readonly home: Client;
}

function toldFlaws({ told, wanted, cell, home }: Comparison, losses: readonly string[]): readonly string[] {
  const { finishes } = cell.client;
  const isLong = (of: Told, client: Client): boolean => of.finish === client.finishes.length;
  return [
    ...same(`${told.text}${told.refusal}`, `${wanted.text}${wanted.refusal}`, 'text'),
    ...callFlaws(told, wanted),
    // Named, and gone.
    ...(told.thoughts === '' && losses.includes('reasoning') ? [] : same(told.thoughts, wanted.thoughts, 'thoughts')),
    ...same(isLong(told, cell.client), isLong(wanted, home), `the limit (${finishes.length})`),
    ...(cell.feature === 'refusal' ? same(cell.client.isRefused(told), home.isRefused(wanted), 'refused') : []),
    ...(losses.some((field) => /citation|annotation|grounding/.test(field))
      ? []
      : same([...new Set(told.citations)].toSorted(), [...new Set(wanted.citations)].toSorted(), 'citations')),
  ];
}

/** Arguments that were cut off are no JSON, and each protocol has them its own way. */
function callFlaws(told: Told, wanted: Told): readonly string[] {
  const isWhole = wanted.calls.every((call) => call.arguments !== undefined);
  return isWhole
    ? same(told.calls.map(bare), wanted.calls.map(bare), 'calls')
    : same(told.calls.length, wanted.calls.length, 'number of calls');
}

function bare({ name, arguments: given }: Told['calls'][number]): readonly unknown[] {
  return [name, given ?? {}];
}

function same(seen: unknown, wanted: unknown, name: string): readonly string[] {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(wanted)];
  return a === b ? [] : [`${name}: ${a.slice(0, 200)} for ${b.slice(0, 200)}`];
}
