/** From the bytes of a `multipart/form-data` body to its parts: checked while it arrives, kept as it came. */
import { fault, type Fault } from '../chat/fault.ts';
import { parseJson, type JsonRecord } from '../lib/json.ts';
import { boundaryOf, multipartReader, type FormPart, type MultipartLimits } from '../lib/multipart.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { OWN_FIELDS } from './extension.ts';

/** OpenAI takes 16 pictures and a handful of fields. Headers: a name, a file's name and a type. Fields: the longest prompt. */
export const FORM_LIMITS: MultipartLimits = { partsMax: 64, headerMaxBytes: 4096, fieldMaxBytes: 256 * 1024 };

/** Names of fields that would reach an object's prototype (faults.md B07). */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const NAME_MAX = 256;

export interface ParsedForm {
  /** The text fields. Of a list (`x[]`) the last value: none of them decides anything here. */
  readonly record: JsonRecord;
  readonly bytes: Buffer;
  readonly boundary: string;
  readonly parts: readonly FormPart[];
  /** Where the closing delimiter begins. */
  readonly end: number;
}

export interface FormReader {
  /** Looks at the next bytes; a fault ends the reading. */
  push(bytes: Buffer): Fault | undefined;
  /** The form, once all of `bytes` have been pushed. */
  end(bytes: Buffer): Result<ParsedForm, Fault>;
}

/** A reader for a body of that content type, or why it cannot be one. */
export function formReader(contentType: string): Result<FormReader, Fault> {
  const boundary = boundaryOf(contentType);
  if (!boundary.ok) return err(notForm(boundary.error));
  const reader = multipartReader(boundary.value, FORM_LIMITS);
  return ok({
    push(bytes) {
      const wrong = reader.push(bytes);
      return wrong === undefined ? undefined : notForm(wrong);
    },
    end(bytes) {
      const parts = reader.end();
      return parts.ok ? formOf(bytes, boundary.value, parts.value) : err(notForm(parts.error));
    },
  });
}

function notForm(reason: string): Fault {
  return fault('form-invalid', { reason });
}

function formOf(bytes: Buffer, boundary: string, parts: readonly FormPart[]): Result<ParsedForm, Fault> {
  const record: Record<string, JsonRecord[string]> = Object.create(null);
  for (const { name, filename, start, end } of parts) {
    if (FORBIDDEN.has(name)) return err(fault('forbidden-key', { key: JSON.stringify(name) }));
    if (name.length > NAME_MAX) return err(notForm(`a field's name is longer than ${NAME_MAX} characters`));
    if (filename !== undefined) continue;
    if (Object.hasOwn(record, name) && !isList(name))
      return err(fault('duplicate-key', { key: JSON.stringify(name.slice(0, 64)) }));
    const text = bytes.toString('utf8', start, end);
    if (text.includes('\ufffd'))
      return err(fault('body-not-utf8', { reason: `the field ${JSON.stringify(name)} is not` }));
    record[name] = OWN_FIELDS.includes(name) ? (parseJson(text) ?? text) : text;
  }
  const last = parts.at(-1);
  return ok({ record, bytes, boundary, parts, end: last === undefined ? 0 : last.end + 2 });
}

/** Mistral's clients repeat these without brackets. */
function isList(name: string): boolean {
  return name.endsWith('[]') || name === 'timestamp_granularities' || name === 'context_bias';
}
