/** A body of `/v1/messages` in the one language. */
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
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { nameResults, splitResults } from '../messages.ts';
import { decodeContent } from './decode-blocks.ts';
import { decodeCache, HOME, others } from './words.ts';

/** Fields that have a word of ours. */
const KNOWN = new Set([
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'stream',
  'metadata',
  'thinking',
  'output_config',
  'output_format',
]);
const MESSAGE_FIELDS = new Set(['role', 'content']);
const TOOL_FIELDS = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);
const CHOICE_FIELDS = new Set(['type', 'name', 'disable_parallel_tool_use']);
const CONFIG_FIELDS = new Set(['effort', 'format']);
const FORMAT_FIELDS = new Set(['type', 'schema']);
/** Fields without a word of ours whose loss changes what the answer can be; the rest are hints. */
const WEIGHTY: ReadonlySet<string> = new Set(['mcp_servers', 'container', 'thread', 'inference_geo']);
const EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

export function decodeRequest(body: JsonRecord): Result<ChatRequest, Fault> {
  const model = asString(body['model']);
  if (model === undefined)
    return err(fault('field-missing', { reason: 'name the model that shall answer' }, { param: 'model' }));
  const { messages } = body;
  if (!isArray(messages))
    return err(fault('field-missing', { reason: 'send the conversation' }, { param: 'messages' }));
  const tools = isArray(body['tools']) ? body['tools'].flatMap(decodeTool) : [];
  const choice = asRecord(body['tool_choice']);
  const disable = choice?.['disable_parallel_tool_use'];
  const stop = isArray(body['stop_sequences']) ? body['stop_sequences'].filter((text) => typeof text === 'string') : [];
  return ok({
    origin: HOME,
    model,
    messages: [...decodeSystem(body['system']), ...nameResults(messages.flatMap(decodeMessage))],
    ...(tools.length === 0 ? {} : { tools }),
    ...compact({
      toolChoice: decodeToolChoice(choice),
      parallelToolCalls: typeof disable === 'boolean' ? !disable : undefined,
      maxOutputTokens: asNumber(body['max_tokens']),
      reasoning: decodeReasoning(body),
      format: decodeFormat(body),
      user: asString(asRecord(body['metadata'])?.['user_id']),
      names: isRecord(body['output_format']) ? { format: 'output_format' } : undefined,
    }),
    sampling: decodeSampling(body),
    ...(stop.length === 0 ? {} : { stop }),
    isStreaming: body['stream'] === true,
    wantsStreamUsage: true,
    extras: decodeExtras(body),
  });
}

function decodeSystem(system: Json | undefined): readonly Message[] {
  if (system === undefined || system === null || system === '') return [];
  const parts = decodeContent(system, 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts, at: 'system' }];
}

/** One message becomes one or more: tool results stand in messages of their own. */
function decodeMessage(message: Json, index: number): readonly Message[] {
  if (!isRecord(message)) return [];
  const at = `messages[${index}]`;
  const parts = decodeContent(message['content'], `${at}.content`);
  const rest = others(message, MESSAGE_FIELDS);
  const extra = rest === undefined ? {} : { extra: rest };
  if (message['role'] === 'assistant') return [{ role: 'assistant', parts, at, ...extra }];
  if (message['role'] === 'system') return [{ role: 'system', parts, at, ...extra }];
  return splitResults(parts, at, rest);
}

function decodeTool(tool: Json, index: number): readonly Tool[] {
  if (!isRecord(tool)) return [];
  const at = `tools[${index}]`;
  const type = asString(tool['type']);
  if (type !== undefined && type !== 'custom') return [{ kind: 'opaque', origin: HOME, name: type, value: tool, at }];
  const cache = decodeCache(tool['cache_control']);
  const rest = others(tool, TOOL_FIELDS);
  const mark =
    cache === undefined && isRecord(tool['cache_control']) ? { cache_control: tool['cache_control'] } : undefined;
  return [
    {
      kind: 'function',
      name: asString(tool['name']) ?? '',
      ...compact({
        description: asString(tool['description']),
        parameters: asRecord(tool['input_schema']),
        strict: typeof tool['strict'] === 'boolean' ? tool['strict'] : undefined,
        isCacheEnd: cache === undefined ? undefined : true,
        cacheTtl: cache?.ttl,
        extra: rest === undefined && mark === undefined ? undefined : { ...rest, ...mark },
      }),
      at,
    },
  ];
}

function decodeToolChoice(choice: JsonRecord | undefined): ToolChoice | undefined {
  switch (asString(choice?.['type']) ?? '') {
    case 'auto':
      return { kind: 'auto' };
    case 'any':
      return { kind: 'required' };
    case 'none':
      return { kind: 'none' };
    case 'tool':
      return { kind: 'tool', name: asString(choice?.['name']) ?? '' };
    default:
      return undefined;
  }
}

function decodeSampling(body: JsonRecord): Sampling {
  return compact({
    temperature: asNumber(body['temperature']),
    topP: asNumber(body['top_p']),
    topK: asNumber(body['top_k']),
  });
}

function decodeReasoning(body: JsonRecord): Reasoning | undefined {
  const thinking = asRecord(body['thinking']);
  const effort = asString(asRecord(body['output_config'])?.['effort']);
  const display = thinking?.['display'];
  const reasoning: Reasoning = compact({
    effort: isEffort(effort) ? effort : undefined,
    budgetTokens: decodeBudget(thinking),
    isShown: display === 'summarized' ? true : display === 'omitted' ? false : undefined,
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function isEffort(effort: string | undefined): effort is 'low' | 'medium' | 'high' | 'xhigh' | 'max' {
  return effort !== undefined && EFFORTS.has(effort);
}

function decodeBudget(thinking: JsonRecord | undefined): number | undefined {
  switch (asString(thinking?.['type']) ?? '') {
    case 'enabled':
      return asNumber(thinking?.['budget_tokens']);
    case 'adaptive':
      return -1;
    case 'disabled':
      return 0;
    default:
      return undefined;
  }
}

/** Structured output: `output_config.format`, or `output_format` as the beta of 2025 had it. */
function decodeFormat(body: JsonRecord): OutputFormat | undefined {
  const format = asRecord(asRecord(body['output_config'])?.['format']) ?? asRecord(body['output_format']);
  const schema = format?.['type'] === 'json_schema' ? asRecord(format['schema']) : undefined;
  return schema === undefined ? undefined : { kind: 'json-schema', schema };
}

/** Everything without a word of ours, by its own name; dotted where it stands inside a field that we know. */
function decodeExtras(body: JsonRecord): readonly Extra[] {
  const extras: Extra[] = [];
  const add = (field: string, value: Json, weight: Weight = 'hint'): void => void extras.push({ field, value, weight });
  for (const [field, value] of Object.entries(others(body, KNOWN) ?? {})) {
    if (value !== undefined) add(field, value, WEIGHTY.has(field) ? 'meaning' : 'hint');
  }
  addNested('metadata', others(asRecord(body['metadata']) ?? {}, new Set(['user_id'])), add);
  addNested('tool_choice', others(asRecord(body['tool_choice']) ?? {}, CHOICE_FIELDS), add);
  const config = asRecord(body['output_config']) ?? {};
  addNested('output_config', others(config, CONFIG_FIELDS), add);
  const effort = config['effort'];
  if (typeof effort === 'string' && !isEffort(effort)) add('output_config.effort', effort);
  addFormat(config['format'], add);
  addThinking(asRecord(body['thinking']), add);
  return extras;
}

type Add = (field: string, value: Json, weight?: Weight) => void;

function addNested(parent: string, fields: JsonRecord | undefined, add: Add): void {
  for (const [name, value] of Object.entries(fields ?? {})) if (value !== undefined) add(`${parent}.${name}`, value);
}

/** A format that is not a schema (none is known yet), or a schema with more beside it. */
function addFormat(format: Json | undefined, add: Add): void {
  if (!isRecord(format)) return;
  if (format['type'] !== 'json_schema') add('output_config.format', format, 'meaning');
  else addNested('output_config.format', others(format, FORMAT_FIELDS), add);
}

/** A way of thinking that we have no word for goes along whole; of the known ones only the fields beside. */
function addThinking(thinking: JsonRecord | undefined, add: Add): void {
  if (thinking === undefined) return;
  const known = new Set(['type', 'budget_tokens']);
  if (thinking['display'] === 'summarized' || thinking['display'] === 'omitted') known.add('display');
  if (decodeBudget(thinking) === undefined) add('thinking', thinking);
  else addNested('thinking', others(thinking, known), add);
}
