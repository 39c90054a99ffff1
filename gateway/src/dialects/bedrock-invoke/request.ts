/** Bodies of InvokeModel's text models, both ways. */
import { fieldName, type ChatField } from '../../chat/field-names.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { LossCode } from '../../chat/loss-codes.ts';
import { foreignLosses } from '../../chat/losses.ts';
import type { Origin } from '../../chat/part.ts';
import type { ChatRequest, Extra } from '../../chat/request.ts';
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
import { loseRest } from '../anthropic-messages/encode-request.ts';
import type { EncodedRequest, EncodeTarget, Inspection, PathFacts } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { loseForms, turnsOf } from '../prompt-text.ts';
import { nonAsciiUnits } from '../text-size.ts';
import { FAMILIES, familyOf, type Fields } from './families.ts';

export const HOME: Origin = 'bedrock-invoke';

/** Said where neither caller nor catalog gives a limit: the models' own defaults are as low as 20. */
const MAX_TOKENS_DEFAULT = 2048;

export function inspectText(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const { model = '', isStreaming = false } = path;
  const { fields } = familyOf(model);
  const prompt = get(body, fields.prompt);
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
    textLength: prompt.length,
    nonAsciiLength: nonAsciiUnits(prompt),
    imageCount: 0,
    messageCount: 1,
  });
}

/** The prompt is one message of the user, template and all: only its model knows what the template means. */
export function decodeText(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspectText(body, path);
  if (!inspected.ok) return inspected;
  const { fields } = familyOf(inspected.value.model);
  const stop = fields.stop === undefined ? undefined : get(body, fields.stop);
  const number = (name: string | undefined): number | undefined =>
    name === undefined ? undefined : asNumber(get(body, name));
  const text = asString(get(body, fields.prompt)) ?? '';
  return ok({
    origin: HOME,
    model: inspected.value.model,
    messages: [{ role: 'user', parts: [{ kind: 'text', text, at: fields.prompt }], at: fields.prompt }],
    ...compact({ maxOutputTokens: number(fields.maxTokens) }),
    sampling: compact({
      temperature: number(fields.temperature),
      topP: number(fields.topP),
      topK: number(fields.topK),
    }),
    ...(isArray(stop) ? { stop: stop.filter((one) => typeof one === 'string') } : {}),
    isStreaming: inspected.value.isStreaming,
    wantsStreamUsage: true,
    extras: extrasOf(body, fields),
  });
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
  readonly request: ChatRequest;
  readonly losses: LossList;
  readonly maxTokens: number;
  readonly hint: (code: LossCode, field: ChatField, why: string) => void;
  readonly meaning: (code: LossCode, field: ChatField, why: string) => void;
}

/** A conversation as the prompt of a text model. Tools, files and schemas have no place in it. */
export function encodeText(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const losses = lossList();
  const family = familyOf(target.model);
  const isHome = request.origin === HOME;
  const limit = request.maxOutputTokens ?? target.maxOutputTokens ?? MAX_TOKENS_DEFAULT;
  const draft: Draft = {
    request,
    losses,
    maxTokens: isHome ? limit : Math.min(limit, target.maxOutputTokens ?? limit),
    hint: (code, field, why) => losses.hint(code, fieldName(request, field), why),
    meaning: (code, field, why) => losses.meaning(code, fieldName(request, field), why),
  };
  const turns = turnsOf(request, losses);
  const prompt = isHome ? turns.map(({ text }) => text).join('') : family.prompt(turns, target.model.toLowerCase());
  if (!isHome) loseAll(draft, family.fields);
  const body: Record<string, Json | undefined> = {};
  put(body, family.fields.prompt, prompt);
  if (!isHome || request.maxOutputTokens !== undefined) put(body, family.fields.maxTokens, draft.maxTokens);
  putSettings(body, request, family.fields);
  if (isHome) for (const { field, value } of request.extras) put(body, field, value);
  return { body, losses: [...(isHome ? [] : foreignLosses(request, HOME)), ...losses.all()] };
}

function put(body: Record<string, Json | undefined>, name: string | undefined, value: Json | undefined): void {
  if (name === undefined || value === undefined) return;
  const [outer = '', inner] = name.split('.');
  const held = body[outer];
  body[outer] = inner === undefined ? value : { ...(isRecord(held) ? held : {}), [inner]: value };
}

function putSettings(body: Record<string, Json | undefined>, request: ChatRequest, fields: Fields): void {
  const { temperature, topP, topK } = request.sampling;
  put(body, fields.temperature, temperature);
  put(body, fields.topP, topP);
  put(body, fields.topK, topK);
  put(body, fields.stop, request.stop);
}

function loseAll(draft: Draft, fields: Fields): void {
  const { request, losses, hint, meaning } = draft;
  loseRest(draft);
  loseForms(request, losses);
  if (request.stop !== undefined && fields.stop === undefined)
    meaning('stop', 'stop', 'This model takes no stop sequences.');
  if ((request.sampling.topK ?? 0) > 0 && fields.topK === undefined)
    hint('sampling', 'topK', 'This model has no such setting.');
  if (request.user !== undefined && request.user !== '')
    hint('user', 'user', 'The service takes no id of the end user.');
}

/** Lowers the limit, under whichever of its names it stands. */
export function limitText(body: JsonRecord, maxTokens: number): JsonRecord {
  const limited: Record<string, Json | undefined> = { ...body };
  for (const { fields } of FAMILIES) {
    const given = asNumber(get(body, fields.maxTokens));
    if (given !== undefined && given > maxTokens) put(limited, fields.maxTokens, maxTokens);
  }
  return limited;
}
