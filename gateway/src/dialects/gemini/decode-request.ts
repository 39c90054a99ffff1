/** A Gemini request in the words of `chat`. The body has passed `inspect`. */
import { asBoolean, asRecord, asString, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import type { Part } from '../../chat/part.ts';
import type {
  ChatRequest,
  Extra,
  Message,
  OutputFormat,
  Reasoning,
  Role,
  Sampling,
  Tool,
  ToolChoice,
  Weight,
} from '../../chat/request.ts';
import { readPart, type CallIds } from './parts.ts';
import { joinThoughts } from './thoughts.ts';
import { jsonSchemaOf } from './schema.ts';
import { effortOfLevel } from './thinking.ts';
import { camel, camelKeys, get, integerOf, listOf, numberOf, recordsOf, requestOf, restOf } from './wire.ts';

/** The id of a call that came without one: its number among all calls of the conversation. */
export function madeId(number: number): string {
  return `call_${number}`;
}

export function decodeBody(whole: JsonRecord, model: string, isStreaming: boolean): ChatRequest {
  const body = requestOf(whole);
  const config = asRecord(get(body, 'generationConfig')) ?? {};
  const extras = [...topExtras(body), ...configExtras(config)];
  const functionCalling = asRecord(get(asRecord(get(body, 'toolConfig')) ?? {}, 'functionCallingConfig'));
  const choice = functionCalling === undefined ? undefined : readToolChoice(functionCalling, extras);
  const tools = readTools(body);
  return compact({
    origin: 'gemini' as const,
    model,
    messages: [...readSystem(body), ...readContents(body)],
    tools: tools.length === 0 ? undefined : tools,
    toolChoice: choice,
    maxOutputTokens: integerOf(get(config, 'maxOutputTokens')),
    sampling: readSampling(config),
    stop: readStop(config),
    n: integerOf(get(config, 'candidateCount')),
    logprobs:
      asBoolean(get(config, 'responseLogprobs')) === true ? compact({ top: integerOf(config['logprobs']) }) : undefined,
    reasoning: readReasoning(config, extras),
    format: readFormat(config, extras),
    modalities: readModalities(config),
    isStreaming,
    names: readNames(config),
    extras,
  });
}

function readSystem(body: JsonRecord): readonly Message[] {
  const given = get(body, 'systemInstruction');
  if (given === undefined) return [];
  const parts =
    typeof given === 'string'
      ? [{ kind: 'text' as const, text: given, at: 'systemInstruction' }]
      : readParts(
          isRecord(given) && given['parts'] !== undefined ? listOf(given['parts']) : listOf(given),
          'systemInstruction',
          callIds(),
        );
  return parts.length === 0 ? [] : [{ role: 'system', parts, at: 'systemInstruction' }];
}

function readContents(body: JsonRecord): readonly Message[] {
  const ids = callIds();
  const isOne = !Array.isArray(body['contents']);
  return listOf(body['contents']).flatMap((content, index) =>
    isRecord(content) ? readContent(content, isOne ? 'contents' : `contents[${index}]`, ids) : [],
  );
}

/** Results of tools stand in messages of their own; both pieces of a mixed content keep its `at`, and are put together again. */
function readContent(content: JsonRecord, at: string, ids: CallIds): readonly Message[] {
  const role: Role = isOfModel(content) ? 'assistant' : 'user';
  const messages: { role: Role; parts: Part[]; at: string }[] = [];
  for (const part of joinThoughts(readParts(listOf(content['parts']), at, ids))) {
    const owner: Role = part.kind === 'tool-result' ? 'tool' : role;
    const last = messages.at(-1);
    if (last?.role === owner) last.parts.push(part);
    else messages.push({ role: owner, parts: [part], at });
  }
  return messages;
}

/** A content without a role is the user's, unless it calls a function, which only a model does. */
function isOfModel(content: JsonRecord): boolean {
  const role = content['role'] ?? '';
  if (role !== '') return role === 'model';
  return recordsOf(content['parts']).some((part) => get(part, 'functionCall') !== undefined);
}

function readParts(raw: readonly Json[], at: string, ids: CallIds): readonly Part[] {
  return raw.flatMap((item, index) => {
    const place = `${at}.parts[${index}]`;
    if (typeof item === 'string') return [{ kind: 'text' as const, text: item, at: place }];
    const part = isRecord(item) ? readPart(item, place, ids) : undefined;
    return part === undefined ? [] : [part];
  });
}

/** Matches results to calls: by id where both have it, else the first call of that name that has no result yet. */
function callIds(): CallIds {
  let number = 0;
  const open: { readonly name: string; readonly id: string }[] = [];
  return {
    call: (name, given) => {
      const id = given ?? madeId(number);
      number += 1;
      open.push({ name, id });
      return id;
    },
    result: (name, given) => {
      const byId = given === undefined ? -1 : open.findIndex((call) => call.id === given);
      const at = byId === -1 ? open.findIndex((call) => call.name === name) : byId;
      const [call] = at === -1 ? [] : open.splice(at, 1);
      if (call !== undefined) return call.id;
      number += 1;
      return given ?? madeId(number - 1);
    },
  };
}

const DECLARATION: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'parametersJsonSchema']);

function readTools(body: JsonRecord): readonly Tool[] {
  return recordsOf(body['tools']).flatMap((entry, index) => {
    const at = `tools[${index}]`;
    const tools: Tool[] = recordsOf(get(entry, 'functionDeclarations')).map((raw, number) =>
      readFunction(raw, `${at}.functionDeclarations[${number}]`),
    );
    for (const [key, value] of Object.entries(entry)) {
      const name = camel(key);
      if (name === 'functionDeclarations' || value === undefined || value === null) continue;
      tools.push({ kind: 'opaque', origin: 'gemini', name, value: camelKeys(value), at: `${at}.${name}` });
    }
    return tools;
  });
}

function readFunction(raw: JsonRecord, at: string): Tool {
  const schema = asRecord(get(raw, 'parametersJsonSchema'));
  const own = asRecord(raw['parameters']);
  return compact({
    kind: 'function' as const,
    name: asString(raw['name']) ?? '',
    description: asString(raw['description']),
    parameters: schema ?? (own === undefined ? undefined : jsonSchemaOf(own)),
    at,
    extra: restOf(raw, DECLARATION),
  });
}

const CHOICE_AT = 'toolConfig.functionCallingConfig';
const CHOICE: ReadonlySet<string> = new Set(['mode', 'allowedFunctionNames']);

function readToolChoice(config: JsonRecord, extras: Extra[]): ToolChoice | undefined {
  for (const [field, value] of Object.entries(restOf(config, CHOICE) ?? {})) {
    if (value !== undefined) extras.push({ field: `${CHOICE_AT}.${field}`, value, weight: 'hint' });
  }
  const mode = modeOf(config['mode']);
  const names = listOf(get(config, 'allowedFunctionNames')).filter((name) => typeof name === 'string');
  if (mode === 'NONE') return { kind: 'none' };
  return mode === 'ANY' ? required(names) : automatic(mode, names, extras);
}

function required(names: readonly string[]): ToolChoice {
  const [only, ...others] = names;
  if (only === undefined) return { kind: 'required' };
  return others.length === 0 ? { kind: 'tool', name: only } : { kind: 'required', only: names };
}

function automatic(mode: string | undefined, names: readonly string[], extras: Extra[]): ToolChoice | undefined {
  // VALIDATED is AUTO that also holds calls to their schemas, and may take fewer functions.
  if (mode !== undefined && mode !== 'AUTO') extras.push({ field: `${CHOICE_AT}.mode`, value: mode, weight: 'hint' });
  if (names.length > 0) extras.push({ field: `${CHOICE_AT}.allowedFunctionNames`, value: names, weight: 'meaning' });
  return mode === undefined && names.length === 0 ? undefined : { kind: 'auto' };
}

function modeOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return [undefined, 'AUTO', 'ANY', 'NONE', 'VALIDATED'][value];
  const mode = asString(value)?.toUpperCase();
  return mode === 'MODE_UNSPECIFIED' ? undefined : mode;
}

function readSampling(config: JsonRecord): Sampling {
  return compact({
    temperature: numberOf(config['temperature']),
    topP: numberOf(get(config, 'topP')),
    topK: numberOf(get(config, 'topK')),
    frequencyPenalty: numberOf(get(config, 'frequencyPenalty')),
    presencePenalty: numberOf(get(config, 'presencePenalty')),
    seed: integerOf(config['seed']),
  });
}

function readStop(config: JsonRecord): readonly string[] | undefined {
  const stop = listOf(get(config, 'stopSequences')).filter((text) => typeof text === 'string');
  return stop.length === 0 ? undefined : stop;
}

const THINKING: ReadonlySet<string> = new Set(['thinkingBudget', 'thinkingLevel', 'includeThoughts']);
const THINKING_AT = 'generationConfig.thinkingConfig';

function readReasoning(config: JsonRecord, extras: Extra[]): Reasoning | undefined {
  const thinking = asRecord(get(config, 'thinkingConfig'));
  if (thinking === undefined) return undefined;
  const level = asString(get(thinking, 'thinkingLevel'));
  const effort = level === undefined ? undefined : effortOfLevel(level);
  if (level !== undefined && effort === undefined)
    extras.push({ field: `${THINKING_AT}.thinkingLevel`, value: level, weight: 'hint' });
  for (const [field, value] of Object.entries(restOf(thinking, THINKING) ?? {})) {
    if (value !== undefined) extras.push({ field: `${THINKING_AT}.${field}`, value, weight: 'hint' });
  }
  const reasoning = compact({
    effort,
    budgetTokens: integerOf(get(thinking, 'thinkingBudget')),
    isShown: asBoolean(get(thinking, 'includeThoughts')),
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

/** Forms of the answer that have a word; `text/x.enum` is Google's alone. */
const FORMS: ReadonlySet<string> = new Set(['text/plain', 'application/json']);

function readFormat(config: JsonRecord, extras: Extra[]): OutputFormat | undefined {
  const type = asString(get(config, 'responseMimeType'));
  const own = asRecord(get(config, 'responseSchema'));
  const given = asRecord(get(config, 'responseJsonSchema')) ?? asRecord(config['_responseJsonSchema']);
  if (type !== undefined && !FORMS.has(type)) {
    extras.push({ field: 'generationConfig.responseMimeType', value: type, weight: 'meaning' });
    const field = `generationConfig.${given === undefined ? 'responseSchema' : 'responseJsonSchema'}`;
    const value = given ?? own;
    if (value !== undefined) extras.push({ field, value, weight: 'meaning' });
    return undefined;
  }
  if (given !== undefined) return { kind: 'json-schema', schema: orderedSchema(given) };
  if (own !== undefined) return { kind: 'json-schema', schema: jsonSchemaOf(own) };
  if (type === undefined) return undefined;
  return { kind: type === 'text/plain' ? 'text' : 'json' };
}

/** Where the form of the answer is said, of three places. */
function readNames(config: JsonRecord): ChatRequest['names'] {
  if (get(config, 'responseSchema') !== undefined) return undefined;
  const isSchema = (get(config, 'responseJsonSchema') ?? config['_responseJsonSchema']) !== undefined;
  if (isSchema) return { format: 'generationConfig.responseJsonSchema' };
  return get(config, 'responseMimeType') === undefined ? undefined : { format: 'generationConfig.responseMimeType' };
}

/** JSON Schema with Google's `propertyOrdering`, which no other provider knows, as the order of the properties. */
function orderedSchema(schema: JsonRecord): JsonRecord {
  return /"property_?[oO]rdering"/.test(JSON.stringify(schema)) ? jsonSchemaOf(schema) : schema;
}

function readModalities(config: JsonRecord): readonly string[] | undefined {
  const given = listOf(get(config, 'responseModalities'));
  const names = given.flatMap((item) => (typeof item === 'string' ? [item.toLowerCase()] : []));
  return names.length === 0 ? undefined : names;
}

const CONFIG: ReadonlySet<string> = new Set([
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'frequencyPenalty',
  'presencePenalty',
  'seed',
  'stopSequences',
  'candidateCount',
  'responseLogprobs',
  'logprobs',
  'thinkingConfig',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  '_responseJsonSchema',
  'responseModalities',
]);
const TOP: ReadonlySet<string> = new Set([
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'model',
]);
/** What another provider may go without: filters, labels and knobs of speed and price. All else changes the answer. */
const HINTS: ReadonlySet<string> = new Set([
  'safetySettings',
  'labels',
  'serviceTier',
  'store',
  'generationConfig.mediaResolution',
  'generationConfig.enableEnhancedCivicAnswers',
  'generationConfig.routingConfig',
  'generationConfig.modelSelectionConfig',
  'generationConfig.audioTimestamp',
]);

function weightOf(field: string): Weight {
  return HINTS.has(field) ? 'hint' : 'meaning';
}

function topExtras(body: JsonRecord): readonly Extra[] {
  const toolConfig = asRecord(get(body, 'toolConfig'));
  return [
    ...extrasOf(restOf(body, TOP), ''),
    ...(toolConfig === undefined
      ? []
      : extrasOf(restOf(toolConfig, new Set(['functionCallingConfig'])), 'toolConfig.')),
  ];
}

function configExtras(config: JsonRecord): readonly Extra[] {
  const { logprobs } = config;
  const rest = extrasOf(restOf(config, CONFIG), 'generationConfig.');
  const isUnasked = logprobs !== undefined && logprobs !== null && get(config, 'responseLogprobs') !== true;
  // Alternatives to tokens whose probabilities nobody asked for.
  return isUnasked ? [...rest, { field: 'generationConfig.logprobs', value: logprobs, weight: 'hint' }] : rest;
}

function extrasOf(rest: JsonRecord | undefined, prefix: string): readonly Extra[] {
  return Object.entries(rest ?? {}).flatMap(([name, value]) => {
    const field = prefix + name;
    return value === undefined ? [] : [{ field, value, weight: weightOf(field) }];
  });
}
