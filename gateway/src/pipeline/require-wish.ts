/** `turnout.require` and `turnout.prefer` of a body: what the caller demands of every target, beside what its route requires. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact, isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseUsd } from '../money/usd.ts';
import type { Require } from '../routing/policy.ts';

/** More words than this are no wish but an attack. */
const WORDS_MAX = 32;
const WORD_LENGTH_MAX = 64;
const COUNT_MAX = 1_000_000_000;

/** Thrown inside this file only. */
class Wrong extends Error {
  readonly field: string;

  constructor(field: string, reason: string) {
    super(reason);
    this.field = field;
  }
}

type Reader = (value: Json, field: string) => unknown;

/** In the words of the file's `require` (docs/reference/config.md). */
const FIELDS: Readonly<Record<string, readonly [keyof Require, Reader]>> = {
  region: ['regions', (value, field) => words(typeof value === 'string' ? [value] : value, field)],
  compliance: ['compliance', words],
  retention_days_max: ['retentionDaysMax', count],
  training: ['training', (value, field) => (value === false ? false : wrong(field, 'it can only be false'))],
  quality: ['quality', quality],
  price: ['price', price],
  ttft_ms_p95: ['ttftMsP95', count],
  tags: ['tags', words],
  context_min: ['contextMin', count],
};

/** Undefined where the body says nothing of it. Faults name the field. */
export function readRequire(value: Json | undefined): Result<Require | undefined, Fault> {
  return reading(() => {
    if (value === undefined || value === null) return undefined;
    const record = asObject(value, 'turnout.require');
    const made: Record<string, unknown> = {};
    for (const [name, given] of Object.entries(record)) {
      const field = `turnout.require.${name.slice(0, WORD_LENGTH_MAX)}`;
      const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
      if (known === undefined) return wrong(field, `it is not known; there are ${Object.keys(FIELDS).join(', ')}`);
      if (given !== undefined && given !== null) made[known[0]] = known[1](given, field);
    }
    return made;
  });
}

/** Tags whose models come first. */
export function readPrefer(value: Json | undefined): Result<readonly string[] | undefined, Fault> {
  return reading(() => (value === undefined || value === null ? undefined : words(value, 'turnout.prefer')));
}

function reading<T>(read: () => T): Result<T, Fault> {
  try {
    return ok(read());
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return err(fault('field-invalid', { reason: error.message }, { param: error.field }));
  }
}

function wrong(field: string, reason: string): never {
  throw new Wrong(field, reason);
}

function asObject(value: Json, field: string): JsonRecord {
  return isRecord(value) ? value : wrong(field, 'it must be an object');
}

function words(value: Json, field: string): readonly string[] {
  if (!isArray(value) || value.length === 0 || value.length > WORDS_MAX)
    return wrong(field, `it must be a list of 1 to ${WORDS_MAX} names`);
  return value.map((word, index) =>
    typeof word === 'string' && /^[a-z0-9][a-z0-9._-]*$/.test(word) && word.length <= WORD_LENGTH_MAX
      ? word
      : wrong(`${field}[${index}]`, 'it must be a name of a-z, 0-9, `.`, `_` and `-`'),
  );
}

function count(value: Json, field: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX
    ? value
    : wrong(field, 'it must be a whole number, 0 or more');
}

function quality(value: Json, field: string): Require['quality'] {
  const { min, task } = asObject(value, field);
  if (typeof min !== 'number' || min < 0 || min > 1) return wrong(`${field}.min`, 'it must be a number from 0 to 1');
  if (task === undefined || task === null) return { min };
  return typeof task === 'string' && task.length <= WORD_LENGTH_MAX
    ? { min, task }
    : wrong(`${field}.task`, 'it must be a name');
}

/** USD per million tokens. */
function price(value: Json, field: string): Require['price'] {
  const { input_max: input, output_max: output } = asObject(value, field);
  return compact({ inputMax: usd(input, `${field}.input_max`), outputMax: usd(output, `${field}.output_max`) });
}

function usd(value: Json | undefined, field: string): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const amount = typeof value === 'string' || typeof value === 'number' ? parseUsd(String(value)) : undefined;
  return amount ?? wrong(field, 'it must be USD per million tokens, such as 2.5');
}
