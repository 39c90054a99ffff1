/** What is the same in Google's protocol although it is written differently. Each kind is noted, so that none passes in silence. */
import assert from 'node:assert/strict';
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { CONTEXT, list, record, type Note } from './gemini-recordings.ts';

const FREE = new Set([
  'args',
  'response',
  'labels',
  'partMetadata',
  'parameters',
  'parametersJsonSchema',
  'responseSchema',
  'responseJsonSchema',
]);

function camelAll(value: Json, note: Note): Json {
  if (isArray(value)) return value.map((item) => camelAll(item, note));
  if (!isRecord(value)) return value;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (name !== key) note('snake_case name');
    if (item === null || item === undefined) note('null for absent');
    else out[name] = FREE.has(name) ? item : camelAll(item, note);
  }
  return out;
}

const TYPE_NAMES = ['', 'string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];

/** Google's schema language as JSON Schema, written here apart from the code under test. */
function schema(value: Json, note: Note): Json {
  if (isArray(value)) return value.map((item) => schema(item, note));
  if (!isRecord(value)) return value;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) note('null in a schema');
    else if (key === 'type' && typeof item === 'number') {
      note('schema type as number');
      out[key] = TYPE_NAMES[item] ?? '';
    } else if (key === 'type' && typeof item === 'string') {
      if (item !== item.toLowerCase()) note('schema type in capitals');
      out[key] = item.toLowerCase();
    } else if (key === 'propertyOrdering' || key === 'property_ordering') {
      note('propertyOrdering as order of properties');
      assert.deepEqual(item, Object.keys(record(value['properties'])), 'the order was the same in all recordings');
    } else
      out[key] = key === 'properties' ? mapValues(record(item), (inner) => schema(inner, note)) : schema(item, note);
  }
  return out;
}

function mapValues(value: JsonRecord, change: (item: Json) => Json): JsonRecord {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item ?? null)]));
}

export function normalRequest(body: JsonRecord, note: Note): JsonRecord {
  const given = record(camelAll(body, note));
  const { model, contents, systemInstruction, tools, generationConfig, toolConfig, ...rest } = given;
  if (model !== undefined) note('model in the body (the URL says it)');
  return {
    ...rest,
    contents: withIds(
      list(contents, note).map((content) => normalContent(record(content), note)),
      note,
    ),
    system: systemInstruction === undefined ? null : normalSystem(systemInstruction, note),
    tools: normalTools(list(tools, note).map(record), note),
    config: normalConfig(record(generationConfig), note),
    toolConfig: normalToolConfig(record(toolConfig), note),
  };
}

function normalContent(content: JsonRecord, note: Note): JsonRecord {
  const role = content['role'] ?? 'user';
  if (content['role'] === undefined) note('role left out');
  return { role, parts: list(content['parts'], note).map((part) => normalPart(record(part), note)) };
}

/** A result without an id gets that of the call it answers, where the call had one. */
function withIds(contents: readonly JsonRecord[], note: Note): readonly JsonRecord[] {
  const open: JsonRecord[] = [];
  return contents.map((content) => ({
    ...content,
    parts: list(content['parts'], note).map((part) => {
      const call = record(part)['functionCall'];
      const result = record(part)['functionResponse'];
      if (isRecord(call)) open.push(call);
      if (!isRecord(result)) return part;
      const at = open.findIndex((one) =>
        result['id'] === undefined ? one['name'] === result['name'] : one['id'] === result['id'],
      );
      const [answered] = at === -1 ? [] : open.splice(at, 1);
      if (result['id'] !== undefined || answered?.['id'] === undefined) return part;
      note('id of the call added to its result');
      return { ...record(part), functionResponse: { ...result, id: answered['id'] } };
    }),
  }));
}

function normalPart(part: JsonRecord, note: Note): JsonRecord {
  const { thought, ...rest } = part;
  if (thought === false) note('thought: false');
  const call = rest['functionCall'];
  if (isRecord(call) && call['args'] === undefined) {
    note('call without args');
    return { ...rest, functionCall: { ...call, args: {} } };
  }
  if (thought === true && rest['text'] === undefined) {
    note('thought without text');
    return { text: '', thought, ...rest };
  }
  return thought === true ? part : rest;
}

function normalSystem(system: Json, note: Note): Json {
  if (!isRecord(system)) return system;
  if (system['role'] !== undefined) note('role of the system instruction');
  return list(system['parts'], note).map((part) => normalPart(record(part), note));
}

function normalTools(tools: readonly JsonRecord[], note: Note): JsonRecord {
  const functions: JsonRecord[] = [];
  const others: JsonRecord[] = [];
  for (const tool of tools) {
    const { functionDeclarations, ...rest } = tool;
    for (const declaration of list(functionDeclarations, note))
      functions.push(normalFunction(record(declaration), note));
    for (const [name, value] of Object.entries(rest)) others.push({ [name]: value });
  }
  if (tools.length > 1 && functions.length > 0 && others.length === 0) note('functions in several tool objects');
  return { functions, others };
}

function normalFunction(declaration: JsonRecord, note: Note): JsonRecord {
  const { parameters, parametersJsonSchema, ...rest } = declaration;
  if (parameters !== undefined) note('parameters as parametersJsonSchema');
  const given = parametersJsonSchema ?? parameters;
  return given === undefined
    ? rest
    : { ...rest, schema: schema(given, parametersJsonSchema === undefined ? note : () => undefined) };
}

function normalConfig(config: JsonRecord, note: Note): JsonRecord {
  const { responseSchema, responseJsonSchema, thinkingConfig, ...rest } = config;
  const given = responseJsonSchema ?? responseSchema;
  if (responseSchema !== undefined) note('responseSchema as responseJsonSchema');
  const thinking = record(thinkingConfig);
  const level = thinking['thinkingLevel'];
  if (typeof level === 'string' && level !== level.toUpperCase()) note('thinking level in small letters');
  return {
    ...rest,
    ...(given === undefined ? {} : { schema: schema(given, note) }),
    ...(thinkingConfig === undefined
      ? {}
      : { thinking: typeof level === 'string' ? { ...thinking, thinkingLevel: level.toUpperCase() } : thinking }),
  };
}

function normalToolConfig(config: JsonRecord, note: Note): JsonRecord {
  const calling = record(config['functionCallingConfig']);
  const mode = calling['mode'];
  if (typeof mode !== 'string' || mode === mode.toUpperCase()) return config;
  note('function calling mode in small letters');
  return { ...config, functionCallingConfig: { ...calling, mode: mode.toUpperCase() } };
}

const FINISH_NAMES = ['FINISH_REASON_UNSPECIFIED', 'STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'OTHER'];

export function normalReply(body: JsonRecord, note: Note): JsonRecord {
  const { candidates, createTime, modelVersion, responseId, usageMetadata, ...rest } = body;
  if (modelVersion === undefined) note('model named by us');
  if (responseId === undefined) note('reply id given by us');
  if (typeof createTime === 'string' && !createTime.endsWith('.000Z')) note('fraction of a second of createTime');
  return {
    ...rest,
    usageMetadata: usageMetadata === undefined || isUncounted(usageMetadata, note) ? null : usageMetadata,
    createTime: typeof createTime === 'string' ? createTime.slice(0, 19) : null,
    modelVersion: modelVersion ?? CONTEXT.model,
    responseId: responseId ?? CONTEXT.requestId,
    candidates: list(candidates, note).map((candidate, position) => normalCandidate(record(candidate), position, note)),
  };
}

function isUncounted(usage: Json, note: Note): boolean {
  const counts = Object.keys(record(usage)).filter((name) => name.endsWith('TokenCount') && name !== 'totalTokenCount');
  if (counts.length === 0) note('usage without a count');
  return counts.length === 0;
}

function normalCandidate(candidate: JsonRecord, position: number, note: Note): JsonRecord {
  const { content, finishReason, index, logprobsResult, ...rest } = candidate;
  if (index === undefined) note('index left out');
  if (typeof finishReason === 'number') note('finish reason as number');
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (isRecord(value) && Object.keys(value).length === 0) note('empty object beside the content');
    else if (value !== undefined) kept[name] = value;
  }
  const parts = list(record(content)['parts'], note).flatMap((part) => {
    if (Object.keys(record(part)).length > 0) return [normalPart(record(part), note)];
    note('empty part');
    return [];
  });
  return {
    ...kept,
    parts,
    index: index ?? position,
    finishReason:
      typeof finishReason === 'number' ? (FINISH_NAMES[finishReason] ?? finishReason) : (finishReason ?? null),
    logprobs: logprobsResult === undefined ? null : normalLogprobs(record(logprobsResult), note),
  };
}

function normalLogprobs(result: JsonRecord, note: Note): JsonRecord {
  const token = (raw: Json): Json => {
    const { tokenId, ...rest } = record(raw);
    if (tokenId !== undefined) note('token number of a log probability');
    return rest;
  };
  const chosen = list(result['chosenCandidates'], note);
  const tops = list(result['topCandidates'], note).map((top) => list(record(top)['candidates'], note).map(token));
  if (tops.length === 0) note('no alternatives beside chosen tokens');
  return { chosen: chosen.map(token), tops: chosen.map((_, at) => tops[at] ?? []) };
}
