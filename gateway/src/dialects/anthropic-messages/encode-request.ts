/** A request in the one language as a body of `/v1/messages` that the named model takes. */
import { fieldName, type ChatField } from '../../chat/field-names.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { Part } from '../../chat/part.ts';
import { budgetOf, effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Extra, Reasoning, Tool, ToolChoice, Weight } from '../../chat/request.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { encoding, toolName, type Encoding } from './encode-blocks.ts';
import { encodeMessages } from './encode-messages.ts';
import { traitsOf, type Effort, type ModelTraits } from './model.ts';
import { fitSchema, isStrictSchema, toolSchema } from './schema.ts';
import { HOME, lossList } from './words.ts';

/** Given where neither the caller nor the catalog says how long a reply may be: what every model of this wire can give. */
export const MAX_TOKENS_DEFAULT = 4096;
/** The API's least thinking budget. */
const BUDGET_MIN = 1024;
/** Budget where the caller leaves it to the model and the model wants a number: medium effort. */
const BUDGET_DEFAULT = 8192;
/** With thinking, `top_p` may only be this or more, and the other sampling fields only their defaults. */
const THINKING_TOP_P_MIN = 0.95;
const USER_MAX = 256;
/** The API compiles at most this many strict tools (recorded 400: "Too many strict tools (21)"). */
const STRICT_TOOLS_MAX = 20;
const JSON_MODE_TEXT = 'Answer with one valid JSON object and nothing else: no explanation before or after it, no code fence.';

/** What the parts of the body need to know of each other. */
interface Draft {
  readonly request: ChatRequest;
  readonly target: EncodeTarget;
  readonly traits: ModelTraits;
  readonly into: Encoding;
  readonly maxTokens: number;
  lose(code: string, field: ChatField, weight: Weight, why: string): void;
}

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
    lose: (code, field, weight, why) => losses.add(code, fieldName(request.origin, field), weight, why),
  };
  const tools = encodeTools(draft);
  const { system, messages, isUnsignedToolLoop } = encodeMessages(request.messages, draft.traits, into);
  const choice = encodeToolChoice(draft, tools.length > 0);
  const isForced = choice?.['type'] === 'any' || choice?.['type'] === 'tool';
  const thinking = isHome ? homeThinking(request) : encodeThinking(draft, { isForced, isUnsignedToolLoop });
  const format = encodeFormat(draft);
  const instructions = format.instruction === undefined ? system : [...system, { type: 'text', text: format.instruction }];
  loseRest(draft);
  const config = compact({ effort: thinking.effort, format: format.field });
  const body: JsonRecord = compact({
    model: target.model,
    max_tokens: draft.maxTokens,
    system: instructions.length === 0 ? undefined : instructions,
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
  return request.origin === HOME || most === undefined ? request.maxOutputTokens : Math.min(request.maxOutputTokens, most);
}

/** Fields that this wire has no place for at all. */
function loseRest(draft: Draft): void {
  const { request, lose } = draft;
  const { sampling } = request;
  if (request.n !== undefined && request.n > 1) lose('choices', 'n', 'meaning', 'This provider gives one choice.');
  if (request.logprobs !== undefined) lose('logprobs', 'logprobs', 'meaning', 'This provider gives no log probabilities.');
  if (sampling.logitBias !== undefined && Object.keys(sampling.logitBias).length > 0) {
    lose('logit-bias', 'logitBias', 'meaning', 'Tokens cannot be weighted here.');
  }
  for (const field of ['seed', 'frequencyPenalty', 'presencePenalty', 'repetitionPenalty', 'minP'] as const) {
    const value = sampling[field];
    const isNeutral = value === undefined || (field !== 'seed' && value === (field === 'repetitionPenalty' ? 1 : 0));
    if (!isNeutral) lose('sampling', field, 'hint', 'This provider has no such setting.');
  }
  const other = (request.modalities ?? []).filter((kind) => kind.toLowerCase() !== 'text');
  if (other.length > 0) lose('modalities', 'modalities', 'meaning', `This provider answers with text, not with ${other.join(' or ')}.`);
  else if (request.audio !== undefined) lose('audio', 'audio', 'hint', 'This provider does not speak.');
  if (request.maxOutputTokens !== undefined && request.maxOutputTokens > draft.maxTokens) {
    lose('max-tokens', 'maxOutputTokens', 'hint', `This model gives at most ${draft.maxTokens} tokens.`);
  }
}

function encodeTools(draft: Draft): readonly JsonRecord[] {
  const { request, into } = draft;
  const only = request.toolChoice?.kind === 'required' ? request.toolChoice.only : undefined;
  const wanted = (request.tools ?? []).filter((tool) => only === undefined || only.length === 0 || only.includes(tool.name));
  const isStrictTooMuch = wanted.filter((tool) => tool.kind === 'function' && tool.strict === true).length > STRICT_TOOLS_MAX;
  return wanted.flatMap((tool, index) => encodeTool(tool, { into, index, isStrictTooMuch }));
}

function encodeTool(tool: Tool, how: { readonly into: Encoding; readonly index: number; readonly isStrictTooMuch: boolean }): readonly JsonRecord[] {
  const { into } = how;
  if (tool.kind === 'opaque') return tool.origin === HOME && isRecord(tool.value) ? [tool.value] : [];
  const at = tool.at ?? `tools[${how.index}]`;
  const parameters = into.isHome ? { schema: tool.parameters, moved: [] } : toolSchema(tool.parameters);
  if (parameters.moved.length > 0) {
    into.losses.add('schema', at, 'hint', `The top of a tool's schema is a plain object here; told in its description instead: ${parameters.moved.join(', ')}.`);
  }
  return [
    compact({
      name: toolName(tool.name, tool.at, into),
      description: tool.description,
      input_schema: parameters.schema,
      strict: encodeStrict(tool, { ...how, at, schema: parameters.schema }),
      ...into.mark(tool.isCacheEnd === true ? compact({ ttl: tool.cacheTtl }) : undefined),
      ...(into.isHome ? tool.extra : undefined),
    }),
  ];
}

/** `strict` where the schema compiles as it is; elsewhere it would be a 400, so the arguments are only likely to fit. */
function encodeStrict(
  tool: Extract<Tool, { kind: 'function' }>,
  how: { readonly into: Encoding; readonly isStrictTooMuch: boolean; readonly at: string; readonly schema: JsonRecord | undefined },
): boolean | undefined {
  if (tool.strict === undefined || how.into.isHome) return tool.strict;
  // Not strict is the default.
  if (!tool.strict) return undefined;
  if (!how.isStrictTooMuch && how.schema !== undefined && isStrictSchema(how.schema)) return true;
  const why = how.isStrictTooMuch ? `more than ${STRICT_TOOLS_MAX} tools are strict` : 'its schema has parts that cannot be enforced';
  how.into.losses.add('strict', `${how.at}.strict`, 'hint', `Arguments are not enforced: ${why}.`);
  return undefined;
}

function encodeToolChoice(draft: Draft, hasTools: boolean): JsonRecord | undefined {
  const { request, traits, lose } = draft;
  const choice = request.toolChoice;
  if (!hasTools) {
    const isForced = choice?.kind === 'required' || choice?.kind === 'tool';
    if (isForced) lose('tool-choice', 'toolChoice', 'meaning', 'There is no tool left that could be chosen.');
    return undefined;
  }
  const parallel = request.parallelToolCalls;
  const serial = parallel === undefined ? {} : { disable_parallel_tool_use: !parallel };
  if (choice === undefined) return parallel === false || (parallel === true && draft.into.isHome) ? { type: 'auto', ...serial } : undefined;
  if (choice.kind === 'none') return { type: 'none' };
  if (choice.kind !== 'auto' && !traits.takesForcedTool && !draft.into.isHome) {
    lose('tool-choice', 'toolChoice', 'meaning', 'This model cannot be made to call a tool; it was left to choose.');
    return { type: 'auto', ...serial };
  }
  return { ...encodeChoice(choice, draft), ...serial };
}

function encodeChoice(choice: Exclude<ToolChoice, { kind: 'none' }>, draft: Draft): JsonRecord {
  if (choice.kind === 'auto') return { type: 'auto' };
  if (choice.kind === 'tool') return { type: 'tool', name: toolName(choice.name, undefined, draft.into) };
  const [only, ...more] = choice.only ?? [];
  return only !== undefined && more.length === 0 ? { type: 'tool', name: toolName(only, undefined, draft.into) } : { type: 'any' };
}

interface Thinking {
  readonly field?: JsonRecord;
  readonly effort?: string;
}

/** The caller's own words again. */
function homeThinking(request: ChatRequest): Thinking {
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  const { budgetTokens, effort, isShown } = reasoning;
  const display = isShown === undefined ? {} : { display: isShown ? 'summarized' : 'omitted' };
  const field =
    budgetTokens === undefined
      ? undefined
      : budgetTokens === 0
        ? { type: 'disabled' }
        : budgetTokens < 0
          ? { type: 'adaptive', ...display }
          : { type: 'enabled', budget_tokens: budgetTokens, ...display };
  return compact({ field, effort: effort === 'none' || effort === 'minimal' ? undefined : effort });
}

interface ThinkingFacts {
  readonly isForced: boolean;
  readonly isUnsignedToolLoop: boolean;
}

/** Another protocol's wish to reason, in the form that this model takes. */
function encodeThinking(draft: Draft, facts: ThinkingFacts): Thinking {
  const { request, target, traits, lose } = draft;
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  const isOff = reasoning.effort === 'none' || reasoning.budgetTokens === 0;
  const hasWish = isOff || reasoning.effort !== undefined || reasoning.budgetTokens !== undefined;
  if (!hasWish) return {};
  if (target.canReason === false || traits.thinking === 'none') {
    if (!isOff) lose('reasoning', 'reasoning', 'hint', 'This model does not reason.');
    return {};
  }
  if (isOff) return noThinking(draft);
  if (facts.isForced) {
    lose('reasoning', 'reasoning', 'hint', 'Claude does not think before a call that it is forced to make.');
    return {};
  }
  if (traits.thinking !== 'budget') return adaptiveThinking(draft, reasoning);
  if (facts.isUnsignedToolLoop) {
    lose('reasoning', 'reasoning', 'hint', 'Within a tool loop Claude thinks on only where it thought at the start, with its signature.');
    return {};
  }
  return budgetThinking(draft, reasoning);
}

function noThinking(draft: Draft): Thinking {
  const { traits, lose } = draft;
  if (traits.canStopThinking) return { field: { type: 'disabled' } };
  lose('reasoning', 'reasoning', 'hint', 'This model always thinks; it was asked to think as little as it can.');
  return traits.hasBetweenTools ? { field: { type: 'between_tools' } } : { effort: 'low' };
}

function adaptiveThinking(draft: Draft, reasoning: Reasoning): Thinking {
  const { traits, lose } = draft;
  const wanted = effortOf(reasoning);
  if (reasoning.effort === undefined && wanted !== undefined) {
    lose('thinking-budget', 'reasoningBudget', 'hint', `This model takes an effort, not a budget: ${wanted}.`);
  }
  const effort = wanted === undefined || wanted === 'none' ? undefined : nearestEffort(wanted, traits);
  if (effort !== undefined && effort !== wanted && wanted !== 'minimal') {
    lose('reasoning', 'reasoningEffort', 'hint', `This model has no effort ${String(wanted)}; it was given ${effort}.`);
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
function budgetThinking(draft: Draft, reasoning: Reasoning): Thinking {
  const { maxTokens, lose } = draft;
  const asked = budgetOf(reasoning) ?? BUDGET_DEFAULT;
  const wanted = Math.max(BUDGET_MIN, asked < 0 ? BUDGET_DEFAULT : asked);
  if (maxTokens <= BUDGET_MIN) {
    lose('thinking-budget', 'reasoning', 'hint', `Thinking takes at least ${BUDGET_MIN} tokens, and the reply may only have ${maxTokens}.`);
    return {};
  }
  const budget = wanted < maxTokens ? wanted : Math.max(BUDGET_MIN, Math.floor(maxTokens / 2));
  if (asked > 0 && budget !== asked) {
    const field = reasoning.budgetTokens === undefined ? 'reasoning' : 'reasoningBudget';
    lose('thinking-budget', field, 'hint', `The budget must be from ${BUDGET_MIN} to below max_tokens (${maxTokens}): ${budget}.`);
  }
  return { field: { type: 'enabled', budget_tokens: budget, ...displayOf(reasoning) } };
}

interface Format {
  readonly field?: JsonRecord;
  /** Said to the model where the wire has no field for it. */
  readonly instruction?: string;
}

function encodeFormat(draft: Draft): Format {
  const { request, traits, into, lose } = draft;
  const { format } = request;
  if (format === undefined || format.kind === 'text') return {};
  if (format.kind === 'json') {
    lose('json-mode', 'format', 'hint', 'There is no JSON mode without a schema; the system text asks for one JSON object.');
    return { instruction: JSON_MODE_TEXT };
  }
  if (into.isHome) return { field: { type: 'json_schema', schema: format.schema } };
  if (!traits.takesFormat) {
    lose('json-schema', 'format', 'meaning', 'This model does not enforce a schema.');
    return {};
  }
  const { schema, moved } = fitSchema(format.schema);
  if (moved.length > 0) {
    lose('schema', 'format', 'hint', `Not enforced, but told to the model in the schema's descriptions: ${moved.join(', ')}.`);
  }
  return { field: { type: 'json_schema', schema } };
}

function encodeSampling(draft: Draft, thinking: JsonRecord | undefined): JsonRecord {
  const { request, traits, into, lose } = draft;
  const { temperature, topP, topK } = request.sampling;
  if (into.isHome) return compact({ temperature, top_p: topP, top_k: topK });
  const isThinking = thinking !== undefined && thinking['type'] !== 'disabled';
  const isRefused = !traits.takesSampling;
  const why = isRefused ? 'This model takes no sampling settings.' : 'While it thinks, Claude takes no other sampling settings.';
  const kept: Record<string, number> = {};
  if (temperature !== undefined) {
    if ((isRefused || isThinking) && temperature !== 1) lose('sampling', 'temperature', 'hint', why);
    else if (temperature > 1) {
      kept['temperature'] = 1;
      lose('sampling', 'temperature', 'hint', 'The highest temperature is 1.');
    } else if (!isRefused && !isThinking) kept['temperature'] = temperature;
  }
  if (topP !== undefined && topP !== 1) {
    if (isRefused || (isThinking && topP < THINKING_TOP_P_MIN)) lose('sampling', 'topP', 'hint', why);
    else if (temperature !== undefined && !traits.takesBothSamplings) lose('sampling', 'topP', 'hint', 'Only one of temperature and top_p is taken.');
    else kept['top_p'] = topP;
  }
  if (topK !== undefined && topK > 0) {
    if (isRefused || isThinking) lose('sampling', 'topK', 'hint', why);
    else kept['top_k'] = topK;
  }
  return kept;
}

/** Sequences of nothing but white space are refused. */
function encodeStop(draft: Draft): readonly string[] | undefined {
  const { request, into, lose } = draft;
  if (request.stop === undefined) return undefined;
  const kept = into.isHome ? request.stop : request.stop.filter((text) => text.trim() !== '');
  if (kept.length < request.stop.length) lose('stop', 'stop', 'meaning', 'A stop sequence must hold more than white space.');
  return kept.length === 0 ? undefined : kept;
}

function encodeUser(draft: Draft): JsonRecord | undefined {
  const { request, into, lose } = draft;
  if (request.user === undefined) return undefined;
  if (!into.isHome && (request.user === '' || request.user.length > USER_MAX)) {
    if (request.user !== '') lose('user', 'user', 'hint', `A user's id has at most ${USER_MAX} characters.`);
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

function putIn(into: Record<string, Json | undefined>, [name = '', ...rest]: readonly string[], fields: JsonRecord): void {
  const old = into[name];
  const inner: Record<string, Json | undefined> = isRecord(old) ? { ...old } : {};
  if (rest.length === 0) Object.assign(inner, fields);
  else putIn(inner, rest, fields);
  into[name] = inner;
}
