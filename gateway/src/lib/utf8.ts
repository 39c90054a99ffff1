/** Finding one's way in UTF-8 bytes, for texts that tell people where something is wrong. */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;

/** The bytes without a UTF-8 byte-order mark (EF BB BF), which JSON forbids and Windows editors write (RFC 8259, 8.1). */
export function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** Line and column (both from 1, columns in characters) of a byte offset, as editors count them. */
export function lineAndColumn(bytes: Buffer, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  // Byte by byte: a search for each of 30 million empty lines would take a second.
  for (let at = 0; at < offset; at += 1) {
    if (bytes[at] !== NEWLINE) continue;
    line += 1;
    lineStart = at + 1;
  }
  return { line, column: bytes.toString('utf8', lineStart, offset).length + 1 };
}

/** The character at an offset, as shown to people: control characters and marks by their code. */
export function characterAt(bytes: Buffer, offset: number): string | undefined {
  if (offset >= bytes.length) return undefined;
  const character = bytes.toString('utf8', offset, offset + characterLength(bytes[offset] ?? 0));
  const code = character.codePointAt(0) ?? 0;
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character)
    ? character
    : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Length of the longest valid prefix. Only ever needed for an error text, so plain: halve until the bad byte is found. */
export function validUtf8Length(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 4) {
    let middle = valid + Math.floor((invalid - valid) / 2);
    // Step back to where a character begins, so that a cut character is not mistaken for a bad one.
    for (let step = 0; step < 3 && ((bytes[middle] ?? 0) & 0xc0) === 0x80; step += 1) middle -= 1;
    if (middle <= valid) break;
    if (isUtf8(bytes.subarray(valid, middle))) valid = middle;
    else invalid = middle;
  }
  while (valid < invalid && startsWithCharacter(bytes, valid)) valid += characterLength(bytes[valid] ?? 0);
  return Math.min(valid, bytes.length);
}

function startsWithCharacter(bytes: Buffer, at: number): boolean {
  const end = at + characterLength(bytes[at] ?? 0);
  return end <= bytes.length && isUtf8(bytes.subarray(at, end));
}

function characterLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
