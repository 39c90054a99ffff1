/** What several wires share in putting a made-up reply into their words. */
import { isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import type { Identity } from './dialect.ts';

/** A piece of a block, and the output tokens it carries. */
export interface Delta {
  readonly delta: JsonRecord;
  readonly tokens: number;
}

/** A text piece by piece, each in the form that `write` gives it. */
export function deltasOf(text: string, write: (piece: string) => JsonRecord): readonly Delta[] {
  return pieces(text).map((piece) => ({ delta: write(piece), tokens: tokensOf(piece) }));
}

/** A call's arguments, where the wire has them as an object. */
export function argumentsOf(call: { readonly arguments: string }): JsonRecord {
  const value = parseJson(call.arguments);
  return isRecord(value) ? value : {};
}

/** A signature of reasoning, in base64. */
export function signatureOf({ hex }: Identity): string {
  return Buffer.from(`simulator:${hex}`).toString('base64');
}
