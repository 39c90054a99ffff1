/** Which kinds of sensitive data a text holds. All of the text is looked at, up to a stated bound; beyond it the answer says so. */
import { address } from './address.ts';
import { card } from './card.ts';
import { email } from './email.ts';
import { health } from './health.ts';
import { iban } from './iban.ts';
import { ipAddress } from './ip-address.ts';
import { SENSITIVE } from '../../policy/vocabulary.ts';
import { nationalId } from './national-id.ts';
import { person } from './person.ts';
import { phone } from './phone.ts';
import { scan, type Detector } from './scan.ts';
import { KEY_HEADS, secret } from './secret.ts';
import type { Piece } from '../texts.ts';

export type Sensitive = (typeof SENSITIVE)[number];

export const DETECTORS: readonly (readonly [kind: Sensitive, detector: Detector])[] = [
  ['email', email],
  ['phone', phone],
  ['card', card],
  ['iban', iban],
  ['national-id', nationalId],
  ['health', health],
  ['secret', secret],
  ['ip-address', ipAddress],
  ['address', address],
  ['person', person],
];

/** Characters of all texts of a request that are looked at, once for each way to read them (as they are, seams, without escapes): each time some 25 ms of work, and 200 for the worst that we could think of. What is longer is told as `unread`. */
export const SENSITIVE_CHARACTERS_MAX = 1024 * 1024;
/** A value may be split over two pieces that a provider puts together: so much of both sides of a seam is looked at again. */
const SEAM = 64;

/** The kinds, each once, in a fixed order. `isWhole` is false where the pieces are known not to be all of the text. */
export function sensitiveIn(pieces: readonly Piece[], isWhole = true): readonly Sensitive[] {
  const found = new Set<Sensitive>();
  const texts = [pieces.map(({ text }) => text).join('\n'), seamsOf(pieces), chainsOf(pieces), ...unescaped(pieces)];
  for (const text of texts) {
    look(text.slice(0, SENSITIVE_CHARACTERS_MAX), found);
    if (text.length > SENSITIVE_CHARACTERS_MAX) found.add('unread');
  }
  if (!isWhole) found.add('unread');
  return SENSITIVE.filter((kind) => found.has(kind));
}

/** Both sides of every place where one piece follows another of the same writer, as if they were one. */
function seamsOf(pieces: readonly Piece[]): string {
  return runsOf(pieces)
    .flatMap((run) => run.slice(1).map((text, index) => `${run[index]?.slice(-SEAM)}${text.slice(0, SEAM)}`))
    .join('\n');
}

/** The same over many short pieces: three or more may hold one value. */
function chainsOf(pieces: readonly Piece[]): string {
  return runsOf(pieces)
    .filter(({ length }) => length > 2)
    .map((run) =>
      run.map((text) => (text.length <= 2 * SEAM ? text : `${text.slice(0, SEAM)}\n${text.slice(-SEAM)}`)).join(''),
    )
    .join('\n');
}

/** Texts that follow one another from one writer. What programs declare says nothing across its pieces. */
function runsOf(pieces: readonly Piece[]): readonly (readonly string[])[] {
  const runs: { readonly writer: string; readonly texts: string[] }[] = [];
  for (const { writer, text } of pieces) {
    if (writer === 'tools') continue;
    const last = runs.at(-1);
    if (last?.writer === writer) last.texts.push(text);
    else runs.push({ writer, texts: [text] });
  }
  return runs.map(({ texts }) => texts);
}

/** Escapes of JSON strings (RFC 8259, section 7). */
const ESCAPE = /\\(?:u([\dA-Fa-f]{4})|(["/\\bfnrt]))/g;
const CONTROL: Readonly<Record<string, string>> = { b: ' ', f: ' ', n: '\n', r: '\n', t: '\t' };
const SPACE = /\s/g;
/** JSON may stand in a string of JSON, and that in another. */
const ESCAPED_MAX = 3;

/**
 * What stands around escapes, without them: `\\n4111…` is no word, and `\\u0040` is an at sign. Nothing is parsed, so that pieces of JSON are read too; and what
 * holds no escape was looked at as it is.
 */
function unescaped(pieces: readonly Piece[]): readonly string[] {
  const levels: string[] = [];
  let texts = pieces.map(({ text }) => text);
  while (levels.length < ESCAPED_MAX) {
    texts = texts.flatMap(surroundings).map(withoutEscapes);
    if (texts.length === 0) break;
    levels.push(texts.join('\n'));
  }
  return levels;
}

/** A value has so much before and behind an escape, and goes on behind it up to the next white space. */
const BEFORE_ESCAPE = 96;
const AFTER_ESCAPE = 160;
/** The longest of all values, a token in three parts (JWT), and some. */
const VALUE_MAX = 16 * 1024;

/** The pieces of a text around its escapes; those that touch are one. */
function surroundings(text: string): readonly string[] {
  const pieces: string[] = [];
  let start = -1;
  let end = -1;
  for (const { index } of escapesOf(text)) {
    if (start === -1 || index - BEFORE_ESCAPE > end) {
      if (start !== -1) pieces.push(text.slice(start, endOfValue(text, end)));
      start = Math.max(0, index - BEFORE_ESCAPE);
    }
    end = index + AFTER_ESCAPE;
  }
  if (start !== -1) pieces.push(text.slice(start, endOfValue(text, end)));
  return pieces;
}

/** No pattern is asked of a text without a backslash. */
function escapesOf(text: string): Iterable<{ readonly index: number }> {
  return text.includes('\\') ? text.matchAll(ESCAPE) : [];
}

function endOfValue(text: string, from: number): number {
  SPACE.lastIndex = from;
  const space = SPACE.exec(text)?.index ?? text.length;
  return Math.min(space, from + VALUE_MAX);
}

function withoutEscapes(text: string): string {
  return text.replaceAll(ESCAPE, (_, code: string | undefined, sign: string | undefined) =>
    code === undefined ? (CONTROL[sign ?? ''] ?? sign ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function look(text: string, found: Set<Sensitive>): void {
  if (text === '') return;
  const scanned = scan(text, KEY_HEADS);
  for (const [kind, detector] of DETECTORS) if (!found.has(kind) && isThere(detector(scanned))) found.add(kind);
}

function isThere(spans: Iterable<unknown>): boolean {
  for (const _ of spans) return true;
  return false;
}
