/** A `ChatRequest` becomes a body of the Responses API. */
import { fieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { ChatRequest, Extra, Loss, OutputFormat, Tool, ToolChoice, Weight } from '../../chat/request.ts';
import { asRecord, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { fitEffort, fitTemperature } from '../openai-chat/fitting.ts';
import { traitsOf } from '../openai-chat/model.ts';
import { customCallIds, withCustomTools } from '../openai-custom.ts';
import { HOME } from './items.ts';
import { writeGrouped } from './namespaces.ts';
import { loseCache, writePrompt, type Writing } from './write-input.ts';

/** Recorded: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16". */
const OUTPUT_TOKENS_MIN = 16;
/** Name of a schema that came without one: OpenAI demands one. */
const SCHEMA_NAME = 'response';
/** Fields that OpenAI's two wires share, name and meaning. */
const SHARED: ReadonlySet<string> = new Set([
  'metadata',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
]);

/** Writes the body for `target`. Losses name the caller's own fields. */
export function encodeRequest(asked: ChatRequest, target: EncodeTarget): EncodedRequest {
  const request = withCustomTools(asked, HOME);
  const isHome = request.origin === HOME;
  const { kept, others } = sharedExtras(request);
  const losses: Loss[] = isHome ? [] : [...foreignLosses({ ...request, extras: others }, HOME)];
  const traits = traitsOf(target.model, target.canReason);
  const writing: Writing = { isHome, traits, customCalls: customCallIds(request.messages), losses };
  loseRest(request, writing);
  const body = compact({
    ...kept,
    model: target.model,
    ...writePrompt(request.messages, writing),
    ...writeToolFields(request, writing, kept),
    max_output_tokens: writeLimit(request, writing),
    ...writeSampling(request, writing),
    ...writeThinking(request, writing, { kept, target }),
    top_logprobs: request.logprobs?.top,
    text: writeText(request, kept),
    stream: request.isStreaming ? true : undefined,
    user: kept['safety_identifier'] === request.user ? undefined : request.user,
  });
  return { body, losses };
}

/** The caller's own fields where it spoke this wire; of OpenAI's other wire those that both have. */
function sharedExtras({ origin, extras }: ChatRequest): {
  readonly kept: JsonRecord;
  readonly others: readonly Extra[];
} {
  const record = (list: readonly Extra[]): JsonRecord =>
    Object.fromEntries(list.map(({ field, value }) => [field, value]));
  if (origin === HOME) return { kept: record(extras), others: [] };
  // Any other caller asked for nothing to be kept: on this wire that must be said.
  const unasked = { store: false };
  if (origin !== 'openai-chat') return { kept: unasked, others: extras };
  const isKept = ({ field, value }: Extra): boolean =>
    SHARED.has(field) || field === 'verbosity' || (field === 'store' && typeof value === 'boolean');
  const { verbosity, ...shared } = record(extras.filter(isKept));
  const text = verbosity === undefined ? {} : { text: { verbosity } };
  return { kept: { ...unasked, ...shared, ...text }, others: extras.filter((extra) => !isKept(extra)) };
}

function lose(writing: Writing, request: ChatRequest, loss: readonly [LossCode, Weight, ChatField, string]): void {
  const [code, weight, field, why] = loss;
  writing.losses.push({ code, weight, field: fieldName(request, field), why });
}

/** Settings that are unknown here, with the value that changes nothing. */
const NEUTRAL = [
  ['topK', undefined],
  ['minP', 0],
  ['frequencyPenalty', 0],
  ['presencePenalty', 0],
  ['repetitionPenalty', 1],
  ['seed', undefined],
] as const;

/** Fields that this wire has no place for at all. */
function loseRest(request: ChatRequest, writing: Writing): void {
  const { sampling, stop, n = 1 } = request;
  if (n > 1) lose(writing, request, ['choices', 'meaning', 'n', 'A response holds one reply.']);
  if (stop !== undefined && stop.length > 0)
    lose(writing, request, ['stop', 'meaning', 'stop', 'Stop sequences are not taken here.']);
  if (Object.keys(sampling.logitBias ?? {}).length > 0)
    lose(writing, request, ['logit-bias', 'meaning', 'logitBias', 'Tokens cannot be weighted here.']);
  for (const [field, neutral] of NEUTRAL) {
    const value = sampling[field];
    if (value !== undefined && value !== neutral)
      lose(writing, request, ['sampling', 'hint', field, 'This protocol has no such setting.']);
  }
  loseModalities(request, writing);
}

function loseModalities(request: ChatRequest, writing: Writing): void {
  const { modalities = [], audio } = request;
  const other = modalities.filter((kind) => kind.toLowerCase() !== 'text');
  if (other.length > 0)
    lose(writing, request, [
      'modalities',
      'meaning',
      'modalities',
      `Answers are text here, not ${other.join(' or ')}.`,
    ]);
  else if (audio !== undefined) lose(writing, request, ['voice', 'hint', 'audio', 'This protocol does not speak.']);
}

function writeLimit(request: ChatRequest, writing: Writing): number | undefined {
  const asked = request.maxOutputTokens;
  if (asked === undefined || writing.isHome || asked >= OUTPUT_TOKENS_MIN) return asked;
  const why = `An answer of fewer than ${OUTPUT_TOKENS_MIN} tokens cannot be asked for here. It was given ${OUTPUT_TOKENS_MIN}.`;
  lose(writing, request, ['max-tokens', 'hint', 'maxOutputTokens', why]);
  return OUTPUT_TOKENS_MIN;
}

function writeSampling(request: ChatRequest, writing: Writing): JsonRecord {
  const { temperature, topP } = request.sampling;
  if (writing.isHome) return { temperature, top_p: topP };
  return fitTemperature(request, writing.traits, (loss) => void writing.losses.push(loss));
}

/**
 * The caller's own words where it spoke this wire. For any other the effort, and the reasoning itself sealed: nothing is stored
 * for it, so that what the model thought can only come back with the conversation.
 */
function writeThinking(
  request: ChatRequest,
  writing: Writing,
  { kept, target }: { readonly kept: JsonRecord; readonly target: EncodeTarget },
): JsonRecord {
  if (writing.isHome) return {};
  const effort = fitEffort(request, writing.traits, (loss) => void writing.losses.push(loss));
  const summary = request.reasoning?.isShown === true && effort !== 'none' ? 'auto' : undefined;
  const { efforts } = writing.traits;
  const canSeal = efforts === undefined ? target.canReason === true : efforts.length > 0;
  const include = [
    ...(canSeal && effort !== 'none' && kept['store'] === false ? ['reasoning.encrypted_content'] : []),
    ...(request.logprobs === undefined ? [] : ['message.output_text.logprobs']),
  ];
  const reasoning = compact({ effort, summary });
  return compact({
    reasoning: Object.keys(reasoning).length === 0 ? undefined : reasoning,
    include: include.length === 0 ? undefined : include,
  });
}

function writeText({ format }: ChatRequest, kept: JsonRecord): JsonRecord | undefined {
  const text = compact({
    ...asRecord(kept['text']),
    format: writeFormat(format) ?? asRecord(kept['text'])?.['format'],
  });
  return Object.keys(text).length === 0 ? undefined : text;
}

function writeFormat(format: OutputFormat | undefined): JsonRecord | undefined {
  if (format === undefined) return undefined;
  if (format.kind === 'text') return { type: 'text' };
  if (format.kind === 'json') return { type: 'json_object' };
  const { schema, name = SCHEMA_NAME, description, strict } = format;
  return compact({ type: 'json_schema', name, description, schema, strict });
}

function writeToolFields(request: ChatRequest, writing: Writing, kept: JsonRecord): JsonRecord {
  const tools = writeGrouped(request.tools ?? [], (tool) => writeTool(tool, writing));
  const isForced = request.toolChoice?.kind === 'required' || request.toolChoice?.kind === 'tool';
  if (tools.length === 0 && !writing.isHome) {
    const why = 'There is no tool left that could be chosen.';
    if (isForced) lose(writing, request, ['tool-choice', 'meaning', 'toolChoice', why]);
    return {};
  }
  return compact({
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: writeToolChoice(request.toolChoice) ?? kept['tool_choice'],
    parallel_tool_calls: request.parallelToolCalls,
  });
}

/** This wire makes a tool strict unless it is told not to; every other one the other way round. */
function writeTool(tool: Tool, writing: Writing): readonly JsonRecord[] {
  if (tool.kind === 'opaque') return tool.origin === HOME && isRecord(tool.value) ? [tool.value] : [];
  const { name, description, parameters, strict, extra } = tool;
  if (writing.isHome) return [{ type: 'function', ...compact({ name, description, parameters, strict }), ...extra }];
  if (tool.isCacheEnd === true) loseCache(tool.at ?? 'tools', writing);
  const given = compact({ name, description, parameters: parameters ?? { type: 'object', properties: {} } });
  return [{ type: 'function', ...given, strict: strict ?? false }];
}

function writeToolChoice(choice: ToolChoice | undefined): Json | undefined {
  if (choice === undefined) return undefined;
  if (choice.kind === 'tool') return { type: 'function', name: choice.name };
  if (choice.kind !== 'required' || choice.only === undefined) return choice.kind;
  const tools = choice.only.map((name) => ({ type: 'function', name }));
  return { type: 'allowed_tools', mode: 'required', tools };
}
