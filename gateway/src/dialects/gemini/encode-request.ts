/** A request in the words of `chat` as a Gemini body, with a list of what could not be said. */
import { compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { fieldName, toolFieldName, type ChatField } from '../../chat/field-names.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { namedSchema } from '../../chat/format.ts';
import { foreignLosses, isMisplaced } from '../../chat/losses.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatRequest, Loss, Message, Tool } from '../../chat/request.ts';
import type { EncodedRequest, EncodeTarget } from '../dialect.ts';
import { madeId } from './decode-request.ts';
import { writePart, type PartWriter } from './parts.ts';
import { needsSignatures, thinkingConfig, versionOf } from './thinking.ts';

/** Google's limit on stop sequences. */
export const STOP_SEQUENCES_MAX = 5;

/**
 * Stands where a function call of this turn has no signature of Google's own, which Gemini 3 refuses. Documented at
 * ai.google.dev/gemini-api/docs/thought-signatures for calls that come from another model; a recorded request shows it accepted.
 */
export const SIGNATURE_PLACEHOLDER = 'skip_thought_signature_validator';

export function encodeBody(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses: Loss[] = request.origin === 'gemini' ? [] : [...foreignLosses(request, 'gemini')];
  const lose = (loss: Loss): void => void losses.push(loss);
  const { system, contents } = writeMessages(request, target, lose);
  loseUnknown(request, lose);
  const tools = writeTools(request, lose);
  const config = writeConfig(request, target, lose);
  const body: Record<string, Json> = compact({
    contents,
    systemInstruction: system.length === 0 ? undefined : { parts: system },
    tools: tools.length === 0 ? undefined : tools,
    toolConfig: writeToolConfig(request, tools.length > 0, lose),
    generationConfig: Object.keys(config).length === 0 ? undefined : config,
  });
  if (request.origin === 'gemini')
    for (const extra of request.extras) setPath(body, extra.field.split('.'), extra.value);
  return { body, losses };
}

type Lose = (loss: Loss) => void;

interface Content {
  readonly role: 'user' | 'model';
  readonly at: string | undefined;
  readonly parts: JsonRecord[];
}

function writeMessages(
  request: ChatRequest,
  target: EncodeTarget,
  lose: Lose,
): { readonly system: readonly JsonRecord[]; readonly contents: readonly JsonRecord[] } {
  const writer = partWriter(request, target, lose);
  const system: JsonRecord[] = [];
  const contents: Content[] = [];
  for (const message of request.messages) {
    loseOfMessage(message, request, lose);
    if (message.role === 'system' || message.role === 'developer') {
      if (contents.length > 0) {
        lose({
          code: 'system-position',
          field: message.at ?? fieldName(request, 'system'),
          weight: 'hint',
          why: 'Gemini has one system instruction, before all messages; it is added there.',
        });
      }
      system.push(...systemParts(message, writer));
    } else addContent(contents, message, writer);
  }
  if (needsSignatures(target.model)) for (const content of contents) signFirstCall(content);
  const written = contents.map(({ role, parts }) => ({ role, parts }));
  if (written.length > 0 || system.length === 0) return { system, contents: written };
  // Gemini refuses a request without contents; other protocols take one that has only a system message.
  lose({
    code: 'system-only',
    field: fieldName(request, 'system'),
    weight: 'hint',
    why: 'Gemini needs a message; the system text is sent as one of the user.',
  });
  return { system: [], contents: [{ role: 'user', parts: system }] };
}

function addContent(contents: Content[], message: Message, writer: PartWriter): void {
  const parts = message.parts.flatMap((part) => (isLeftOut(part, message, writer) ? [] : writePart(part, writer)));
  if (parts.length === 0) return;
  const role = message.role === 'assistant' ? 'model' : 'user';
  const last = contents.at(-1);
  // Pieces of one message of the caller go into one content: results of tools and the words after them.
  if (last?.role === role && last.at !== undefined && last.at === message.at) last.parts.push(...parts);
  else contents.push({ role, at: message.at, parts: [...parts] });
}

/** What has no place in a message of this role goes; `foreignLosses` has named it. */
function isLeftOut(part: Part, message: Message, writer: PartWriter): boolean {
  return !writer.isHome && (isMisplaced(part, message.role) || isEmptyText(part, message));
}

/** Empty text beside other parts (OpenAI's `content: ""` beside tool calls) says nothing, and Vertex refuses it. */
function isEmptyText(part: Part, message: Message): boolean {
  return part.kind === 'text' && part.text === '' && part.signature === undefined && message.parts.length > 1;
}

function systemParts(message: Message, writer: PartWriter): readonly JsonRecord[] {
  return message.parts.flatMap((part) => {
    if (part.kind === 'text') return writePart(part, writer);
    if (part.kind === 'opaque') return [];
    writer.lose({
      code: 'system-media',
      field: part.at ?? message.at ?? 'messages',
      weight: 'meaning',
      why: 'A system instruction of Gemini holds only text.',
    });
    return [];
  });
}

function signFirstCall(content: Content): void {
  const at = content.parts.findIndex((part) => part['functionCall'] !== undefined);
  const call = content.parts[at];
  if (content.role === 'model' && call !== undefined && call['thoughtSignature'] === undefined) {
    content.parts[at] = { ...call, thoughtSignature: SIGNATURE_PLACEHOLDER };
  }
}

function partWriter(request: ChatRequest, target: EncodeTarget, lose: Lose): PartWriter {
  const names = new Map<string, string>();
  const made = new Set<string>();
  let number = 0;
  for (const part of request.messages.flatMap((message) => message.parts)) {
    if (part.kind !== 'tool-call' && part.kind !== 'tool-result') continue;
    if (part.kind === 'tool-call') names.set(part.id, part.name);
    const id = part.kind === 'tool-call' ? part.id : part.callId;
    if (part.kind === 'tool-result' && (made.has(id) || names.has(id))) continue;
    if (request.origin === 'gemini' && id === madeId(number)) made.add(id);
    number += 1;
  }
  return {
    isForGoogle: true,
    nestsMedia: (versionOf(target.model) ?? 0) >= 3,
    isHome: request.origin === 'gemini',
    idOf: (id) => (made.has(id) ? undefined : id),
    nameOf: (id) => names.get(id),
    lose,
  };
}

/** What stands beside the parts of a message and has no place in Gemini's. */
function loseOfMessage(message: Message, request: ChatRequest, lose: Lose): void {
  const at = message.at ?? fieldName(request, 'messages');
  if (message.name !== undefined)
    lose({ code: 'name', field: `${at}.name`, weight: 'hint', why: 'Gemini has no names of participants.' });
  for (const part of message.parts.flatMap(withInner)) {
    const place = part.at ?? at;
    if (part.cache !== undefined)
      lose({
        code: 'cache-mark',
        field: place,
        weight: 'hint',
        why: 'Gemini keeps prompts in its cache by itself, without marks.',
      });
    if (part.kind === 'text' && part.citations !== undefined && request.origin !== 'gemini') {
      lose({
        code: 'citations',
        field: place,
        weight: 'hint',
        why: 'Gemini takes no citations in the messages it is sent.',
      });
    }
  }
}

/** A part, and those inside it. */
function withInner(part: Part): readonly Part[] {
  return part.kind === 'tool-result' ? [part, ...part.parts] : [part];
}

function loseUnknown(request: ChatRequest, lose: Lose): void {
  const { sampling } = request;
  const hint = (code: LossCode, field: ChatField, why: string): void =>
    lose({ code, field: fieldName(request, field), weight: 'hint', why });
  const meaning = (code: LossCode, field: ChatField, why: string): void =>
    lose({ code, field: fieldName(request, field), weight: 'meaning', why });
  if (sampling.minP !== undefined) hint('sampling', 'minP', 'Gemini has no such sampling setting.');
  if (sampling.repetitionPenalty !== undefined)
    hint('sampling', 'repetitionPenalty', 'Gemini has no such sampling setting.');
  if (sampling.logitBias !== undefined)
    meaning('logit-bias', 'logitBias', 'Gemini cannot favour or forbid single tokens.');
  if (request.user !== undefined) hint('user', 'user', 'Gemini takes no id of the end user.');
  // A hint: a client that reads one call reads the first of several, and common ones send this unasked (the AI SDK's JSON mode).
  if (request.parallelToolCalls === false)
    hint(
      'parallel-tool-calls',
      'parallelToolCalls',
      'Gemini may call several tools at once, and cannot be told not to.',
    );
  if (request.audio !== undefined) meaning('voice', 'audio', 'Gemini has other voices, and gives sound only as PCM.');
}

function writeTools(request: ChatRequest, lose: Lose): readonly JsonRecord[] {
  const functions: JsonRecord[] = [];
  const others: JsonRecord[] = [];
  for (const tool of request.tools ?? []) {
    if (tool.kind === 'function') functions.push(writeFunction(tool, request, lose));
    else if (tool.origin === 'gemini') others.push({ [tool.name]: tool.value });
  }
  return functions.length === 0 ? others : [{ functionDeclarations: functions }, ...others];
}

function writeFunction(tool: Extract<Tool, { kind: 'function' }>, request: ChatRequest, lose: Lose): JsonRecord {
  const at = tool.at ?? fieldName(request, 'tools');
  if (tool.strict === true)
    lose({
      code: 'tool-strict',
      field: toolFieldName(request.origin, at, 'strict'),
      weight: 'hint',
      why: 'Gemini follows the schema of a tool without promising to.',
    });
  if (tool.isCacheEnd === true)
    lose({
      code: 'cache-mark',
      field: at,
      weight: 'hint',
      why: 'Gemini keeps prompts in its cache by itself, without marks.',
    });
  return compact({
    name: tool.name,
    description: tool.description,
    parametersJsonSchema: tool.parameters,
    ...(request.origin === 'gemini' ? tool.extra : {}),
  });
}

function writeToolConfig(request: ChatRequest, hasTools: boolean, lose: Lose): JsonRecord | undefined {
  const choice = request.toolChoice;
  if (choice === undefined) return undefined;
  // Without tools the other protocols still send `auto`, and Gemini would refuse the empty setting.
  if (request.origin !== 'gemini' && !hasTools) {
    const field = fieldName(request, 'toolChoice');
    const why = 'There is no tool left that could be chosen.';
    if (choice.kind === 'tool' || choice.kind === 'required')
      lose({ code: 'tool-choice', field, weight: 'meaning', why });
    return undefined;
  }
  switch (choice.kind) {
    case 'auto':
      return { functionCallingConfig: { mode: 'AUTO' } };
    case 'none':
      return { functionCallingConfig: { mode: 'NONE' } };
    case 'tool':
      return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [choice.name] } };
    case 'required':
      return { functionCallingConfig: compact({ mode: 'ANY', allowedFunctionNames: choice.only }) };
  }
}

function writeConfig(request: ChatRequest, target: EncodeTarget, lose: Lose): JsonRecord {
  const { sampling, logprobs, modalities, reasoning } = request;
  return compact({
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK,
    frequencyPenalty: sampling.frequencyPenalty,
    presencePenalty: sampling.presencePenalty,
    seed: sampling.seed,
    maxOutputTokens: request.maxOutputTokens,
    stopSequences: writeStop(request, lose),
    candidateCount: request.n,
    responseLogprobs: logprobs === undefined ? undefined : true,
    logprobs: logprobs?.top,
    responseModalities: modalities?.map((modality) => modality.toUpperCase()),
    thinkingConfig:
      reasoning === undefined
        ? undefined
        : thinkingConfig({ request, reasoning, model: target.model, canReason: target.canReason, lose }),
    ...writeFormat(request),
  });
}

function writeStop(request: ChatRequest, lose: Lose): readonly string[] | undefined {
  const { stop } = request;
  if (stop === undefined || stop.length === 0) return undefined;
  if (stop.length <= STOP_SEQUENCES_MAX) return stop;
  lose({
    code: 'stop',
    field: fieldName(request, 'stop'),
    weight: 'meaning',
    why: `Gemini takes at most ${STOP_SEQUENCES_MAX} stop sequences; the others are left out.`,
  });
  return stop.slice(0, STOP_SEQUENCES_MAX);
}

/** JSON Schema goes out whole: `responseJsonSchema` takes references, unions and bounds as they are. */
function writeFormat(request: ChatRequest): JsonRecord {
  const { format } = request;
  if (format === undefined) return {};
  if (format.kind === 'text') return request.origin === 'gemini' ? { responseMimeType: 'text/plain' } : {};
  if (format.kind === 'json') return { responseMimeType: 'application/json' };
  return { responseMimeType: 'application/json', responseJsonSchema: namedSchema(format) };
}

/** Puts an extra field of a Gemini caller back where it stood. */
function setPath(body: Record<string, Json>, path: readonly string[], value: Json): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    body[name] = value;
    return;
  }
  const held = body[name];
  const inner: Record<string, Json> = {};
  for (const [key, item] of Object.entries(isRecord(held) ? held : {})) if (item !== undefined) inner[key] = item;
  setPath(inner, rest, value);
  body[name] = inner;
}
