/** A request in the one language as a body of Converse that the named model takes. */
import { fieldName, toolFieldName } from '../../chat/field-names.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatRequest, Extra, Tool, ToolChoice } from '../../chat/request.ts';
import { asNumber, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { claudeSampling, JSON_MODE_TEXT, loseRest } from '../anthropic-messages/encode-request.ts';
import { fitSchema, isStrictSchema, toolSchema } from '../anthropic-messages/schema.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { lossList } from '../loss-list.ts';
import { encoding, toolName, type Encoding } from './encode-blocks.ts';
import { encodeMessages } from './encode-messages.ts';
import { bedrockTraits } from './model.ts';
import { encodeReasoning, type EncodedReasoning, type ReasoningDraft } from './reasoning.ts';
import { cachePoint, HOME } from './words.ts';

/** What a reply may be long where neither caller nor catalog says it: every Claude that thinks gives at least as much. */
const MAX_TOKENS_DEFAULT = 32_000;

interface Draft extends ReasoningDraft {
  readonly into: Encoding;
}

export function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses = lossList();
  const traits = bedrockTraits(target.model);
  const into = encoding({ losses, traits, isHome: request.origin === HOME }, countMarks(request));
  const draft: Draft = {
    request,
    target,
    traits,
    into,
    maxTokens: Math.min(
      request.maxOutputTokens ?? Number.POSITIVE_INFINITY,
      target.maxOutputTokens ?? request.maxOutputTokens ?? MAX_TOKENS_DEFAULT,
    ),
    hint: (code, field, why) => losses.hint(code, fieldName(request, field), why),
    meaning: (code, field, why) => losses.meaning(code, fieldName(request, field), why),
  };
  const body = into.isHome ? homeBody(draft) : foreignBody(draft);
  return { body, losses: [...(into.isHome ? [] : foreignLosses(request, HOME)), ...losses.all()] };
}

function countMarks(request: ChatRequest): number {
  const parts = request.messages.flatMap((message) =>
    message.parts.flatMap((part): readonly Part[] => (part.kind === 'tool-result' ? [part, ...part.parts] : [part])),
  );
  const tools = (request.tools ?? []).filter((tool) => tool.kind === 'function' && tool.isCacheEnd === true);
  return parts.filter((part) => part.cache !== undefined).length + tools.length;
}

/** The caller's own words again. */
function homeBody(draft: Draft): JsonRecord {
  const { request, into } = draft;
  const { system, messages } = encodeMessages(request.messages, into);
  const tools = encodeTools(draft);
  const { temperature, topP } = request.sampling;
  const isNamedOtherwise = request.extras.some(({ field }) => field === 'inferenceConfig.max_new_tokens');
  const maxTokens = isNamedOtherwise ? undefined : request.maxOutputTokens;
  const body = compact({
    messages,
    system: system.length === 0 ? undefined : system,
    inferenceConfig: filled({ maxTokens, temperature, topP, stopSequences: request.stop }),
    toolConfig: filled({
      tools: tools.length === 0 ? undefined : tools,
      toolChoice: request.toolChoice === undefined ? undefined : choiceOf(request.toolChoice, into),
    }),
  });
  return withExtras(body, request.extras);
}

/** The fields that are given; undefined where none is. */
function filled(fields: Readonly<Record<string, Json | undefined>>): JsonRecord | undefined {
  const given = compact(fields);
  return Object.keys(given).length === 0 ? undefined : given;
}

function foreignBody(draft: Draft): JsonRecord {
  const { request, into } = draft;
  const { system, messages, hasCalls, isUnsignedToolLoop } = encodeMessages(request.messages, into);
  const toolConfig = encodeToolConfig(draft, hasCalls);
  const choice = toolConfig?.['toolChoice'];
  const isForced = isRecord(choice) && choice['auto'] === undefined;
  const reasoning = encodeReasoning(draft, { isForced, isUnsignedToolLoop });
  const format = encodeFormat(draft);
  const sampling = encodeSampling(draft, reasoning);
  loseRest(draft);
  loseUser(draft);
  const instructions = format.instruction === undefined ? system : [...system, { text: format.instruction }];
  return compact({
    messages,
    system: instructions.length === 0 ? undefined : instructions,
    inferenceConfig: filled({
      // Without one the service takes the most that the model gives.
      maxTokens: request.maxOutputTokens === undefined ? undefined : draft.maxTokens,
      temperature: sampling.temperature,
      topP: sampling.topP,
      stopSequences: encodeStop(draft),
    }),
    toolConfig,
    outputConfig: filled({ textFormat: format.field, effort: reasoning.effort }),
    additionalModelRequestFields: filled({ ...reasoning.fields, ...sampling.fields }),
  });
}

interface EncodedSampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly fields?: JsonRecord;
}

function encodeSampling(draft: Draft, { thinking }: EncodedReasoning): EncodedSampling {
  const { claude } = draft.traits;
  if (claude === undefined) return plainSampling(draft);
  const { temperature, top_p: topP, top_k: topK } = claudeSampling({ ...draft, traits: claude }, thinking);
  return compact({
    temperature: asNumber(temperature),
    topP: asNumber(topP),
    fields: topK === undefined ? undefined : { top_k: topK },
  });
}

function plainSampling({ request, traits, hint }: Draft): EncodedSampling {
  const { temperature = 0, topP = 1, topK = 0 } = request.sampling;
  if (temperature > 1) hint('sampling', 'temperature', 'The highest temperature is 1.');
  const isTaken = topK > 0 && traits.takesTopK;
  if (topK > 0 && !isTaken) hint('sampling', 'topK', 'This model has no such setting.');
  return compact({
    temperature: request.sampling.temperature === undefined ? undefined : Math.min(1, temperature),
    topP: topP === 1 ? undefined : topP,
    fields: isTaken ? { inferenceConfig: { topK } } : undefined,
  });
}

/** Empty sequences are refused, and Claude refuses white space. */
function encodeStop({ request, meaning }: Draft): readonly string[] | undefined {
  if (request.stop === undefined) return undefined;
  const kept = request.stop.filter((text) => text.trim() !== '');
  if (kept.length < request.stop.length) meaning('stop', 'stop', 'A stop sequence must hold more than white space.');
  return kept.length === 0 ? undefined : kept;
}

function loseUser({ request, hint }: Draft): void {
  if (request.user !== undefined && request.user !== '')
    hint('user', 'user', 'The service takes no id of the end user.');
  if (request.parallelToolCalls === false)
    hint(
      'parallel-tool-calls',
      'parallelToolCalls',
      'Several tools may be called at once; Converse cannot be told not to.',
    );
}

function encodeToolConfig(draft: Draft, hasCalls: boolean): JsonRecord | undefined {
  const { request, into } = draft;
  const choice = request.toolChoice;
  const tools = encodeTools(draft);
  const isForced = choice?.kind === 'required' || choice?.kind === 'tool';
  if (tools.length === 0) {
    if (isForced) draft.meaning('tool-choice', 'toolChoice', 'There is no tool left that could be chosen.');
    return undefined;
  }
  if (choice?.kind === 'none') return withoutCalls(draft, { tools, hasCalls });
  if (choice === undefined || choice.kind === 'auto')
    return compact({ tools, toolChoice: choice === undefined ? undefined : { auto: {} } });
  if (draft.traits.takesForcedTool) return { tools, toolChoice: choiceOf(choice, into) };
  draft.meaning('tool-choice', 'toolChoice', 'This model cannot be made to call a tool; it was left to choose.');
  return { tools };
}

/** The service has no choice of none: tools are left out, unless the conversation holds calls, which need them declared. */
function withoutCalls(
  draft: Draft,
  of: { readonly tools: readonly JsonRecord[]; readonly hasCalls: boolean },
): JsonRecord | undefined {
  if (!of.hasCalls) {
    draft.hint('tool-choice', 'toolChoice', 'There is no choice of none here; the tools were left out.');
    return undefined;
  }
  draft.meaning(
    'tool-choice',
    'toolChoice',
    'With calls in the conversation the tools must be declared, and the model cannot be kept from calling them.',
  );
  return { tools: of.tools };
}

function choiceOf(choice: ToolChoice, into: Encoding): JsonRecord {
  if (choice.kind === 'tool') return { tool: { name: toolName(choice.name, undefined, into) } };
  if (choice.kind !== 'required') return { auto: {} };
  const [only, ...more] = choice.only ?? [];
  return only !== undefined && more.length === 0 ? { tool: { name: toolName(only, undefined, into) } } : { any: {} };
}

function encodeTools(draft: Draft): readonly JsonRecord[] {
  const { request } = draft;
  const only = request.toolChoice?.kind === 'required' ? request.toolChoice.only : undefined;
  const wanted = (request.tools ?? []).filter(
    (tool) => only === undefined || only.length === 0 || only.includes(tool.name),
  );
  return wanted.flatMap((tool, index) => encodeTool(draft, tool, tool.at ?? `tools[${index}]`));
}

function encodeTool(draft: Draft, tool: Tool, at: string): readonly JsonRecord[] {
  const { into } = draft;
  if (tool.kind === 'opaque') return tool.origin === HOME && isRecord(tool.value) ? [tool.value] : [];
  const { schema, moved } = into.isHome ? { schema: tool.parameters, moved: [] } : toolSchema(tool.parameters);
  if (moved.length > 0)
    into.losses.hint(
      'schema',
      at,
      `The top of a tool's schema is a plain object here; told in its description instead: ${moved.join(', ')}.`,
    );
  const toolSpec = compact({
    name: toolName(tool.name, tool.at, into),
    // An empty description is refused.
    description: tool.description === '' && !into.isHome ? undefined : tool.description,
    inputSchema: schema === undefined ? undefined : { json: schema },
    strict: encodeStrict(draft, tool, { at, schema }),
    ...(into.isHome ? tool.extra : undefined),
  });
  const cache = tool.isCacheEnd === true ? compact({ ttl: tool.cacheTtl }) : undefined;
  return [{ toolSpec }, ...toolMark(draft, cache, at)];
}

/** Nova keeps prompts, but not tools. */
function toolMark(draft: Draft, cache: Parameters<Encoding['mark']>[0], at: string): readonly JsonRecord[] {
  if (cache !== undefined && draft.into.isHome) return [cachePoint(cache)];
  if (cache === undefined || draft.traits.claude !== undefined || !draft.traits.takesCache)
    return draft.into.mark(cache, at);
  draft.into.losses.hint('cache-mark', at, 'Nova keeps no tools.');
  return [];
}

function encodeStrict(
  draft: Draft,
  tool: Extract<Tool, { kind: 'function' }>,
  of: { readonly at: string; readonly schema: JsonRecord | undefined },
): boolean | undefined {
  const { into, traits, request } = draft;
  if (tool.strict === undefined || into.isHome) return tool.strict;
  // Not strict is the default.
  if (!tool.strict) return undefined;
  if (traits.takesFormat && of.schema !== undefined && isStrictSchema(of.schema)) return true;
  const why = traits.takesFormat ? 'its schema has parts that cannot be enforced' : 'this model does not';
  into.losses.hint(
    'tool-strict',
    toolFieldName(request.origin, of.at, 'strict'),
    `Arguments are not enforced: ${why}.`,
  );
  return undefined;
}

interface Format {
  readonly field?: JsonRecord;
  /** Said to the model where the wire has no field for it. */
  readonly instruction?: string;
}

function encodeFormat({ request, traits, hint, meaning }: Draft): Format {
  const { format } = request;
  if (format === undefined || format.kind === 'text') return {};
  if (format.kind === 'json') {
    hint('json-mode', 'format', 'There is no JSON mode without a schema; the system text asks for one JSON object.');
    return { instruction: JSON_MODE_TEXT };
  }
  if (!traits.takesFormat) {
    meaning('format', 'format', 'This model does not enforce a schema.');
    return {};
  }
  const { schema, moved } = fitSchema(format.schema);
  if (moved.length > 0)
    hint('schema', 'format', `Not enforced, but told to the model in the schema's descriptions: ${moved.join(', ')}.`);
  const jsonSchema = compact({ schema: JSON.stringify(schema), name: format.name, description: format.description });
  return { field: { type: 'json_schema', structure: { jsonSchema } } };
}

/** Puts back what had no word of ours, where it stood. */
function withExtras(body: JsonRecord, extras: readonly Extra[]): JsonRecord {
  const full: Record<string, Json | undefined> = { ...body };
  for (const { field, value } of extras) {
    const [parent = '', name] = field.split('.');
    const held = full[parent];
    if (name === undefined) full[field] = value;
    else full[parent] = { ...(isRecord(held) ? held : {}), [name]: value };
  }
  return full;
}
