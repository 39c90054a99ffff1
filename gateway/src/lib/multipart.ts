/**
 * Reads `multipart/form-data` (RFC 7578 over RFC 2046, section 5.1) as it comes: bytes in, places out. The machine keeps no
 * content, only where each part lies in the body, so that a body is checked while it arrives and sent on as it came.
 * Strict where servers differ, since what one reads as a field another may read as a file's content.
 */
import { err, ok, type Result } from './result.ts';

export interface MultipartLimits {
  readonly partsMax: number;
  /** Of one part's header block. */
  readonly headerMaxBytes: number;
  /** Of one field's value; files are bounded by the body. */
  readonly fieldMaxBytes: number;
}

/** One part. All offsets are into the whole body. */
export interface FormPart {
  readonly name: string;
  /** Present: it is a file. */
  readonly filename?: string;
  /** Media type as it was given. */
  readonly type?: string;
  /** Of its delimiter line: from here to the next part's `from`, the part can be cut out. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/** Gets the content of parts while it comes, in order. The pieces are parts of what was pushed: whoever keeps them copies them. */
export type PartSink = (part: Pick<FormPart, 'name' | 'filename'>, piece: Buffer) => void;

export interface MultipartReader {
  /** The next bytes. Gives what is wrong with them; afterwards nothing is read any more. */
  push(bytes: Buffer): string | undefined;
  /** The body is complete: all parts in order, or what is wrong. */
  end(): Result<readonly FormPart[], string>;
}

/** RFC 2046, section 5.1.1. */
const BOUNDARY_MAX = 70;
const BOUNDARY = /^[\w'()+,./:=? -]*[\w'()+,./:=?-]$/;
const CR_LF = '\r\n';
/** Spaces that may follow a delimiter (`transport-padding`); nobody sends any, so that few are enough. */
const PADDING_MAX = 16;
/** Transfer encodings that leave the bytes as they are (RFC 7578, section 4.7, deprecates all others). */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['binary', '8bit', '7bit']);

/** The boundary of a `content-type`, or why it has none. */
export function boundaryOf(contentType: string): Result<string, string> {
  const match = /;\s*boundary=(?:"([^"\\]*)"|([^\s;"]+))\s*(?:;|$)/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) return err('its content type has no boundary');
  if (boundary.length > BOUNDARY_MAX) return err(`its boundary is longer than ${BOUNDARY_MAX} characters`);
  return BOUNDARY.test(boundary) ? ok(boundary) : err('its boundary has characters that no boundary may have');
}

type State = 'start' | 'delimiter' | 'head' | 'content' | 'epilogue' | 'broken';

interface Head {
  readonly name: string;
  readonly filename?: string;
  readonly type?: string;
}

// oxlint-disable-next-line max-lines-per-function -- a machine of five small steps over one state; apart they would pass it around.
export function multipartReader(boundary: string, limits: MultipartLimits, sink?: PartSink): MultipartReader {
  const opening = Buffer.from(`--${boundary}`);
  const delimiter = Buffer.from(`${CR_LF}--${boundary}`);
  const parts: FormPart[] = [];
  let state: State = 'start';
  let fault = '';
  /** Bytes that are not understood yet, and where they lie in the body. */
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;
  let from = 0;
  let start = 0;
  let head: Head | undefined;

  function consume(length: number): void {
    rest = rest.subarray(length);
    at += length;
  }

  function fail(why: string): false {
    fault = why;
    state = 'broken';
    return false;
  }

  function isBroken(): boolean {
    return state === 'broken';
  }

  /** One step; false where more bytes are needed, or nothing more can be read. */
  function step(): boolean {
    switch (state) {
      case 'start':
        return begin();
      case 'delimiter':
        return afterDelimiter();
      case 'head':
        return readHead();
      case 'content':
        return readContent();
      case 'epilogue':
        return readEpilogue();
      case 'broken':
        return false;
    }
  }

  function begin(): boolean {
    if (rest.length < opening.length) return false;
    if (!rest.subarray(0, opening.length).equals(opening)) return fail('it does not begin with its boundary');
    from = at;
    consume(opening.length);
    state = 'delimiter';
    return true;
  }

  /** `--` ends the body, a line end begins the next part. */
  function afterDelimiter(): boolean {
    let skip = 0;
    while (skip < rest.length && (rest[skip] === 0x20 || rest[skip] === 0x09)) skip += 1;
    if (skip > PADDING_MAX) return fail('a boundary is followed by too many spaces');
    if (rest.length < skip + 2) return false;
    const mark = rest.toString('latin1', skip, skip + 2);
    if (mark === '--' && skip === 0) {
      consume(2);
      state = 'epilogue';
      return true;
    }
    if (mark !== CR_LF) return fail('a boundary is followed by neither a line end nor `--`');
    if (parts.length >= limits.partsMax) return fail(`it has more than ${limits.partsMax} parts`);
    consume(skip + 2);
    state = 'head';
    return true;
  }

  function readHead(): boolean {
    if (rest.length < CR_LF.length) return false;
    // A part without headers would have no name (RFC 7578, section 4.2); what follows its empty line is no header.
    const isBare = rest.toString('latin1', 0, CR_LF.length) === CR_LF;
    const end = isBare ? 0 : rest.indexOf(`${CR_LF}${CR_LF}`);
    const length = end === -1 ? rest.length : end;
    if (length > limits.headerMaxBytes)
      return fail(`the headers of a part are longer than ${limits.headerMaxBytes} bytes`);
    if (end === -1) return false;
    const read = headOf(rest.toString('utf8', 0, end));
    if (!read.ok) return fail(read.error);
    head = read.value;
    consume(end + 4);
    start = at;
    state = 'content';
    return true;
  }

  function readContent(): boolean {
    // A value may be empty: then the delimiter's line end is the one that ended the headers' empty line.
    const end = rest.indexOf(delimiter);
    const known = end === -1 ? Math.max(0, rest.length - delimiter.length + 1) : end;
    if (head?.filename === undefined && at + known - start > limits.fieldMaxBytes)
      return fail(`the field ${shown(head?.name)} is longer than ${limits.fieldMaxBytes} bytes`);
    if (head !== undefined && known > 0) sink?.(head, rest.subarray(0, known));
    if (end === -1) {
      consume(known);
      return false;
    }
    if (head !== undefined) parts.push({ ...head, from, start, end: at + end });
    from = at + end + CR_LF.length;
    consume(end + delimiter.length);
    state = 'delimiter';
    return true;
  }

  /** Nothing but line ends may follow: whatever else would stand there, no server reads it alike. */
  function readEpilogue(): boolean {
    if (rest.some((byte) => byte !== 0x0d && byte !== 0x0a)) return fail('something follows its last boundary');
    consume(rest.length);
    return false;
  }

  return {
    push(bytes) {
      if (isBroken()) return fault;
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      let isMoving = true;
      while (isMoving) isMoving = step();
      return isBroken() ? fault : undefined;
    },
    end() {
      if (isBroken()) return err(fault);
      return state === 'epilogue' ? ok(parts) : err('it ends before its last boundary');
    },
  };
}

function headOf(text: string): Result<Head, string> {
  const seen = new Map<string, string>();
  for (const line of text === '' ? [] : text.split(CR_LF)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return err('a part has a header line that is none');
    if (seen.has(name)) return err(`a part has the header ${name} twice`);
    seen.set(name, line.slice(colon + 1).trim());
  }
  const encoding = seen.get('content-transfer-encoding')?.toLowerCase();
  if (encoding !== undefined && !PLAIN_ENCODINGS.has(encoding))
    return err(`a part has the transfer encoding ${shown(encoding)}; send it as binary`);
  const disposition = dispositionOf(seen.get('content-disposition') ?? '');
  if (disposition === undefined) return err('a part has no `content-disposition: form-data` with a name');
  const type = seen.get('content-type');
  return ok(type === undefined ? disposition : { ...disposition, type });
}

/** `form-data; name="file"; filename="a.wav"`. `filename*` is not for forms (RFC 7578, section 4.2) and is left alone. */
function dispositionOf(text: string): Head | undefined {
  if (!/^form-data\s*;/i.test(text)) return undefined;
  const name = parameterOf(text, 'name');
  if (name === undefined || name === '') return undefined;
  const filename = parameterOf(text, 'filename');
  return filename === undefined ? { name } : { name, filename };
}

function parameterOf(text: string, name: string): string | undefined {
  const pattern = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i');
  const match = pattern.exec(text);
  const quoted = match?.[1];
  return quoted === undefined ? match?.[2] : quoted.replaceAll(/\\(["\\])/g, '$1');
}

function shown(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 64));
}
