/** A body of Converse, or of Nova on InvokeModel, in the one language. */
import type { Fault } from '../../chat/fault.ts';
import { fault } from '../../chat/fault.ts';
import type {
  ChatRequest,
  Extra,
  Message,
  OutputFormat,
  Reasoning,
  Sampling,
  Tool,
  ToolChoice,
  Weight,
} from '../../chat/request.ts';
import {
  asNumber,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  others,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { PathFacts } from '../dialect.ts';
import { isEffort, nameResults, schemaFormat, splitResults } from '../messages.ts';
import { decodeContent } from './decode-blocks.ts';
import { decodeCache, HOME } from './words.ts';

/** Fields that have a word of ours, whole. `outputConfig` and the model's own fields also go along as they came. */
const KNOWN = new Set(['messages', 'system', 'toolConfig', 'inferenceConfig']);
const CONFIG_FIELDS = new Set(['maxTokens', 'temperature', 'topP', 'stopSequences']);
const TOOLS_FIELDS = new Set(['tools', 'toolChoice']);
const SPEC_FIELDS = new Set(['name', 'description', 'inputSchema', 'strict']);
const MESSAGE_FIELDS = new Set(['role', 'content']);
/** Fields without a word of ours whose loss changes what the answer can be; the rest are hints. */
const WEIGHTY: ReadonlySet<string> = new Set(['guardrailConfig', 'promptVariables']);
/** Of the model's own fields those that `decodeReasoning` and `decodeSampling` read. */
const MODEL_FIELDS: ReadonlySet<string> = new Set([
  'thinking',
  'reasoning_config',
  'reasoningConfig',
  'reasoning_effort',
  'top_k',
]);

export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const { messages } = body;
  if (!isArray(messages))
    return err(fault('field-missing', { reason: 'send the conversation' }, { param: 'messages' }));
  const config = asRecord(body['inferenceConfig']) ?? {};
  const toolConfig = asRecord(body['toolConfig']) ?? {};
  const tools = decodeTools(toolConfig['tools']);
  const stop = isArray(config['stopSequences'])
    ? config['stopSequences'].filter((text) => typeof text === 'string')
    : [];
  return ok({
    origin: HOME,
    model: path.model ?? '',
    messages: [...decodeSystem(body['system']), ...nameResults(messages.flatMap(decodeMessage))],
    ...(tools.length === 0 ? {} : { tools }),
    ...compact({
      toolChoice: decodeToolChoice(asRecord(toolConfig['toolChoice'])),
      // Nova on InvokeModel has two names for it.
      maxOutputTokens: asNumber(config['maxTokens']) ?? asNumber(config['max_new_tokens']),
      reasoning: decodeReasoning(body),
      format: decodeFormat(body),
    }),
    sampling: decodeSampling(body, config),
    ...(stop.length === 0 ? {} : { stop }),
    isStreaming: path.isStreaming === true,
    wantsStreamUsage: true,
    extras: decodeExtras(body),
  });
}

function decodeSystem(system: Json | undefined): readonly Message[] {
  const parts = decodeContent(system, 'user', 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts, at: 'system' }];
}

/** One message becomes one or more: tool results stand in messages of their own. */
function decodeMessage(message: Json, index: number): readonly Message[] {
  if (!isRecord(message)) return [];
  const at = `messages[${index}]`;
  const role = message['role'] === 'assistant' || message['role'] === 'system' ? message['role'] : 'user';
  const parts = decodeContent(message['content'], role === 'assistant' ? role : 'user', `${at}.content`);
  const rest = others(message, MESSAGE_FIELDS);
  const extra = rest === undefined ? {} : { extra: rest };
  if (role !== 'user') return [{ role, parts, at, ...extra }];
  return splitResults(parts, at, rest);
}

function decodeTools(value: Json | undefined): readonly Tool[] {
  const tools: Tool[] = [];
  for (const [index, tool] of (isArray(value) ? value : []).entries()) {
    if (!isRecord(tool)) continue;
    const last = tools.at(-1);
    const cache = Object.keys(tool).length === 1 ? decodeCache(tool['cachePoint']) : undefined;
    if (cache !== undefined && last?.kind === 'function' && last.isCacheEnd === undefined)
      tools[tools.length - 1] = {
        ...last,
        isCacheEnd: true,
        ...(cache.ttl === undefined ? {} : { cacheTtl: cache.ttl }),
      };
    else tools.push(decodeTool(tool, `toolConfig.tools[${index}]`));
  }
  return tools;
}

function decodeTool(tool: JsonRecord, at: string): Tool {
  const spec = asRecord(tool['toolSpec']);
  if (spec === undefined || Object.keys(tool).length > 1)
    return { kind: 'opaque', origin: HOME, name: Object.keys(tool)[0] ?? 'unknown', value: tool, at };
  return compact({
    kind: 'function' as const,
    name: asString(spec['name']) ?? '',
    description: asString(spec['description']),
    parameters: asRecord(asRecord(spec['inputSchema'])?.['json']),
    strict: typeof spec['strict'] === 'boolean' ? spec['strict'] : undefined,
    at,
    extra: others(spec, SPEC_FIELDS),
  });
}

function decodeToolChoice(choice: JsonRecord | undefined): ToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (choice['any'] !== undefined) return { kind: 'required' };
  const name = asString(asRecord(choice['tool'])?.['name']);
  if (name !== undefined) return { kind: 'tool', name };
  return choice['auto'] === undefined ? undefined : { kind: 'auto' };
}

function decodeSampling(body: JsonRecord, config: JsonRecord): Sampling {
  return compact({
    temperature: asNumber(config['temperature']),
    topP: asNumber(config['topP']),
    topK: asNumber(asRecord(body['additionalModelRequestFields'])?.['top_k']) ?? asNumber(config['topK']),
  });
}

/** Each maker has fields of its own: Claude's `thinking` (once `reasoning_config`), Nova's `reasoningConfig`, `reasoning_effort` of gpt-oss. */
function decodeReasoning(body: JsonRecord): Reasoning | undefined {
  const fields = asRecord(body['additionalModelRequestFields']) ?? {};
  const thinking = asRecord(fields['thinking']) ?? asRecord(fields['reasoning_config']);
  const nova = asRecord(fields['reasoningConfig']);
  const effort =
    asString(asRecord(body['outputConfig'])?.['effort']) ??
    asString(fields['reasoning_effort']) ??
    asString(nova?.['maxReasoningEffort']);
  const reasoning: Reasoning = compact({
    effort: isEffort(effort) ? effort : undefined,
    budgetTokens: budgetOf(thinking ?? nova),
    isShown: isShown(thinking?.['display']),
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function isShown(display: Json | undefined): boolean | undefined {
  return display === 'summarized' ? true : display === 'omitted' ? false : undefined;
}

function budgetOf(thinking: JsonRecord | undefined): number | undefined {
  if (thinking?.['type'] === 'disabled') return 0;
  if (thinking?.['type'] === 'adaptive') return -1;
  return asNumber(thinking?.['budget_tokens']);
}

/** The schema stands as text in the body. */
function decodeFormat(body: JsonRecord): OutputFormat | undefined {
  const format = asRecord(asRecord(body['outputConfig'])?.['textFormat']);
  const held = asRecord(asRecord(format?.['structure'])?.['jsonSchema']);
  const text = asString(held?.['schema']);
  const schema = text === undefined ? undefined : asRecord(parseJson(text));
  if (format?.['type'] !== 'json_schema' || schema === undefined) return undefined;
  return schemaFormat(schema, { name: held?.['name'], description: held?.['description'] });
}

/** Everything without a word of ours, by its own name; dotted where it stands inside a field that we know. */
function decodeExtras(body: JsonRecord): readonly Extra[] {
  const extras: Extra[] = [];
  const add = (field: string, value: Json): void =>
    void extras.push({
      field,
      value,
      weight: weightOf(field),
      ...(isCovered(field, value) ? { isCovered: true } : {}),
    });
  for (const [field, value] of Object.entries(others(body, KNOWN) ?? {})) if (value !== undefined) add(field, value);
  for (const [parent, known] of PARENTS) {
    const rest = others(asRecord(body[parent]) ?? {}, known) ?? {};
    for (const [name, value] of Object.entries(rest)) if (value !== undefined) add(`${parent}.${name}`, value);
  }
  return extras;
}

const PARENTS = [
  ['inferenceConfig', CONFIG_FIELDS],
  ['toolConfig', TOOLS_FIELDS],
] as const;

function weightOf(field: string): Weight {
  return WEIGHTY.has(field) ? 'meaning' : 'hint';
}

/** Whether every field inside is read into a word of ours. */
function isCovered(field: string, value: Json): boolean {
  if (field === 'inferenceConfig.topK' || field === 'inferenceConfig.max_new_tokens') return true;
  if (field === 'outputConfig')
    return Object.keys(asRecord(value) ?? {}).every((name) => name === 'effort' || name === 'textFormat');
  return (
    field === 'additionalModelRequestFields' &&
    Object.keys(asRecord(value) ?? {}).every((name) => MODEL_FIELDS.has(name))
  );
}
