/** Fields that several resources have, as schemas: what they take, and the words for it. Descriptions go on after "is required:". */
import { z } from 'zod';
import { parseUsd } from '../money/usd.ts';
import { isInWords, NOT_IN_WORDS } from '../people/names.ts';

const NAME_MAX = 200;
const LIST_MAX = 200;

export const id = z.string().describe('an id of ours');

export const name = z
  .string()
  .refine(isInWords, NOT_IN_WORDS)
  .transform((text) => text.trim());

/** US dollars as people write them, digit by digit: no float is kept. */
export const usd = z
  .union([z.string(), z.number()], { error: 'it must be US dollars, as in "12.50"' })
  .refine(
    (value) => parseUsd(String(value)) !== undefined,
    'it must be US dollars, 0 or more, with at most 9 decimals',
  );

export const usdText = z.string().describe('US dollars, digit by digit');

/** `null` where nothing is said. */
export function nanoOf(value: string | number | null | undefined): bigint | null | undefined {
  return value === null || value === undefined ? value : parseUsd(String(value));
}

export const names = z
  .array(z.string().min(1).max(NAME_MAX), { error: `it must be a list of at most ${LIST_MAX} names` })
  .max(LIST_MAX, `it must be a list of at most ${LIST_MAX} names`);

const TIME = 'it must be a time as in 2027-01-31T00:00:00Z';

/** ISO 8601. */
export const time = z
  .string({ error: TIME })
  .refine((text) => !Number.isNaN(Date.parse(text)), TIME)
  .meta({ format: 'date-time' });

export function msOf(value: string | null | undefined): number | null | undefined {
  return value === null || value === undefined ? value : Date.parse(value);
}

export function momentOf(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

/** What answers have: written by us, always in UTC. */
export const at = z.string().meta({ format: 'date-time' });

export const deleted = z
  .strictObject({ id, deleted: z.literal(true) })
  .meta({ id: 'Deleted', description: 'What was there and is not any more.' });

export const record = z.record(z.string(), z.unknown());
