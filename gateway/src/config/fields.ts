/** What the schema is built of: kinds of fields that occur in several places. Texts follow the path: "`x.y` must be …". */
import { z } from 'zod';
import type { NanoUsd } from '../money/price.ts';
import { parseUsd } from '../money/usd.ts';

/** A rule for the keys of a table (provider ids, route names, model names). */
export interface NameRule {
  readonly pattern: RegExp;
  /** What a name must be, after "must be". */
  readonly text: string;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const SECOND_MS = 1000;
export const HOUR_MS = 3_600_000;

/** Longest URL that is taken; longer ones are cut by proxies on the way anyway. */
export const URL_LENGTH_MAX = 2048;

/** Longest name anywhere: it stands in headers, metrics labels and log lines. */
export const NAME_LENGTH_MAX = 200;

/** Ids that stand in URLs, headers and labels. */
export const ID: NameRule = {
  pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/,
  text: 'made of a-z, 0-9, `.`, `_` and `-`, begin with a letter or digit, and have at most 64 characters',
};

/** Names of models and aliases: whatever providers call theirs, but safe in a header. */
export const MODEL_NAME: NameRule = {
  pattern: /^[\x21-\x7e]{1,200}$/,
  text: `of printable ASCII characters without spaces, at most ${NAME_LENGTH_MAX} of them`,
};

/** RFC 9110, section 5.6.2. */
export const HEADER_NAME: NameRule = {
  pattern: /^[\w!#$%&'*+.^`|~-]{1,100}$/,
  text: 'a header name (RFC 9110: letters, digits and `-`)',
};

/** Keys that would reach an object's prototype. No field has such a name. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Dearer than anything that is sold (the dearest model of 2026 takes 600), cheap enough that no sum overflows a store. */
const USD_MAX = 100_000;
const NANO_USD_MAX = BigInt(USD_MAX) * 1_000_000_000n;
/** Marks a field that is read from its own source text, never through a float. */
export const DECIMAL_FORMAT = 'decimal';
export const DECIMAL_SCHEMA = {
  type: ['number', 'string'],
  format: DECIMAL_FORMAT,
  minimum: 0,
  maximum: USD_MAX,
  pattern: '^[0-9]{1,6}(\\.[0-9]{1,9})?$',
} as const;

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number between two bounds. */
export function whole({ min, max }: Bounds): z.ZodInt {
  return z.int().min(min).max(max);
}

/** How long something may take, in milliseconds. */
export const durationMs = whole({ min: 1, max: HOUR_MS });

/** A text of visible characters: no line break or control character can reach a header, a log or a terminal through it. */
export function text(lengthMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[^\p{Cc}]*$/u, 'must not hold line breaks or control characters');
}

/** A text of the form of a rule (an id, a model name). */
export function named(rule: NameRule): z.ZodString {
  return z.string().regex(rule.pattern, `must be ${rule.text}`);
}

/**
 * Dollars, exactly as written: gets the digits as text and gives nano-dollars. The loader hands over the source text of the
 * scalar, so `0.1` and `"0.1"` are the same amount and no float is ever made.
 */
export function usd(description: string): z.ZodType<NanoUsd, string> {
  return z
    .string()
    .transform((digits, context) => {
      const amount = parseUsd(digits);
      if (amount !== undefined && amount <= NANO_USD_MAX) return amount;
      context.addIssue({ code: 'custom', message: whyNotUsd(digits) });
      return z.NEVER;
    })
    .meta({ description, format: DECIMAL_FORMAT });
}

/** Why a text is not an amount that can be taken. */
function whyNotUsd(digits: string): string {
  const plain = 'must be a plain decimal such as 0.15';
  if (/^[-−]/.test(digits)) return 'must not be negative';
  if (/^[\d.]+e[-+]?\d+$/i.test(digits)) return `${plain}, without an exponent`;
  if (/^\d*\.\d{10,}$/.test(digits)) return 'must have at most 9 decimals: nothing is rounded';
  if (/^\d{6,}(\.\d*)?$/.test(digits)) return `must be at most ${USD_MAX} USD`;
  return plain;
}

/** Values under names that the operator chooses. Gives an object without prototype: no name finds `constructor`. */
export function table<Value extends z.ZodType>(value: Value, rule: NameRule) {
  return z
    .record(z.string(), value)
    .superRefine((given, context) => {
      for (const name of Object.keys(given)) {
        if (rule.pattern.test(name)) continue;
        context.addIssue({ code: 'custom', path: [name], message: `must be ${rule.text}`, params: { at: 'key' } });
      }
    })
    .meta({ propertyNames: { type: 'string', pattern: rule.pattern.source, description: rule.text } })
    .transform((given): Readonly<Record<string, z.output<Value>>> => Object.assign(Object.create(null), given));
}
