/** `turnout.output` of a body: what the caller wishes of answers in a form. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { OutputPolicy } from '../routing/snapshot.ts';

/** What it leaves out is as the operator's file says. */
export interface OutputWish extends Partial<OutputPolicy> {
  /** A stream is kept back until it is known to be valid. */
  readonly hold?: boolean;
}

const WORDS = {
  validate: ['emulated', 'always', 'never'],
  invalid: ['repair', 'refuse'],
  hold: [true, false],
} as const satisfies Record<keyof OutputWish, readonly Json[]>;

/** Undefined where the body says nothing of it. Faults name the field. */
export function readOutputWish(value: Json | undefined): Result<OutputWish | undefined, Fault> {
  if (value === undefined || value === null) return ok(undefined);
  if (!isRecord(value)) return wrong('turnout.output', 'it must be an object');
  for (const [field, given] of Object.entries(value)) {
    const words: readonly (string | boolean)[] | undefined = Object.hasOwn(WORDS, field)
      ? WORDS[fieldOf(field)]
      : undefined;
    const param = `turnout.output.${field.slice(0, 64)}`;
    if (words === undefined) return wrong(param, `it is not known; there are ${Object.keys(WORDS).join(', ')}`);
    if (given !== undefined && !words.some((word) => word === given))
      return wrong(param, `it must be ${words.join(' or ')}`);
  }
  return ok(
    compact({
      validate: wordIn(value, 'validate'),
      invalid: wordIn(value, 'invalid'),
      hold: wordIn(value, 'hold'),
    }),
  );
}

function fieldOf(name: string): keyof OutputWish {
  return name === 'validate' || name === 'invalid' ? name : 'hold';
}

function wordIn<F extends keyof OutputWish>(value: JsonRecord, field: F): (typeof WORDS)[F][number] | undefined {
  return WORDS[field].find((word) => word === value[field]);
}

function wrong(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}
