/** The way out: what a target has no word for, and what can be done here instead. A wish is said natively where it can be. */
import { fieldName, type ChatField } from '../chat/field-names.ts';
import { namedSchema } from '../chat/format.ts';
import type { LossCode } from '../chat/loss-codes.ts';
import type { Invalid } from '../chat/outcome.ts';
import type { ChatRequest, Loss, Message, OutputFormat } from '../chat/request.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { JSON_MODE_TEXT } from '../dialects/anthropic-messages/encode-request.ts';
import type { Ability, Dialect, EncodedRequest, EncodeTarget } from '../dialects/dialect.ts';
import { goneOn, type GoingOn } from './going-on.ts';
import type { JsonFormat, Reshaping, Way } from './reshape.ts';

/** More calls for one request are a flood; OpenAI's own most is 128, and few ask for more than 4. */
export const CHOICES_MAX = 8;

/** Where a request goes, as far as it depends on it how its wishes are said. */
export interface Destination {
  readonly dialect: Dialect;
  readonly target: EncodeTarget;
  /** Absent: nothing is known of the model. */
  readonly abilities?: ReadonlySet<Ability> | undefined;
}

export interface Wishes {
  /** Which answers are held against their schema. */
  readonly validate: 'emulated' | 'always' | 'never';
  /** Streams are kept back until they are known to be valid. */
  readonly isHeld?: boolean;
  /** The answer that the target gave before, and what is wrong with it. */
  readonly repair?: Invalid | undefined;
  /** The text that another attempt has begun, to be gone on with. */
  readonly unfinished?: { readonly text: string; readonly way: GoingOn } | undefined;
}

export interface Shaped {
  readonly encoded: EncodedRequest;
  /** What must be done to the reply; absent: nothing. */
  readonly reshaping?: Reshaping;
  /** Bodies of further calls, each for one more choice; absent: the target gives all of them itself. */
  readonly more?: readonly JsonRecord[];
}

/** How many calls a request makes for its choices: one, where the wire has a word for them. */
export function callsFor(dialect: Dialect, choices: number): number {
  if (choices <= 1 || choices > CHOICES_MAX) return 1;
  const probe: ChatRequest = {
    origin: 'openai-chat',
    model: 'm',
    messages: [],
    sampling: {},
    isStreaming: false,
    extras: [],
    n: choices,
  };
  const isLost = dialect.encodeRequest(probe, { model: 'm' }).losses.some(({ code }) => code === 'choices');
  return isLost ? choices : 1;
}

/** Whether a target is known not to hold an answer to a schema, so that not even its own wire can be used for it as it is. */
export function deniesSchema(abilities: ReadonlySet<Ability> | undefined): boolean {
  return abilities?.has('json-schema') === false;
}

/** Writes the request for its destination. Losses that are made good here are hints that say how. */
export function shaped(request: ChatRequest, to: Destination, wishes: Wishes): Shaped {
  const asked = askedFor(request, wishes);
  const { encoded, way } = withFormat(asked, to);
  const isCut = encoded.losses.some(({ code }) => code === 'stop');
  const isSplit = isJoinable(request) && encoded.losses.some(({ code }) => code === 'choices');
  return compact({
    encoded: isCut || isSplit ? { ...encoded, losses: mended(encoded.losses, request) } : encoded,
    reshaping: reshapingOf(request, { format: formatOf(request.format, way, wishes), isCut, wishes }),
    more: isSplit ? furtherBodies(asked, to, encoded) : undefined,
  });
}

function askedFor(request: ChatRequest, { repair, unfinished }: Wishes): ChatRequest {
  if (repair !== undefined) return repaired(request, repair);
  return unfinished === undefined ? request : goneOn(request, unfinished.text, unfinished.way);
}

/** The same request again, once for each further choice. A seed would make all of them the same: each has its own. */
function furtherBodies(request: ChatRequest, to: Destination, encoded: EncodedRequest): readonly JsonRecord[] {
  const { n = 1, sampling } = request;
  const { seed } = sampling;
  return Array.from({ length: n - 1 }, (_, index) =>
    seed === undefined
      ? encoded.body
      : withFormat({ ...request, sampling: { ...sampling, seed: seed + index + 1 } }, to).encoded.body,
  );
}

interface Promised {
  readonly format: Reshaping['format'] | undefined;
  readonly isCut: boolean;
  readonly wishes: Wishes;
}

function reshapingOf(request: ChatRequest, { format, isCut, wishes }: Promised): Reshaping | undefined {
  if (format === undefined && !isCut) return undefined;
  return compact({
    choices: Math.max(1, request.n ?? 1),
    format,
    stops: isCut ? request.stop : undefined,
    isHeld: wishes.isHeld === true && format?.isChecked === true ? true : undefined,
  });
}

/** What is done to the reply of a request that went out in the caller's own words: it is looked at, where it promises a form. */
export function nativeCheck(request: ChatRequest, wishes: Wishes): Reshaping | undefined {
  return reshapingOf(request, { format: formatOf(request.format, 'native', wishes), isCut: false, wishes });
}

/** The losses, with those that are made good here in other words and without their weight. */
function mended(losses: readonly Loss[], request: ChatRequest): readonly Loss[] {
  return losses.map((loss) => {
    if (loss.code === 'stop')
      return mend(request, ['stop', 'stop', 'The text is cut here: the provider does not take all of them.']);
    if (loss.code === 'choices' && isJoinable(request))
      return mend(request, ['choices', 'n', `The request is sent ${request.n} times, each time for one choice.`]);
    return loss;
  });
}

function isJoinable({ n = 1 }: ChatRequest): boolean {
  return n > 1 && n <= CHOICES_MAX;
}

function mend(request: ChatRequest, [code, field, why]: readonly [LossCode, ChatField, string]): Loss {
  return { code, field: fieldName(request, field), weight: 'hint', why };
}

function formatOf(
  wanted: OutputFormat | undefined,
  way: Way | undefined,
  { validate }: Wishes,
): Reshaping['format'] | undefined {
  if (way === undefined || wanted === undefined || wanted.kind === 'text') return undefined;
  const isChecked = validate === 'always' || (validate === 'emulated' && way !== 'native');
  return way === 'native' && !isChecked ? undefined : { way, wanted, isChecked };
}

interface Said {
  readonly encoded: EncodedRequest;
  /** Absent: no JSON is wished. */
  readonly way: Way | undefined;
}

/** The best way that is open. Whether a wire can say a thing is asked of its encoder, which names what it loses. */
function withFormat(request: ChatRequest, to: Destination): Said {
  const { format } = request;
  const native = to.dialect.encodeRequest(request, to.target);
  if (format === undefined || format.kind === 'text') return { encoded: native, way: undefined };
  const isLost = native.losses.some((loss) => loss.code === 'format');
  if (format.kind === 'json' && !isLost) {
    // The dialects without a JSON mode ask for one object in words, and say so.
    return { encoded: native, way: native.losses.some((loss) => loss.code === 'json-mode') ? 'instruction' : 'native' };
  }
  if (!isLost && !deniesSchema(to.abilities)) return { encoded: native, way: 'native' };
  const bare = withoutFormat(request);
  const byTool = format.kind === 'json-schema' && canUseTool(request, to) ? throughTool(bare, format, to) : undefined;
  if (byTool !== undefined) return { encoded: named(byTool, request, BY_TOOL), way: 'tool' };
  const told = withInstruction(bare, instructionOf(format));
  return { encoded: named(to.dialect.encodeRequest(told, to.target), request, BY_WORDS), way: 'instruction' };
}

const BY_TOOL = 'Asked for as a tool whose arguments are the answer: the target does not hold its answers to a schema.';
const BY_WORDS = 'Asked for in words: the target does not hold its answers to a form.';

function named(encoded: EncodedRequest, request: ChatRequest, why: string): EncodedRequest {
  return { ...encoded, losses: [...encoded.losses, mend(request, ['format', 'format', why])] };
}

type Bare = Omit<ChatRequest, 'format'>;

/** Without the wish, and without what the caller's own wire says of it beside our words. */
function withoutFormat(request: ChatRequest): Bare {
  const { format: _, ...rest } = request;
  const field = fieldName(rest, 'format');
  const extras = rest.extras.filter((extra) => extra.field !== field && !extra.field.startsWith(`${field}.`));
  return { ...rest, extras };
}

/** Arguments are an object; and a caller's own tools would stand beside ours, with a choice between them. */
function canUseTool(request: ChatRequest, to: Destination): boolean {
  const { tools = [], format } = request;
  return (
    format?.kind === 'json-schema' &&
    format.schema['type'] === 'object' &&
    tools.length === 0 &&
    to.abilities?.has('tools') !== false &&
    !thinksUnasked(request, to)
  );
}

/**
 * Models that reason do so unasked on OpenAI's chat wire, and refuse a forced call meanwhile (recorded of DeepSeek). On the
 * other wires thinking is asked for, and their encoders name what a forced call would cost.
 */
function thinksUnasked({ reasoning }: ChatRequest, { dialect, abilities }: Destination): boolean {
  return dialect.id === 'openai-chat' && abilities?.has('reasoning') === true && reasoning?.effort !== 'none';
}

/** The request with our tool; undefined where the wire cannot demand the call, or loses something by it (thinking, with Claude). */
function throughTool(
  bare: Bare,
  format: Extract<JsonFormat, { kind: 'json-schema' }>,
  { dialect, target }: Destination,
): EncodedRequest | undefined {
  const name = TOOL_NAME.test(format.name ?? '') ? (format.name ?? OWN_NAME) : OWN_NAME;
  const tool = {
    kind: 'function' as const,
    name,
    description: format.description ?? 'Give the answer with this tool, all of it.',
    parameters: format.schema,
    at: fieldName(bare, 'format'),
  };
  const asked = dialect.encodeRequest({ ...bare, tools: [tool], toolChoice: { kind: 'tool', name } }, target);
  const before = new Set(dialect.encodeRequest(bare, target).losses.map(placeOf));
  const isDear = asked.losses.some((loss) => loss.code !== 'schema' && !before.has(placeOf(loss)));
  return isDear ? undefined : asked;
}

/** What every provider takes as a tool's name. */
const TOOL_NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/;
const OWN_NAME = 'answer';

function placeOf({ code, field }: Loss): string {
  return `${code} ${field}`;
}

/** Our words for the wish. The schema follows as it would be sent to a provider that takes one. */
function instructionOf(format: JsonFormat): string {
  if (format.kind === 'json') return JSON_MODE_TEXT;
  return `${INSTRUCTION}\n${JSON.stringify(namedSchema(format))}`;
}

/** The line before the schema; the simulator knows a wish for JSON by it. */
export const INSTRUCTION =
  'Answer with one JSON value and nothing else: no other words, no code fence. It must be valid against this JSON Schema:';

/** A system text behind those that the conversation begins with. */
function withInstruction(request: Bare, text: string): Bare {
  const { messages } = request;
  const first = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const at = first === -1 ? messages.length : first;
  const role = messages[at - 1]?.role ?? 'system';
  const place = (messages[at] ?? messages[at - 1])?.at;
  const told: Message = { role, parts: [{ kind: 'text', text }], ...(place === undefined ? {} : { at: place }) };
  return { ...request, messages: messages.toSpliced(at, 0, told) };
}

/** An answer that is sent back to be repaired is not sent back longer than this. */
const REPAIRED_MAX = 64 * 1024;

/** The conversation goes on: the answer that was not valid, and what is wrong with it. */
function repaired(request: ChatRequest, { answer, reason }: Invalid): ChatRequest {
  const said: Message = { role: 'assistant', parts: [{ kind: 'text', text: answer.slice(0, REPAIRED_MAX) }] };
  const text = `That answer is not valid: ${reason}. Give the whole answer again, as JSON and nothing else.`;
  const told: Message = { role: 'user', parts: [{ kind: 'text', text }] };
  return { ...request, messages: [...request.messages, ...(answer === '' ? [] : [said]), told] };
}

/** Characters that a repair adds to the input: what its hold must cover beside the request. */
export function repairLength({ answer, reason }: Invalid): number {
  return Math.min(answer.length, REPAIRED_MAX) + reason.length + 120;
}
