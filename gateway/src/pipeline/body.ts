/** From the bytes of a request to a checked record. What was checked is what is forwarded: bytes and record say the same. */
import { fault, type Fault } from '../chat/fault.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { valueInPieces } from '../lib/pieces.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Scan, ScanFault, ScanLimits } from '../lib/scan-types.ts';
import { scanInSteps, scanJson, scanStrictly } from '../lib/scan.ts';
import { editMembers } from '../lib/splice.ts';
import { lineAndColumn, withoutByteOrderMark } from '../lib/utf8.ts';
import { atOnce, inTurns } from './turns.ts';

export interface BodyLimits {
  readonly depthMax: number;
  readonly keysMax: number;
  readonly valuesMax: number;
}

/**
 * Depth: providers' own schemas stop at 5 to 100 levels. Keys: a long agent transcript has some ten thousand.
 * Values: a quarter of a million small objects take some 20 MB once parsed, seven times their text; no conversation has so many.
 */
export const BODY_LIMITS: BodyLimits = { depthMax: 128, keysMax: 100_000, valuesMax: 250_000 };

export interface ParsedBody {
  readonly record: JsonRecord;
  /** What may be sent on, byte for byte. */
  readonly bytes: Buffer;
  /** Where the top-level members lie in `bytes`. */
  readonly scan: Scan;
  /** Keys that differ from a known field by case alone. They are in neither `record` nor `bytes`. */
  readonly dropped: readonly string[];
}

/**
 * Fields of the outermost object that decide where a request goes, what it may cost or what it says. Some servers
 * (all that use Go's encoding/json) read `Model` as `model`, so a variant that went on unseen would take effect there.
 */
const KNOWN_FIELDS: readonly string[] = words(
  'model models messages prompt input instructions system contents stream stream_options max_tokens',
  'max_completion_tokens max_output_tokens n best_of tools tool_choice functions function_call',
  'response_format text format reasoning reasoning_effort thinking metadata user systemInstruction',
  'system_instruction generationConfig generation_config toolConfig tool_config safetySettings',
  'cachedContent inferenceConfig options service_tier store previous_response_id temperature top_p',
  'stop stop_sequences documents query keep_alive num_ctx modalities turnout route provider usage',
  'session_id plugins transforms background web_search_options encoding_format dimensions output_dimension',
  'input_type embedding_types texts images inputs requests content taskType outputDimensionality top_n top_k',
  'return_documents voice size quality',
);
const KNOWN: ReadonlySet<string> = new Set(KNOWN_FIELDS);
const KNOWN_FOLDED: ReadonlySet<string> = new Set(KNOWN_FIELDS.map(folded));

/** Fields whose content is the user's own JSON: schemas, tool arguments and results, in every dialect. */
const FREE_FORM: ReadonlySet<string> = new Set(
  words(
    'parameters parametersJsonSchema input_schema inputSchema output_schema outputSchema schema json_schema',
    'responseSchema response_schema responseJsonSchema format properties $defs definitions args arguments',
    'input response json parameter_definitions',
  ),
);
/** The one of them that is a field of the outermost object (Ollama). `input` holds messages there. */
const FREE_FORM_AT_TOP = 'format';

/** The worst body of this size (keys, each unlike the others) takes some 20 ms: so much may be done in one go. */
const AT_ONCE_BYTES = 128 * 1024;

/** Characters of a caller's key that an error text repeats. */
const KEY_SHOWN_MAX = 64;

/** Whether a body is so long that work on the whole of it should be a turn of its own. */
export function isLong(bytes: Buffer): boolean {
  return bytes.length > AT_ONCE_BYTES;
}

/** Checks and parses a body. Every refusal says what is wrong and where. */
export function parseBody(bytes: Buffer, limits: BodyLimits = BODY_LIMITS): Result<ParsedBody, Fault> {
  return atOnce(parseSteps(bytes, limits));
}

/** As `parseBody`; a long body is read in turns, so that other requests go on meanwhile. */
export async function parseBodyInTurns(
  bytes: Buffer,
  limits: BodyLimits = BODY_LIMITS,
): Promise<Result<ParsedBody, Fault>> {
  return isLong(bytes) ? inTurns(parseSteps(bytes, limits)) : parseBody(bytes, limits);
}

function* parseSteps(bytes: Buffer, limits: BodyLimits): Generator<undefined, Result<ParsedBody, Fault>> {
  const bare = withoutByteOrderMark(bytes);
  const scanLimits: ScanLimits = { ...limits, isFreeForm };
  const quick = isLong(bare) ? undefined : scanJson(bare, scanLimits);
  const isQuick = quick !== undefined && !(quick.ok && quick.value.hasEscapedKeys);
  const scanned = isQuick ? quick : yield* scanInSteps(bare, scanLimits);
  if (!scanned.ok) return err(faultOf(scanned.error, bare));
  const scan = scanned.value;
  if (scan.rootKind !== 'object') return err(fault('body-not-object', { found: FOUND[scan.rootKind] }));
  const dropped = caseVariants(scan);
  if (dropped.length > 0) return yield* withoutVariants(bare, { scan, dropped, limits });
  const value = scan.long === undefined ? parseJson(bare.toString('utf8')) : yield* valueInPieces(bare, scan.long);
  if (isRecord(value)) return ok({ record: value, bytes: bare, scan, dropped });
  // The one thing that the fast scan leaves to JSON.parse: raw control characters inside long strings.
  const strict = scanStrictly(bare, scanLimits);
  return err(strict.ok ? fault('body-not-json', { reason: 'it cannot be parsed' }) : faultOf(strict.error, bare));
}

const FOUND: Readonly<Record<Scan['rootKind'], string>> = {
  object: 'an object',
  array: 'an array',
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
};

function words(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '));
}

function isFreeForm(key: string, depth: number): boolean {
  return depth === 1 ? key === FREE_FORM_AT_TOP : FREE_FORM.has(key);
}

/** Through upper case first: the long s (U+017F) and the Kelvin sign (U+212A) count as s and k where case does not count. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function caseVariants(scan: Scan): string[] {
  const variants: string[] = [];
  for (const key of scan.members.keys()) if (!KNOWN.has(key) && KNOWN_FOLDED.has(folded(key))) variants.push(key);
  return variants;
}

interface VariantContext {
  readonly scan: Scan;
  readonly dropped: readonly string[];
  readonly limits: BodyLimits;
}

/** An unknown field may be passed on, one that could be taken for a known field may not: so it is cut out of the bytes. */
function* withoutVariants(bytes: Buffer, context: VariantContext): Generator<undefined, Result<ParsedBody, Fault>> {
  const cut = editMembers(bytes, context.scan, new Map(context.dropped.map((key) => [key, undefined])));
  const rest = yield* parseSteps(cut, context.limits);
  return rest.ok ? ok({ ...rest.value, dropped: context.dropped }) : rest;
}

function faultOf(found: ScanFault, bytes: Buffer): Fault {
  switch (found.kind) {
    case 'empty':
      return fault('body-empty');
    case 'not-utf8':
      return fault('body-not-utf8', { reason: textReason(found) });
    case 'too-deep':
      return fault('too_deep', { max: found.max });
    case 'too-many-keys':
    case 'too-many-values':
    case 'key-too-long':
      return fault(found.kind, { max: found.max });
    case 'duplicate-key':
    case 'forbidden-key':
      return fault(found.kind, { key: shownKey(found.key) });
    case 'number-too-large':
      return fault('body-not-json', { reason: `the number at ${place(bytes, found.offset)} is too large` });
    case 'number-too-precise':
      return fault('body-not-json', {
        reason: `the number at ${place(bytes, found.offset)} has more digits than a number can hold, and would be rounded`,
      });
    case 'syntax':
      return fault('body-not-json', { reason: syntaxText(found, bytes) });
  }
}

function textReason(found: ScanFault & { readonly kind: 'not-utf8' }): string {
  return found.looksLikeUtf16 ? 'it looks like UTF-16' : `the byte at offset ${found.offset} belongs to no character`;
}

function syntaxText(found: ScanFault & { readonly kind: 'syntax' }, bytes: Buffer): string {
  const what = found.found === undefined ? 'it ends too early' : `unexpected \`${found.found}\``;
  return `${what} at ${place(bytes, found.offset)}, where ${found.expected} should stand`;
}

function place(bytes: Buffer, offset: number): string {
  const { line, column } = lineAndColumn(bytes, offset);
  return `line ${line}, column ${column}`;
}

/** The key as JSON, so that no control character of a caller reaches a log or a terminal. */
function shownKey(key: string): string {
  return JSON.stringify(key.length > KEY_SHOWN_MAX ? `${key.slice(0, KEY_SHOWN_MAX)}…` : key);
}
