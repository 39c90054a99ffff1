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

/** Characters of all texts of a request that are looked at: some 25 ms of work, and 200 for the worst that we could think of. What is longer is told as `unread`. */
export const SENSITIVE_CHARACTERS_MAX = 1024 * 1024;
/** A value may be split over two pieces that a provider puts together: so much of both sides of a seam is looked at again. */
const SEAM = 64;

/** The kinds, each once, in a fixed order. `isWhole` is false where the pieces are known not to be all of the text. */
export function sensitiveIn(pieces: readonly Piece[], isWhole = true): readonly Sensitive[] {
  const whole = pieces.map(({ text }) => text).join('\n');
  const found = new Set<Sensitive>();
  look(whole.slice(0, SENSITIVE_CHARACTERS_MAX), found);
  look(seamsOf(pieces).slice(0, SENSITIVE_CHARACTERS_MAX), found);
  if (!isWhole || whole.length > SENSITIVE_CHARACTERS_MAX) found.add('unread');
  return SENSITIVE.filter((kind) => found.has(kind));
}

/** Both sides of every place where one piece follows another of the same writer, as if they were one. */
function seamsOf(pieces: readonly Piece[]): string {
  const seams: string[] = [];
  let before: Piece | undefined;
  for (const piece of pieces) {
    if (before?.writer === piece.writer && piece.writer !== 'tools')
      seams.push(`${before.text.slice(-SEAM)}${piece.text.slice(0, SEAM)}`);
    before = piece;
  }
  return seams.join('\n');
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
