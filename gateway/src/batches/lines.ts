/** The lines of an input file: where each lies, what it asks, and what is wrong with it. */
import type { FileHandle } from 'node:fs/promises';
import type { Fault } from '../chat/fault.ts';
import { asRecord, asString, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseBodyInTurns } from '../pipeline/body.ts';
import type { BatchForm } from '../store/batch-ports.ts';

const READ_BYTES = 256 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, CR]);
/** OpenAI states none; longer ones are no ids, and are kept in memory while they are compared. */
const CUSTOM_ID_MAX = 512;
/** platform.claude.com/docs/en/api/creating-message-batches: `custom_id`. */
const ANTHROPIC_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** A line of a file. Empty ones are counted, and skipped. */
export interface Line {
  /** From 1. */
  readonly line: number;
  readonly offset: number;
  readonly length: number;
}

export interface ReadLine extends Line {
  /** Absent where it is longer than the limit. */
  readonly bytes?: Buffer;
}

/** All lines in order; what is held is bounded by the longest of them. */
export async function* linesOf(file: FileHandle, lineMaxBytes: number): AsyncGenerator<ReadLine> {
  let line = 0;
  let offset = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const take = (last: Buffer): ReadLine => {
    line += 1;
    const length = heldBytes + last.length;
    const bytes = length > lineMaxBytes ? undefined : trimmed(Buffer.concat([...held, last], length));
    const read = { line, offset, length, ...(bytes === undefined ? {} : { bytes }) };
    offset += length + 1;
    held = [];
    heldBytes = 0;
    return read;
  };
  for (let at = 0; ;) {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1 && end < bytesRead; end = chunk.indexOf(LF, start)) {
      const read = take(chunk.subarray(start, end));
      start = end + 1;
      if (!isBlank(read)) yield read;
    }
    const rest = chunk.subarray(start, bytesRead);
    heldBytes += rest.length;
    // Of a line that is too long only the length is of interest.
    if (heldBytes <= lineMaxBytes) held.push(rest);
  }
  const last = take(Buffer.alloc(0));
  if (!isBlank(last)) yield last;
}

/** One line, read again by its place. */
export async function lineAt(file: FileHandle, { offset, length }: Line): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw new Error('an input file of a batch has become shorter');
    at += bytesRead;
  }
  return trimmed(bytes);
}

function trimmed(bytes: Buffer): Buffer {
  return bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
}

/** What JSON calls white space (RFC 8259, section 2); any other is a line that holds something. */
function isBlank({ bytes }: ReadLine): boolean {
  return bytes !== undefined && bytes.every((byte) => BLANKS.has(byte));
}

/** What a line asks. */
export interface Asked {
  readonly customId: string;
  /** The request as it would have been sent by itself. */
  readonly body: Buffer;
}

/** In OpenAI's words (`errors.data`). */
export interface LineProblem {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}

/** Reads a line; says what is wrong with its form. What it asks is for the pipeline to judge. */
export async function readLine(
  bytes: Buffer,
  { form, endpoint }: { readonly form: BatchForm; readonly endpoint: string },
): Promise<Result<Asked, LineProblem>> {
  const parsed = await parseBodyInTurns(bytes);
  if (!parsed.ok) return err(notJson(parsed.error));
  const { record, scan } = parsed.value;
  const wrong = form === 'openai' ? whyNotOpenai(record, endpoint) : whyNotAnthropic(record);
  if (wrong !== undefined) return err(wrong);
  const member = scan.members.get(form === 'openai' ? 'body' : 'params');
  if (member === undefined) throw new Error('a member that was read is not in the scan');
  // Offsets are those of the bytes that were scanned: without a byte order mark.
  const body = parsed.value.bytes.subarray(member.valueStart, member.valueEnd);
  return ok({ customId: asString(record['custom_id']) ?? '', body });
}

function notJson({ message }: Fault): LineProblem {
  return { code: 'invalid_json_line', message: `This line is not a valid JSON object. ${message}`, param: null };
}

function whyNotOpenai(record: JsonRecord, endpoint: string): LineProblem | undefined {
  const { custom_id: id, method, url, body } = record;
  if (id === undefined || id === null) return missing('custom_id');
  if (typeof id !== 'string' || id === '' || id.length > CUSTOM_ID_MAX)
    return invalid('custom_id', `it must be a text of 1 to ${CUSTOM_ID_MAX} characters`);
  if (method === undefined) return missing('method');
  if (method !== 'POST') return { ...invalid('method', 'it must be `POST`'), code: 'invalid_method' };
  if (url === undefined) return missing('url');
  if (url !== endpoint)
    return { ...invalid('url', `it must be \`${endpoint}\`, the endpoint of the batch`), code: 'invalid_url' };
  if (body === undefined) return missing('body');
  return asRecord(body) === undefined ? invalid('body', 'it must be an object') : undefined;
}

function whyNotAnthropic(record: JsonRecord): LineProblem | undefined {
  const { custom_id: id, params } = record;
  if (id === undefined) return missing('custom_id');
  if (typeof id !== 'string' || !ANTHROPIC_ID.test(id))
    return invalid('custom_id', 'it must be 1 to 64 letters, digits, hyphens and underscores');
  if (params === undefined) return missing('params');
  return asRecord(params) === undefined ? invalid('params', 'it must be an object') : undefined;
}

function missing(param: string): LineProblem {
  return { code: 'missing_required_parameter', message: `\`${param}\` is required.`, param };
}

function invalid(param: string, reason: string): LineProblem {
  return { code: 'invalid_value', message: `\`${param}\` is not valid: ${reason}.`, param };
}
