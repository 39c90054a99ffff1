/** Reads and checks a request without translating it: one pass, and each error names its field. */
import type { Fault } from '../../chat/fault.ts';
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { invalid, measureText, missing, newSight, seen, type Sight } from '../checks.ts';
import type { Inspection, PathFacts } from '../dialect.ts';
import { STOP_SEQUENCES_MAX } from './encode-request.ts';
import { get, integerOf, listOf, mediaKind, numberOf, requestOf } from './wire.ts';

/** Longest name of a model or function; Google's own are far shorter. */
const NAME_MAX = 512;
/** Google gives at most eight candidates. */
const CANDIDATES_MAX = 8;
/** The field is a 32-bit integer on Google's side. */
const INT32_MAX = 2_147_483_647;
/** Alternatives a token, as documented. */
const LOGPROBS_MAX = 20;
/** Google's limits on labels (docs.cloud.google.com, "labels"): their values end up in bills and metrics. */
const LABELS_MAX = 64;
const LABEL_MAX = 63;
/** Providers refuse schemas long before this; it bounds what they are sent. */
const SCHEMA_MAX = 524_288;
/** How much of a base64 text is looked at: enough to catch a data URL or a file that was never encoded. */
const BASE64_LOOK = 4096;
/** JSON deeper than this is not measured; the scan of the body refuses it long before. */
const MEASURE_DEPTH_MAX = 256;
const ROLES: ReadonlySet<Json> = new Set(['user', 'model', 'function', 'tool']);

/** What is learned on the way through a body, and the first fault. */
interface Survey extends Sight {
  fault?: Fault;
}

export function inspectBody(whole: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const survey: Survey = newSight();
  const body = requestOf(whole);
  const model = path.model ?? '';
  const config = asRecord(get(body, 'generationConfig')) ?? {};
  checkModel(model, survey);
  checkContents(body['contents'], survey);
  checkSystem(get(body, 'systemInstruction'), survey);
  checkTools(body['tools'], survey);
  checkConfig(get(body, 'generationConfig'), survey);
  checkRest(body, survey);
  if (survey.fault !== undefined) return err(survey.fault);
  const maxOutputTokens = integerOf(get(config, 'maxOutputTokens'));
  return ok({
    model,
    isStreaming: path.isStreaming ?? false,
    wantsStreamUsage: true,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    choices: integerOf(get(config, 'candidateCount')) ?? 1,
    messageCount: listOf(body['contents']).length,
    ...seen(survey),
  });
}

/** Keeps the first fault; the caller mends one field at a time. */
function refuse(survey: Survey, param: string, reason: string): void {
  survey.fault ??= invalid(param, reason);
}

function miss(survey: Survey, param: string, reason: string): void {
  survey.fault ??= missing(param, reason);
}

function checkModel(model: string, survey: Survey): void {
  if (model.trim() === '') miss(survey, 'model', 'the path names no model');
  // Control characters would break headers and logs.
  else if (model.length > NAME_MAX || /\p{Cc}/u.test(model))
    refuse(survey, 'model', `a name has at most ${NAME_MAX} printable characters`);
}

function checkContents(contents: Json | undefined, survey: Survey): void {
  if (contents === undefined || contents === null) return miss(survey, 'contents', 'it holds the messages');
  if (isRecord(contents)) return checkContent(contents, 'contents', survey);
  if (!isArray(contents)) return refuse(survey, 'contents', 'it must be a list of messages');
  if (contents.length === 0) return miss(survey, 'contents', 'it must hold at least one message');
  for (const [index, content] of contents.entries()) {
    const at = `contents[${index}]`;
    if (isRecord(content)) checkContent(content, at, survey);
    else refuse(survey, at, 'a message must be an object with role and parts');
    if (survey.fault !== undefined) return undefined;
  }
}

function checkContent(content: JsonRecord, at: string, survey: Survey): void {
  const role = content['role'] ?? '';
  if (role !== '' && !ROLES.has(role)) return refuse(survey, `${at}.role`, 'use "user" or "model"');
  const parts = content['parts'] ?? [];
  if (isRecord(parts)) return checkPart(parts, `${at}.parts`, survey);
  if (!isArray(parts)) return refuse(survey, `${at}.parts`, 'it must be a list of parts');
  // A model may have said nothing; clients send that turn back as it came.
  if (parts.length === 0 && role !== 'model')
    return miss(survey, `${at}.parts`, 'a message must hold at least one part');
  return checkParts(parts, at, survey);
}

function checkParts(parts: readonly Json[], at: string, survey: Survey): void {
  for (const [index, part] of parts.entries()) {
    const place = `${at}.parts[${index}]`;
    if (isRecord(part)) checkPart(part, place, survey);
    else refuse(survey, place, 'a part must be an object such as {"text": "…"}');
  }
}

function checkPart(part: JsonRecord, at: string, survey: Survey): void {
  const text = part['text'] ?? undefined;
  if (text !== undefined && typeof text !== 'string') refuse(survey, `${at}.text`, 'it must be a string');
  else if (text !== undefined) measureText(text, survey);
  const signature = get(part, 'thoughtSignature');
  if (signature !== undefined && typeof signature !== 'string')
    refuse(survey, `${at}.thoughtSignature`, 'it must be a string');
  const isKnown = [checkMedia(part, at, survey), checkCall(part, at, survey)].includes(true);
  if (isKnown || text !== undefined || signature !== undefined) return;
  // A part of a kind we do not know is an object under a new name; what has none is no part at all.
  if (Object.values(part).some(isRecord)) measureJson(part, survey);
  else refuse(survey, at, 'it is no part: send text, inlineData, fileData, functionCall or functionResponse');
}

function checkMedia(part: JsonRecord, at: string, survey: Survey): boolean {
  const blob = get(part, 'inlineData');
  const file = get(part, 'fileData');
  if (blob !== undefined) {
    if (isRecord(blob)) checkBlob(blob, `${at}.inlineData`, survey);
    else refuse(survey, `${at}.inlineData`, 'it must be an object with mimeType and data');
  }
  if (file !== undefined) {
    const uri = isRecord(file) ? get(file, 'fileUri') : undefined;
    if (!isRecord(file)) refuse(survey, `${at}.fileData`, 'it must be an object with fileUri');
    else if (typeof uri !== 'string' || uri === '') miss(survey, `${at}.fileData.fileUri`, 'it says where the file is');
    else if (!isAddress(uri)) refuse(survey, `${at}.fileData.fileUri`, 'it must be an https, http or gs address');
    else count(get(file, 'mimeType'), survey);
  }
  return blob !== undefined || file !== undefined;
}

/** Addresses are handed on, never fetched here; what Google could not fetch is refused at once (faults.md B23). A bare name is Google's own. */
function isAddress(uri: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]{0,20}):/i.exec(uri.slice(0, 24))?.[1]?.toLowerCase();
  return scheme === undefined || scheme === 'https' || scheme === 'http' || scheme === 'gs';
}

function checkBlob(blob: JsonRecord, at: string, survey: Survey): void {
  const type = get(blob, 'mimeType');
  const data = blob['data'];
  if (typeof type !== 'string' || type === '') return miss(survey, `${at}.mimeType`, 'it says what the data is');
  if (!/^[\w.+-]+\/[\w.+-]+/.test(type))
    return refuse(survey, `${at}.mimeType`, 'it must be a media type such as image/png');
  if (typeof data !== 'string' || data === '') return miss(survey, `${at}.data`, 'it must be base64 text');
  if (!/^[\w+/=\s-]*$/.test(data.slice(0, BASE64_LOOK)))
    return refuse(survey, `${at}.data`, 'it must be base64 text, without "data:" before it');
  count(type, survey);
}

function count(type: Json | undefined, survey: Survey): void {
  const kind = mediaKind(typeof type === 'string' ? type : '');
  survey.needs.add(kind);
  if (kind === 'image') survey.imageCount += 1;
}

function checkCall(part: JsonRecord, at: string, survey: Survey): boolean {
  const call = get(part, 'functionCall');
  const result = get(part, 'functionResponse');
  if (isRecord(call)) {
    checkName(call['name'], `${at}.functionCall.name`, survey);
    checkObject(call['args'], `${at}.functionCall.args`, survey);
    measureJson(call, survey);
  } else if (call !== undefined) refuse(survey, `${at}.functionCall`, 'it must be an object with name and args');
  if (isRecord(result)) checkResult(result, `${at}.functionResponse`, survey);
  else if (result !== undefined) {
    refuse(survey, `${at}.functionResponse`, 'it must be an object with name and response');
  }
  return call !== undefined || result !== undefined;
}

function checkResult(result: JsonRecord, at: string, survey: Survey): void {
  checkName(result['name'], `${at}.name`, survey);
  checkObject(result['response'], `${at}.response`, survey);
  measureJson(result['response'] ?? null, survey);
  for (const [index, inner] of listOf(result['parts']).entries()) {
    if (isRecord(inner)) checkMedia(inner, `${at}.parts[${index}]`, survey);
  }
}

function checkName(name: Json | undefined, param: string, survey: Survey): void {
  if (typeof name !== 'string' || name === '') miss(survey, param, 'it names the function');
  else if (name.length > NAME_MAX) refuse(survey, param, `a name has at most ${NAME_MAX} characters`);
}

function checkObject(value: Json | undefined, param: string, survey: Survey): void {
  if (value !== undefined && value !== null && !isRecord(value)) refuse(survey, param, 'it must be an object');
}

function checkSystem(system: Json | undefined, survey: Survey): void {
  if (system === undefined) return;
  if (typeof system === 'string') return measureText(system, survey);
  if (!isRecord(system)) return refuse(survey, 'systemInstruction', 'it must be an object with parts');
  for (const [index, part] of listOf(
    system['parts'] ?? (system['text'] === undefined ? undefined : [system]),
  ).entries()) {
    if (isRecord(part)) checkPart(part, `systemInstruction.parts[${index}]`, survey);
    else if (typeof part !== 'string')
      refuse(survey, `systemInstruction.parts[${index}]`, 'a part must be an object such as {"text": "…"}');
  }
}

function checkTools(tools: Json | undefined, survey: Survey): void {
  for (const [index, entry] of listOf(tools).entries()) {
    const at = `tools[${index}]`;
    if (!isRecord(entry)) return refuse(survey, at, 'a tool must be an object');
    const functions = listOf(get(entry, 'functionDeclarations'));
    if (functions.length > 0) survey.needs.add('tools');
    for (const [number, declaration] of functions.entries()) {
      const place = `${at}.functionDeclarations[${number}]`;
      if (!isRecord(declaration)) return refuse(survey, place, 'it must be an object');
      checkName(declaration['name'], `${place}.name`, survey);
      checkObject(declaration['parameters'], `${place}.parameters`, survey);
      checkObject(get(declaration, 'parametersJsonSchema'), `${place}.parametersJsonSchema`, survey);
      measureJson(declaration, survey);
    }
  }
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly isInteger?: boolean;
}

const NUMBERS = [
  ['temperature', { min: 0, max: 2 }],
  ['topP', { min: 0, max: 1 }],
  ['topK', { min: 0, max: INT32_MAX }],
  ['frequencyPenalty', { min: -2, max: 2 }],
  ['presencePenalty', { min: -2, max: 2 }],
  ['seed', { min: -INT32_MAX - 1, max: INT32_MAX, isInteger: true }],
  ['maxOutputTokens', { min: 1, max: INT32_MAX, isInteger: true }],
  ['candidateCount', { min: 1, max: CANDIDATES_MAX, isInteger: true }],
  ['logprobs', { min: 0, max: LOGPROBS_MAX, isInteger: true }],
] as const satisfies readonly (readonly [string, Bounds])[];

function checkConfig(given: Json | undefined, survey: Survey): void {
  if (given === undefined) return;
  if (!isRecord(given)) return refuse(survey, 'generationConfig', 'it must be an object');
  for (const [name, bounds] of NUMBERS) {
    const value =
      (name === 'temperature' || name === 'seed' || name === 'logprobs' ? given[name] : get(given, name)) ?? undefined;
    if (value !== undefined) checkNumber(value, `generationConfig.${name}`, { bounds, survey });
  }
  checkStop(get(given, 'stopSequences'), survey);
  checkThinking(get(given, 'thinkingConfig'), survey);
  checkReply(given, survey);
}

function checkNumber(value: Json, param: string, to: { readonly bounds: Bounds; readonly survey: Survey }): void {
  const { min, max, isInteger } = to.bounds;
  const number = isInteger === true ? integerOf(value) : numberOf(value);
  if (number === undefined)
    refuse(to.survey, param, isInteger === true ? 'it must be a whole number' : 'it must be a number');
  else if (number < min || number > max) refuse(to.survey, param, `it must be between ${min} and ${max}`);
}

function checkStop(stop: Json | undefined, survey: Survey): void {
  const param = 'generationConfig.stopSequences';
  const texts = listOf(stop);
  if (texts.length > STOP_SEQUENCES_MAX) refuse(survey, param, `at most ${STOP_SEQUENCES_MAX} are taken`);
  else if (texts.some((text) => typeof text !== 'string')) refuse(survey, param, 'it must be a list of strings');
}

function checkThinking(thinking: Json | undefined, survey: Survey): void {
  const at = 'generationConfig.thinkingConfig';
  if (thinking === undefined) return;
  if (!isRecord(thinking)) return refuse(survey, at, 'it must be an object');
  const budget = get(thinking, 'thinkingBudget');
  const level = get(thinking, 'thinkingLevel');
  if (budget !== undefined)
    checkNumber(budget, `${at}.thinkingBudget`, { bounds: { min: -1, max: INT32_MAX, isInteger: true }, survey });
  if (level !== undefined && typeof level !== 'string' && typeof level !== 'number')
    refuse(survey, `${at}.thinkingLevel`, 'it must be a string');
  const wants =
    (budget !== undefined && integerOf(budget) !== 0) ||
    (typeof level === 'string' && level.toLowerCase() !== 'minimal');
  if (wants) survey.needs.add('reasoning');
}

/** The form of the reply that is asked for. */
function checkReply(config: JsonRecord, survey: Survey): void {
  const type = get(config, 'responseMimeType');
  if (type !== undefined && typeof type !== 'string')
    refuse(survey, 'generationConfig.responseMimeType', 'it must be a string');
  for (const name of ['responseSchema', 'responseJsonSchema'] as const) {
    const schema = get(config, name);
    checkObject(schema, `generationConfig.${name}`, survey);
    if (schema === undefined) continue;
    survey.needs.add('json-schema');
    const before = survey.textLength;
    measureJson(schema, survey);
    if (survey.textLength - before > SCHEMA_MAX)
      refuse(survey, `generationConfig.${name}`, `it is longer than ${SCHEMA_MAX} characters`);
  }
  for (const modality of listOf(get(config, 'responseModalities'))) {
    const name = typeof modality === 'string' ? modality.toUpperCase() : modality;
    if (name === 'IMAGE') survey.needs.add('image-out');
    else if (name === 'AUDIO') survey.needs.add('audio-out');
    else if (typeof name !== 'string' && typeof name !== 'number')
      refuse(survey, 'generationConfig.responseModalities', 'it must be a list of strings');
  }
}

function checkRest(body: JsonRecord, survey: Survey): void {
  const toolConfig = get(body, 'toolConfig');
  checkObject(toolConfig, 'toolConfig', survey);
  if (isRecord(toolConfig))
    checkObject(get(toolConfig, 'functionCallingConfig'), 'toolConfig.functionCallingConfig', survey);
  const cached = get(body, 'cachedContent');
  if (cached !== undefined && typeof cached !== 'string')
    refuse(survey, 'cachedContent', 'it must be the name of a cache');
  const safety = get(body, 'safetySettings');
  if (listOf(safety).some((item) => !isRecord(item))) refuse(survey, 'safetySettings', 'it must be a list of objects');
  checkLabels(body['labels'], survey);
}

function checkLabels(labels: Json | undefined, survey: Survey): void {
  if (labels === undefined || labels === null) return;
  if (!isRecord(labels)) return refuse(survey, 'labels', 'it must be an object');
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) return refuse(survey, 'labels', `at most ${LABELS_MAX} are taken`);
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || value.length > LABEL_MAX || key.length > LABEL_MAX) {
      return refuse(survey, 'labels', `names and values must be strings of at most ${LABEL_MAX} characters`);
    }
  }
}

/** Adds what a value is long as JSON, near enough for an estimate. */
function measureJson(value: Json, survey: Survey, depth: number = MEASURE_DEPTH_MAX): void {
  if (depth === 0) return;
  if (typeof value === 'string') measureText(value, survey);
  else if (isArray(value)) for (const item of value) measureJson(item, survey, depth - 1);
  else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) {
      measureText(key, survey);
      survey.textLength += 3;
      measureJson(item ?? null, survey, depth - 1);
    }
  } else survey.textLength += 4;
}
