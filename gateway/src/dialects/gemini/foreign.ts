/** Signatures of other providers in the history of a Gemini client, which got them from us and gives them back. */
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { SIGNATURE_PLACEHOLDER } from './encode-request.ts';
import { get, isForeign, recordsOf, requestOf, spelling } from './wire.ts';

/** Whether a body holds one: Google would refuse its bytes. */
export function hasForeignSignatures(body: JsonRecord): boolean {
  return recordsOf(requestOf(body)['contents']).some((content) =>
    recordsOf(content['parts']).some((part) => isForeign(get(part, 'thoughtSignature'))),
  );
}

/** The body without them: a function call gets the placeholder that Google documents, sealed reasoning goes. */
export function withoutForeignSignatures(body: JsonRecord): JsonRecord {
  const wrapped = asRecord(get(body, 'generateContentRequest'));
  if (wrapped !== undefined) {
    return { ...body, [spelling(body, 'generateContentRequest')]: withoutForeignSignatures(wrapped) };
  }
  const { contents } = body;
  if (isRecord(contents)) return { ...body, contents: cleaned(contents) ?? contents };
  return isArray(contents) ? { ...body, contents: contents.flatMap((content) => cleaned(content) ?? []) } : body;
}

/** A message without them; undefined where nothing else was in it. */
function cleaned(content: Json): Json | undefined {
  const parts = isRecord(content) ? content['parts'] : undefined;
  if (!isRecord(content) || !isArray(parts)) return content;
  const kept = parts.flatMap((part) => (isRecord(part) ? (withoutForeign(part) ?? []) : part));
  return kept.length === 0 && parts.length > 0 ? undefined : { ...content, parts: kept };
}

function withoutForeign(part: JsonRecord): JsonRecord | undefined {
  if (!isForeign(get(part, 'thoughtSignature'))) return part;
  const { thoughtSignature: _, thought_signature: __, ...rest } = part;
  if (get(rest, 'functionCall') !== undefined) return { ...rest, thoughtSignature: SIGNATURE_PLACEHOLDER };
  const isEmpty = Object.keys(rest).every((name) => name === 'thought' || (name === 'text' && rest[name] === ''));
  return isEmpty ? undefined : rest;
}
