/** A request in the one language as a body of `/v1/messages` that the named model takes. */
import { fieldName, reasoningField, toolFieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { namedSchema } from '../../chat/format.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { Origin, Part } from '../../chat/part.ts';
import { budgetOf, effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Extra, Reasoning, Sampling, Tool, ToolChoice } from '../../chat/request.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { encoding, plainContent, toolName, type Encoding } from './encode-blocks.ts';
import { encodeMessages } from './encode-messages.ts';
import { traitsOf, type Effort, type ModelTraits } from './model.ts';
import { fitSchema, isStrictSchema, toolSchema } from './schema.ts';
import { HOME, lossList } from './words.ts';

/** Given where neither the caller nor the catalog says how long a reply may be: what every model of this wire can give. */
const MAX_TOKENS_DEFAULT = 4096;
/** The API's least thinking budget. */
const BUDGET_MIN = 1024;
/** Budget where the caller leaves it to the model and the model wants a number: medium effort. */
const BUDGET_DEFAULT = 8192;
/** With thinking, `top_p` may only be this or more, and the other sampling fields only their defaults. */
const THINKING_TOP_P_MIN = 0.95;
const USER_MAX = 256;
/** The API compiles at most this many strict tools (recorded 400: "Too many strict tools (21)"). */
const STRICT_TOOLS_MAX = 20;
export const JSON_MODE_TEXT =
  'Answer with one valid JSON object and nothing else: no explanation before or after it, no code fence.';

/** What the parts of the body need to know of each other. */
interface Draft {
  readonly request: ChatRequest;
  readonly target: EncodeTarget;
  readonly traits: ModelTraits;
  readonly into: Encoding;
  readonly maxTokens: number;
  readonly hint: (code: LossCode, field: ChatField, why: string) => void;
  readonly meaning: (code: LossCode, field: ChatField, why: string) => void;
}

/** What Claude's own rules need to know, on whatever wire it is spoken to. */
export type ClaudeDraft = Pick<Draft, 'request' | 'target' | 'traits' | 'maxTokens' | 'hint' | 'meaning'>;

export function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses = lossList();
  const isHome = request.origin === HOME;
  const into = encoding(losses, isHome, countMarks(request));
  const draft: Draft = {
    request,
    target,
    traits: traitsOf(target.model),
    into,
    maxTokens: maxTokensOf(request, target),
    hint: (code, field, why) => losses.hint(code, fieldName(request, field), why),
    meaning: (code, field, why) => losses.meaning(code, fieldName(request, field), why),
  };
  const tools = encodeTools(draft);
  const { system, messages, isUnsignedToolLoop } = encodeMessages(request.messages, draft.traits, into);
  const choice = encodeToolChoice(draft, tools.length > 0);
  const isForced = choice?.['type'] === 'any' || choice?.['type'] === 'tool';
  const thinking = isHome ? homeThinking(request) : encodeThinking(draft, { isForced, isUnsignedToolLoop });
  loseShown(draft, thinking);
  const format = encodeFormat(draft);
  const instructions =
    format.instruction === undefined ? system : [...system, { type: 'text', text: format.instruction }];
  loseRest(draft);
  const config = compact({ effort: thinking.effort, format: format.field });
  const body: JsonRecord = compact({
    model: target.model,
    max_tokens: draft.maxTokens,
    system: plainContent(instructions),
    messages,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: choice,
    thinking: thinking.field,
    output_config: Object.keys(config).length === 0 ? undefined : config,
    ...encodeSampling(draft, thinking.field),
    stop_sequences: encodeStop(draft),
    metadata: encodeUser(draft),
    stream: request.isStreaming ? true : undefined,
  });
  return {
    body: isHome ? withExtras(body, request.extras) : body,
    losses: [...(isHome ? [] : foreignLosses(request, HOME)), ...losses.all()],
  };
}

function countMarks(request: ChatRequest): number {
  const parts = request.messages.flatMap((message) =>
    message.parts.flatMap((part): readonly Part[] => (part.kind === 'tool-result' ? [part, ...part.parts] : [part])),
  );
  const tools = (request.tools ?? []).filter((tool) => tool.kind === 'function' && tool.isCacheEnd === true);
  return parts.filter((part) => part.cache !== undefined).length + tools.length;
}

/** The wire wants a number; one above the model's own limit would be refused. */
function maxTokensOf(request: ChatRequest, target: EncodeTarget): number {
  const most = target.maxOutputTokens;
  if (request.maxOutputTokens === undefined) return most ?? MAX_TOKENS_DEFAULT;
  return request.origin === HOME || most === undefined
    ? request.maxOutputTokens
    : Math.min(request.maxOutputTokens, most);
}

/** Fields that wires with one choice, without log probabilities and penalties, have no place for at all. */
export function loseRest(draft: Pick<Draft, 'request' | 'maxTokens' | 'hint' | 'meaning'>): void {
  const { request, hint, meaning } = draft;
  if ((request.n ?? 1) > 1) meaning('choices', 'n', 'This provider gives one choice.');
  if (request.logprobs !== undefined) meaning('logprobs', 'logprobs', 'This provider gives no log probabilities.');
  if (Object.keys(request.sampling.logitBias ?? {}).length > 0)
    meaning('logit-bias', 'logitBias', 'Tokens cannot be weighted here.');
  for (const [field, neutral] of NEUTRAL) {
    const value = request.sampling[field];
    if (value !== undefined && value !== neutral) hint('sampling', field, 'This provider has no such setting.');
  }
  loseModalities(draft);
  if ((request.maxOutputTokens ?? 0) > draft.maxTokens)
    hint('max-tokens', 'maxOutputTokens', `This model gives at most ${draft.maxTokens} tokens.`);
}

function loseModalities(draft: Pick<Draft, 'request' | 'hint' | 'meaning'>): void {
  const other = (draft.request.modalities ?? []).filter((kind) => kind.toLowerCase() !== 'text');
  if (other.length > 0)
    draft.meaning('modalities', 'modalities', `This provider answers with text, not with ${other.join(' or ')}.`);
  else if (draft.request.audio !== undefined) draft.hint('voice', 'audio', 'This provider does not speak.');
}

/** Sampling settings that are unknown here, with the value that changes nothing. */
const NEUTRAL = [
  ['seed', undefined],
  ['frequencyPenalty', 0],
  ['presencePenalty', 0],
  ['repetitionPenalty', 1],
  ['minP', 0],
] as const;

function encodeTools(draft: Draft): readonly JsonRecord[] {
  const { request, into } = draft;
  const only = request.toolChoice?.kind === 'required' ? request.toolChoice.only : undefined;
  const wanted = (request.tools ?? []).filter(
    (tool) => only === undefined || only.length === 0 || only.includes(tool.name),
  );
  const isStrictTooMuch =
    wanted.filter((tool) => tool.kind === 'function' && tool.strict === true).length > STRICT_TOOLS_MAX;
  return wanted.flatMap((tool, index) => encodeTool(tool, { into, index, isStrictTooMuch, origin: request.origin }));
}

interface ToolFacts {
  readonly into: Encoding;
  readonly isStrictTooMuch: boolean;
  readonly origin: Origin;
}

function encodeTool(tool: Tool, how: ToolFacts & { readonly index: number }): readonly JsonRecord[] {
  const { into } = how;
  if (tool.kind === 'opaque') return tool.origin === HOME && isRecord(tool.value) ? [tool.value] : [];
  const at = tool.at ?? `tools[${how.index}]`;
  const parameters = into.isHome ? { schema: tool.parameters, moved: [] } : toolSchema(tool.parameters);
  if (parameters.moved.length > 0) {
    into.losses.hint(
      'schema',
      at,
      `The top of a tool's schema is a plain object here; told in its description instead: ${parameters.moved.join(', ')}.`,
    );
  }
  return [
    compact({
      name: toolName(tool.name, tool.at, into),
      description: tool.description,
      input_schema: parameters.schema,
      strict: encodeStrict(tool, { ...how, at, schema: parameters.schema }),
      ...into.mark(tool.isCacheEnd === true ? compact({ ttl: tool.cacheTtl }) : undefined, at),
      ...(into.isHome ? tool.extra : undefined),
    }),
  ];
}

/** `strict` where the schema compiles as it is; elsewhere it would be a 400, so the arguments are only likely to fit. */
function encodeStrict(
  tool: Extract<Tool, { kind: 'function' }>,
  how: ToolFacts & { readonly at: string; readonly schema: JsonRecord | undefined },
): boolean | undefined {
  if (tool.strict === undefined || how.into.isHome) return tool.strict;
  // Not strict is the default.
  if (!tool.strict) return undefined;
  if (!how.isStrictTooMuch && how.schema !== undefined && isStrictSchema(how.schema)) return true;
  const why = how.isStrictTooMuch
    ? `more than ${STRICT_TOOLS_MAX} tools are strict`
    : 'its schema has parts that cannot be enforced';
  how.into.losses.hint(
    'tool-strict',
    toolFieldName(how.origin, how.at, 'strict'),
    `Arguments are not enforced: ${why}.`,
  );
  return undefined;
}

function encodeToolChoice(draft: Draft, hasTools: boolean): JsonRecord | undefined {
  const choice = draft.request.toolChoice;
  const isForced = choice?.kind === 'required' || choice?.kind === 'tool';
  if (!hasTools) {
    if (isForced) draft.meaning('tool-choice', 'toolChoice', 'There is no tool left that could be chosen.');
    return undefined;
  }
  const serial = encodeSerial(draft);
  if (choice === undefined) return serial === undefined ? undefined : { type: 'auto', ...serial };
  if (choice.kind === 'none') return { type: 'none' };
  if (!isForced || draft.traits.takesForcedTool || draft.into.isHome)
    return { ...encodeChoice(choice, draft), ...serial };
  draft.meaning('tool-choice', 'toolChoice', 'This model cannot be made to call a tool; it was left to choose.');
  return { type: 'auto', ...serial };
}

/** Several calls at a time are the default, so only the caller of this very wire gets to say it. */
function encodeSerial(draft: Draft): JsonRecord | undefined {
  const parallel = draft.request.parallelToolCalls;
  if (parallel === undefined || (parallel && !draft.into.isHome)) return undefined;
  return { disable_parallel_tool_use: !parallel };
}

function encodeChoice(choice: Exclude<ToolChoice, { kind: 'none' }>, draft: Draft): JsonRecord {
  if (choice.kind === 'auto') return { type: 'auto' };
  if (choice.kind === 'tool') return { type: 'tool', name: toolName(choice.name, undefined, draft.into) };
  const [only, ...more] = choice.only ?? [];
  return only !== undefined && more.length === 0
    ? { type: 'tool', name: toolName(only, undefined, draft.into) }
    : { type: 'any' };
}

export interface Thinking {
  /** The field `thinking`. */
  readonly field?: JsonRecord;
  readonly effort?: string;
}

/** The caller's own words again. */
function homeThinking(request: ChatRequest): Thinking {
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  const { effort } = reasoning;
  return compact({
    field: homeField(reasoning),
    effort: effort === 'none' || effort === 'minimal' ? undefined : effort,
  });
}

function homeField(reasoning: Reasoning): JsonRecord | undefined {
  const { budgetTokens } = reasoning;
  if (budgetTokens === undefined) return undefined;
  if (budgetTokens === 0) return { type: 'disabled' };
  if (budgetTokens < 0) return { type: 'adaptive', ...displayOf(reasoning) };
  return { type: 'enabled', budget_tokens: budgetTokens, ...displayOf(reasoning) };
}

export interface ThinkingFacts {
  readonly isForced: boolean;
  readonly isUnsignedToolLoop: boolean;
}

/** Another protocol's wish to reason, in the form that this model takes. */
export function encodeThinking(draft: ClaudeDraft, facts: ThinkingFacts): Thinking {
  const { target, traits } = draft;
  const reasoning = draft.request.reasoning ?? {};
  if (reasoning.effort === undefined && reasoning.budgetTokens === undefined) return {};
  const isOff = reasoning.effort === 'none' || reasoning.budgetTokens === 0;
  if (target.canReason === false || traits.thinking === 'none')
    return isOff ? {} : withoutThinking(draft, 'This model does not reason.');
  if (isOff) return noThinking(draft);
  if (facts.isForced) return withoutThinking(draft, 'Claude does not think before a call that it is forced to make.');
  if (traits.thinking !== 'budget') return adaptiveThinking(draft, reasoning);
  if (!facts.isUnsignedToolLoop) return budgetThinking(draft, reasoning);
  return withoutThinking(
    draft,
    'Within a tool loop Claude thinks on only where it thought at the start, with its signature.',
  );
}

function withoutThinking(draft: ClaudeDraft, why: string): Thinking {
  draft.hint('reasoning', reasoningField(draft.request.reasoning ?? {}), why);
  return {};
}

function noThinking(draft: ClaudeDraft): Thinking {
  const { traits, hint, request } = draft;
  if (traits.canStopThinking) return { field: { type: 'disabled' } };
  hint(
    'reasoning',
    reasoningField(request.reasoning ?? {}),
    'This model always thinks; it was asked to think as little as it can.',
  );
  return traits.hasBetweenTools ? { field: { type: 'between_tools' } } : { effort: 'low' };
}

function adaptiveThinking(draft: ClaudeDraft, reasoning: Reasoning): Thinking {
  const { traits, hint } = draft;
  const wanted = effortOf(reasoning);
  if (reasoning.effort === undefined && wanted !== undefined) {
    hint('reasoning-budget', 'reasoningBudget', `This model takes an effort, not a budget: ${wanted}.`);
  }
  const effort = wanted === undefined || wanted === 'none' ? undefined : nearestEffort(wanted, traits);
  if (effort !== undefined && effort !== wanted && wanted !== 'minimal') {
    hint('reasoning-effort', 'reasoningEffort', `This model has no effort ${String(wanted)}; it was given ${effort}.`);
  }
  return compact({ field: { type: 'adaptive', ...displayOf(reasoning) }, effort });
}

const ORDER: readonly Effort[] = ['low', 'medium', 'high', 'xhigh', 'max'];

function nearestEffort(wanted: Effort | 'minimal', traits: ModelTraits): Effort | undefined {
  const place = wanted === 'minimal' ? 0 : ORDER.indexOf(wanted);
  return traits.efforts.findLast((effort) => ORDER.indexOf(effort) <= place);
}

function displayOf(reasoning: Reasoning): JsonRecord {
  return reasoning.isShown === undefined ? {} : { display: reasoning.isShown ? 'summarized' : 'omitted' };
}

/** A budget must leave room for the answer: it is below `max_tokens`, and at least 1,024. */
function budgetThinking(draft: ClaudeDraft, reasoning: Reasoning): Thinking {
  const { maxTokens, hint } = draft;
  const asked = budgetOf(reasoning) ?? BUDGET_DEFAULT;
  const wanted = Math.max(BUDGET_MIN, asked < 0 ? BUDGET_DEFAULT : asked);
  if (maxTokens <= BUDGET_MIN) {
    hint(
      'reasoning-budget',
      reasoningField(reasoning),
      `Thinking takes at least ${BUDGET_MIN} tokens, and the reply may only have ${maxTokens}.`,
    );
    return {};
  }
  const budget = wanted < maxTokens ? wanted : Math.max(BUDGET_MIN, Math.floor(maxTokens / 2));
  if (asked > 0 && budget !== asked) {
    const field = reasoningField(reasoning);
    hint(
      'reasoning-budget',
      field,
      `The budget must be from ${BUDGET_MIN} to below max_tokens (${maxTokens}): ${budget}.`,
    );
  }
  return { field: { type: 'enabled', budget_tokens: budget, ...displayOf(reasoning) } };
}

/** Where nothing is thought, nothing can be shown; who asked for no thoughts loses nothing by it. */
function loseShown(draft: Draft, { field }: Thinking): void {
  const { isShown, effort, budgetTokens } = draft.request.reasoning ?? {};
  if (draft.into.isHome || isShown === undefined || effort === 'none' || budgetTokens === 0) return;
  if (field?.['display'] !== undefined) return;
  draft.hint('reasoning-shown', 'reasoningShown', 'There is no thinking that could be shown or not.');
}

interface Format {
  readonly field?: JsonRecord;
  /** Said to the model where the wire has no field for it. */
  readonly instruction?: string;
}

function encodeFormat(draft: Draft): Format {
  const { request, traits, into, hint, meaning } = draft;
  const { format } = request;
  if (format === undefined || format.kind === 'text') return {};
  if (format.kind === 'json') {
    hint('json-mode', 'format', 'There is no JSON mode without a schema; the system text asks for one JSON object.');
    return { instruction: JSON_MODE_TEXT };
  }
  if (into.isHome) return { field: { type: 'json_schema', schema: format.schema } };
  if (!traits.takesFormat) {
    meaning('format', 'format', 'This model does not enforce a schema.');
    return {};
  }
  const { schema, moved } = fitSchema(namedSchema(format));
  if (moved.length > 0) {
    hint('schema', 'format', `Not enforced, but told to the model in the schema's descriptions: ${moved.join(', ')}.`);
  }
  return { field: { type: 'json_schema', schema } };
}

function encodeSampling(draft: Draft, thinking: JsonRecord | undefined): JsonRecord {
  const { sampling } = draft.request;
  if (draft.into.isHome)
    return compact({ temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK });
  return claudeSampling(draft, thinking);
}

/** Another protocol's sampling settings, as far as this model takes them beside `thinking`. */
export function claudeSampling(draft: ClaudeDraft, thinking: JsonRecord | undefined): JsonRecord {
  const { sampling } = draft.request;
  if (!draft.traits.takesSampling) return loseSampling(draft, sampling, 'This model takes no sampling settings.');
  const isThinking = thinking !== undefined && thinking['type'] !== 'disabled';
  return isThinking ? thinkingSampling(draft) : freeSampling(draft);
}

function freeSampling(draft: ClaudeDraft): JsonRecord {
  const { temperature, topP = 1, topK = 0 } = draft.request.sampling;
  if (temperature !== undefined && temperature > 1)
    draft.hint('sampling', 'temperature', 'The highest temperature is 1.');
  const isOneTooMany = temperature !== undefined && !draft.traits.takesBothSamplings;
  if (topP !== 1 && isOneTooMany) draft.hint('sampling', 'topP', 'Only one of temperature and top_p is taken.');
  return compact({
    temperature: temperature === undefined ? undefined : Math.min(1, temperature),
    top_p: topP === 1 || isOneTooMany ? undefined : topP,
    // Zero says in some protocols that every token may be taken, and is refused here.
    top_k: topK <= 0 ? undefined : topK,
  });
}

/** While it thinks, Claude samples at temperature 1, from the best 95% or more. */
function thinkingSampling(draft: ClaudeDraft): JsonRecord {
  const { topP, ...rest } = draft.request.sampling;
  const isTaken = topP !== undefined && topP >= THINKING_TOP_P_MIN;
  loseSampling(
    draft,
    isTaken ? rest : draft.request.sampling,
    'While it thinks, Claude takes no other sampling settings.',
  );
  return isTaken && topP < 1 ? { top_p: topP } : {};
}

/** Lists the settings that would have changed something. */
function loseSampling(draft: ClaudeDraft, sampling: Sampling, why: string): JsonRecord {
  const { temperature = 1, topP = 1, topK = 0 } = sampling;
  if (temperature !== 1) draft.hint('sampling', 'temperature', why);
  if (topP !== 1) draft.hint('sampling', 'topP', why);
  if (topK > 0) draft.hint('sampling', 'topK', why);
  return {};
}

/** Sequences of nothing but white space are refused. */
function encodeStop(draft: Draft): readonly string[] | undefined {
  const { request, into, meaning } = draft;
  if (request.stop === undefined) return undefined;
  const kept = into.isHome ? request.stop : request.stop.filter((text) => text.trim() !== '');
  if (kept.length < request.stop.length) meaning('stop', 'stop', 'A stop sequence must hold more than white space.');
  return kept.length === 0 ? undefined : kept;
}

function encodeUser(draft: Draft): JsonRecord | undefined {
  const { request, into, hint } = draft;
  if (request.user === undefined) return undefined;
  if (!into.isHome && (request.user === '' || request.user.length > USER_MAX)) {
    if (request.user !== '') hint('user', 'user', `A user's id has at most ${USER_MAX} characters.`);
    return undefined;
  }
  return { user_id: request.user };
}

/** Puts back what had no word of ours, where it stood. */
function withExtras(body: JsonRecord, extras: readonly Extra[]): JsonRecord {
  const full: Record<string, Json | undefined> = { ...body };
  for (const { field, value } of extras) {
    const parent = PARENTS.find((name) => field.startsWith(`${name}.`));
    if (parent === undefined) full[field] = value;
    else putIn(full, parent.split('.'), { [field.slice(parent.length + 1)]: value });
  }
  return full;
}

/** Fields of which we know only parts, the longest first. */
const PARENTS = ['output_config.format', 'output_config', 'metadata', 'tool_choice', 'thinking'] as const;

function putIn(
  into: Record<string, Json | undefined>,
  [name = '', ...rest]: readonly string[],
  fields: JsonRecord,
): void {
  const old = into[name];
  const inner: Record<string, Json | undefined> = isRecord(old) ? { ...old } : {};
  if (rest.length === 0) Object.assign(inner, fields);
  else putIn(inner, rest, fields);
  into[name] = inner;
}
