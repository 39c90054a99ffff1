/**
 * Bodies of models that know only text, both ways: a prompt, a limit and a few settings, whose fields are called otherwise at
 * each maker's. The row of a model says how.
 */
import { fieldName, reasoningField, type ChatField } from '../../chat/field-names.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { MediaPart, Origin, Part, TextPart } from '../../chat/part.ts';
import type { ChatRequest, Extra, Message, Reasoning, Tool } from '../../chat/request.ts';
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
import { JSON_MODE_TEXT, loseRest } from '../anthropic-messages/encode-request.ts';
import type { EncodedRequest, EncodeTarget, Inspection, PathFacts } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { nonAsciiUnits } from '../text-size.ts';
import type { Turn } from './prompts.ts';

/** Dotted names of the fields; a model without one does not take it. */
export interface Fields {
  readonly prompt: string;
  /** Absent: instructions are a part of the prompt. */
  readonly system?: string;
  readonly maxTokens: string;
  readonly temperature?: string;
  readonly topP?: string;
  readonly topK?: string;
  readonly presencePenalty?: string;
  readonly frequencyPenalty?: string;
  readonly seed?: string;
  readonly stop?: string;
}

export interface Family {
  readonly id: string;
  readonly models: RegExp;
  readonly fields: Fields;
  /** Sequences to stop at as one text, commas between them. Absent: as a list. */
  readonly hasStopText?: boolean;
  readonly prompt: (turns: readonly Turn[], model: string) => string;
}

/** A wire of such models. */
export interface TextWire {
  readonly home: Origin;
  /** The first that a model's id fits; the last takes every model. */
  readonly families: readonly Family[];
}

/** The row of a model's id. */
export function familyOf({ families }: TextWire, model: string): Family {
  const id = model.toLowerCase();
  const found = families.find((family) => family.models.test(id)) ?? families.at(-1);
  if (found === undefined) throw new Error('the last family takes every model');
  return found;
}

/** Said where neither caller nor catalog gives a limit: the models' own defaults are as low as 20. */
const MAX_TOKENS_DEFAULT = 2048;

export function inspectText(wire: TextWire, body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const { model = '', isStreaming = false } = path;
  const { fields } = familyOf(wire, model);
  const prompt = get(body, fields.prompt);
  const system = textAt(body, fields.system);
  if (model.trim() === '')
    return err(fault('field-missing', { reason: 'the path names no model' }, { param: 'model' }));
  if (typeof prompt !== 'string' || prompt === '')
    return err(fault('field-missing', { reason: 'send the prompt as a text' }, { param: fields.prompt }));
  const maxTokens = get(body, fields.maxTokens);
  if (maxTokens !== undefined && (typeof maxTokens !== 'number' || !Number.isSafeInteger(maxTokens) || maxTokens < 1))
    return err(fault('field-invalid', { reason: 'it must be a whole number above 0' }, { param: fields.maxTokens }));
  return ok({
    model,
    isStreaming,
    wantsStreamUsage: true,
    ...(typeof maxTokens === 'number' ? { maxOutputTokens: maxTokens } : {}),
    choices: 1,
    needs: [],
    textLength: prompt.length + system.length,
    nonAsciiLength: nonAsciiUnits(prompt) + nonAsciiUnits(system),
    imageCount: 0,
    messageCount: system === '' ? 1 : 2,
  });
}

function textAt(body: JsonRecord, name: string | undefined): string {
  return name === undefined ? '' : (asString(get(body, name)) ?? '');
}

/** The prompt is one message of the user, template and all: only its model knows what the template means. */
export function decodeText(wire: TextWire, body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspectText(wire, body, path);
  if (!inspected.ok) return inspected;
  const { fields } = familyOf(wire, inspected.value.model);
  const stop = fields.stop === undefined ? undefined : stopsIn(get(body, fields.stop));
  const number = (name: string | undefined): number | undefined =>
    name === undefined ? undefined : asNumber(get(body, name));
  return ok({
    origin: wire.home,
    model: inspected.value.model,
    messages: [...said('system', fields.system, body), ...said('user', fields.prompt, body)],
    ...compact({ maxOutputTokens: number(fields.maxTokens) }),
    sampling: compact({
      temperature: number(fields.temperature),
      topP: number(fields.topP),
      topK: number(fields.topK),
      presencePenalty: number(fields.presencePenalty),
      frequencyPenalty: number(fields.frequencyPenalty),
      seed: number(fields.seed),
    }),
    ...(stop === undefined ? {} : { stop }),
    isStreaming: inspected.value.isStreaming,
    wantsStreamUsage: true,
    extras: extrasOf(body, fields),
  });
}

/** What stands in a field of words, as a message. */
function said(role: 'system' | 'user', name: string | undefined, body: JsonRecord): readonly Message[] {
  const text = name === undefined ? undefined : asString(get(body, name));
  if (name === undefined || text === undefined || (role === 'system' && text === '')) return [];
  return [{ role, parts: [{ kind: 'text', text, at: name }], at: name }];
}

function stopsIn(stop: Json | undefined): readonly string[] | undefined {
  if (isArray(stop)) return stop.filter((one) => typeof one === 'string');
  return typeof stop === 'string' && stop !== '' ? stop.split(',') : undefined;
}

function get(body: JsonRecord, name: string): Json | undefined {
  const [outer = '', inner] = name.split('.');
  return inner === undefined ? body[outer] : asRecord(body[outer])?.[inner];
}

function extrasOf(body: JsonRecord, fields: Fields): readonly Extra[] {
  const known = new Set<string>(Object.values(fields));
  const flat = Object.entries(body).flatMap(([name, value]): readonly (readonly [string, Json | undefined])[] =>
    isRecord(value) && [...known].some((field) => field.startsWith(`${name}.`))
      ? Object.entries(value).map(([inner, held]) => [`${name}.${inner}`, held] as const)
      : [[name, value]],
  );
  return flat.flatMap(([field, value]) =>
    value === undefined || value === null || known.has(field) ? [] : [{ field, value, weight: 'hint' as const }],
  );
}

interface Draft {
  readonly family: Family;
  readonly isHome: boolean;
  readonly request: ChatRequest;
  readonly losses: LossList;
  readonly maxTokens: number;
  readonly hint: (code: LossCode, field: ChatField, why: string) => void;
  readonly meaning: (code: LossCode, field: ChatField, why: string) => void;
}

/** A conversation as the prompt of a text model. Tools, files and schemas have no place in it. */
export function encodeText(wire: TextWire, request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses = lossList();
  const family = familyOf(wire, target.model);
  const isHome = request.origin === wire.home;
  const limit = request.maxOutputTokens ?? target.maxOutputTokens ?? MAX_TOKENS_DEFAULT;
  const draft: Draft = {
    family,
    isHome,
    request,
    losses,
    maxTokens: isHome ? limit : Math.min(limit, target.maxOutputTokens ?? limit),
    hint: (code, field, why) => losses.hint(code, fieldName(request, field), why),
    meaning: (code, field, why) => losses.meaning(code, fieldName(request, field), why),
  };
  const { fields } = family;
  if (!isHome) loseAll(draft);
  const body: Record<string, Json | undefined> = {};
  putWords(body, draft, target.model.toLowerCase());
  if (!isHome || request.maxOutputTokens !== undefined) put(body, fields.maxTokens, draft.maxTokens);
  putSettings(body, draft);
  if (isHome) for (const { field, value } of request.extras) put(body, field, value);
  return { body, losses: [...(isHome ? [] : foreignLosses(request, wire.home)), ...losses.all()] };
}

/** Instructions that come first have a field of their own at some; the rest is the prompt. */
function putWords(body: Record<string, Json | undefined>, draft: Draft, model: string): void {
  const { family, isHome } = draft;
  const { fields } = family;
  const turns = turnsOf(draft);
  const [first] = turns;
  const isApart = fields.system !== undefined && first?.role === 'system' && turns.length > 1;
  const rest = isApart ? turns.slice(1) : turns;
  put(body, fields.prompt, isHome ? rest.map(({ text }) => text).join('') : family.prompt(rest, model));
  if (isApart) put(body, fields.system, first.text);
}

function put(body: Record<string, Json | undefined>, name: string | undefined, value: Json | undefined): void {
  if (name === undefined || value === undefined) return;
  const [outer = '', inner] = name.split('.');
  const held = body[outer];
  body[outer] = inner === undefined ? value : { ...(isRecord(held) ? held : {}), [inner]: value };
}

function putSettings(body: Record<string, Json | undefined>, draft: Draft): void {
  const { request, family } = draft;
  const { sampling, stop } = request;
  const { fields, hasStopText } = family;
  for (const name of SETTINGS) put(body, fields[name], sampling[name]);
  put(body, fields.stop, hasStopText === true ? stopText(stop) : stop);
}

/** A sequence with a comma in it would be two others. */
function stopText(stop: readonly string[] = []): string | undefined {
  const kept = stop.filter((one) => !one.includes(','));
  return kept.length === 0 ? undefined : kept.join(',');
}

const SETTINGS = ['temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty', 'seed'] as const;

function loseAll(draft: Draft): void {
  const { request, hint, meaning, family } = draft;
  const { fields, hasStopText } = family;
  const taken = new Set<string>(SETTINGS.filter((name) => fields[name] !== undefined));
  const sampling = Object.fromEntries(Object.entries(request.sampling).filter(([name]) => !taken.has(name)));
  loseRest({ ...draft, request: { ...request, sampling } });
  loseForms(draft);
  if (request.stop !== undefined && fields.stop === undefined)
    meaning('stop', 'stop', 'This model takes no stop sequences.');
  if (hasStopText === true && request.stop?.some((stop) => stop.includes(',')) === true)
    meaning('stop', 'stop', 'Stop sequences stand in one text here, commas between them, so that none can hold one.');
  if ((request.sampling.topK ?? 0) > 0 && fields.topK === undefined)
    hint('sampling', 'topK', 'This model has no such setting.');
  if (request.user !== undefined && request.user !== '')
    hint('user', 'user', 'The service takes no id of the end user.');
}

/** Whatever is more than text. */
function loseForms({ request, losses, hint, meaning }: Draft): void {
  const { format, reasoning = {} } = request;
  for (const tool of request.tools ?? []) loseTool(tool, tool.at ?? fieldName(request, 'tools'), losses);
  if (format?.kind === 'json-schema') meaning('format', 'format', 'This model does not enforce a schema.');
  if (format?.kind === 'json')
    hint('json-mode', 'format', 'There is no JSON mode; the prompt asks for one JSON object.');
  if (wantsToThink(reasoning)) hint('reasoning', reasoningField(reasoning), 'This model does not reason.');
}

function wantsToThink({ effort = 'none', budgetTokens = 0 }: Reasoning): boolean {
  return effort !== 'none' || budgetTokens !== 0;
}

function loseTool(tool: Tool, at: string, losses: LossList): void {
  losses.meaning('opaque', at, NO_TOOLS);
  if (tool.kind === 'function' && tool.isCacheEnd === true) losses.hint('cache-mark', at, NO_CACHE);
}

/** Words only, neighbours of one role together. */
function turnsOf(draft: Draft): readonly Turn[] {
  const turns: Turn[] = [];
  for (const message of draft.request.messages) {
    const role = roleOf(message);
    if (message.name !== undefined)
      draft.losses.hint('name', `${message.at ?? 'messages'}.name`, 'Participants have no names here.');
    const text = message.parts.flatMap((part) => wordsOf(part, draft)).join('\n');
    const last = turns.at(-1);
    if (text === '') continue;
    if (last?.role === role) turns[turns.length - 1] = { role, text: `${last.text}\n${text}` };
    else turns.push({ role, text });
  }
  if (draft.request.format?.kind === 'json') turns.unshift({ role: 'system', text: JSON_MODE_TEXT });
  return turns;
}

function roleOf({ role }: Message): Turn['role'] {
  if (role === 'system' || role === 'developer') return 'system';
  return role === 'assistant' ? 'assistant' : 'user';
}

const NO_TOOLS = 'This model takes a text alone, and no tools.';
const NO_CACHE = 'This model keeps no prompts.';

function wordsOf(part: Part, draft: Draft): readonly string[] {
  const { losses } = draft;
  const at = part.at ?? 'messages';
  if (part.cache !== undefined) losses.hint('cache-mark', at, NO_CACHE);
  switch (part.kind) {
    case 'text':
      loseBeside(part, losses);
      return part.text === '' ? [] : [part.text];
    case 'refusal':
      losses.hint('refusal', at, 'There are no refusals here; it is sent as plain text.');
      return [part.text];
    case 'reasoning':
      losses.hint('reasoning-history', at, 'Earlier reasoning has no place in a prompt.');
      return [];
    case 'tool-call':
    case 'tool-result':
      losses.meaning('opaque', at, NO_TOOLS);
      return [];
    case 'opaque':
      return [];
    default:
      return mediaWords(part, at, losses);
  }
}

function mediaWords({ kind, source, name }: MediaPart, at: string, losses: LossList): readonly string[] {
  if (source.by !== 'text') {
    losses.meaning('media-kind', at, `This model takes no ${kind}.`);
    return [];
  }
  losses.hint('document-as-text', at, 'The document stands in the prompt as text.');
  return [name === undefined ? source.text : `${name}\n\n${source.text}`];
}

/** What stands beside the words of a text. */
function loseBeside(part: TextPart, losses: LossList): void {
  const at = part.at ?? 'messages';
  if ((part.citations ?? []).length > 0) losses.hint('citations', at, 'A prompt holds words only.');
  if (part.signature !== undefined) losses.hint('signature', at, 'A prompt holds words only.');
}

/** Lowers the limit, under whichever of its names it stands. */
export function limitText({ families }: TextWire, body: JsonRecord, maxTokens: number): JsonRecord {
  const limited: Record<string, Json | undefined> = { ...body };
  for (const { fields } of families) {
    const given = asNumber(get(body, fields.maxTokens));
    if (given !== undefined && given > maxTokens) put(limited, fields.maxTokens, maxTokens);
  }
  return limited;
}
