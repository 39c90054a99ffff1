/** Limits on how much may be asked in a time, as they are written: in the configuration, and in the settings of keys, users, teams and organisations. */
import { z } from 'zod';
import { err, ok, type Result } from '../lib/result.ts';
import { ID, MODEL_NAME, table, whole } from './fields.ts';

/** What is counted. `tokens`: input and output together. `concurrent`: requests under way at the same time. */
export const COUNTED = ['requests', 'input-tokens', 'output-tokens', 'tokens', 'concurrent'] as const;
export type Counted = (typeof COUNTED)[number];

/** One limit: at most `max` in any window of `windowMs`. */
export interface RateLimit {
  readonly of: Counted;
  /** 0 for `concurrent`. */
  readonly windowMs: number;
  readonly max: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Windows slide, so that a month has a length: thirty days. */
const MONTH_MS = 30 * DAY_MS;
/** Counts stay exact in a float. */
const COUNT_MAX = 1_000_000_000_000;
/** More than anybody reads. */
const MORE_MAX = 16;

interface ShortForm extends Omit<RateLimit, 'max'> {
  readonly text: string;
}

const SHORT: Readonly<Record<string, ShortForm>> = {
  rps: { of: 'requests', windowMs: SECOND_MS, text: 'Requests a second.' },
  rpm: { of: 'requests', windowMs: MINUTE_MS, text: 'Requests a minute.' },
  rph: { of: 'requests', windowMs: HOUR_MS, text: 'Requests an hour.' },
  rpd: { of: 'requests', windowMs: DAY_MS, text: 'Requests a day.' },
  tpm: { of: 'tokens', windowMs: MINUTE_MS, text: 'Tokens a minute, input and output together.' },
  tph: { of: 'tokens', windowMs: HOUR_MS, text: 'Tokens an hour, input and output together.' },
  tpd: { of: 'tokens', windowMs: DAY_MS, text: 'Tokens a day, input and output together.' },
  itpm: { of: 'input-tokens', windowMs: MINUTE_MS, text: 'Input tokens a minute.' },
  otpm: { of: 'output-tokens', windowMs: MINUTE_MS, text: 'Output tokens a minute.' },
  concurrent: { of: 'concurrent', windowMs: 0, text: 'Requests under way at the same time.' },
};

const SPANS = {
  second: SECOND_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  month: MONTH_MS,
} as const;

const count = whole({ min: 0, max: COUNT_MAX });

const moreSchema = z
  .array(
    z.strictObject({
      of: z.enum(COUNTED).exclude(['concurrent']).meta({ description: 'What is counted.' }),
      max: count.meta({ description: 'How much of it.' }),
      per: z
        .union([z.enum(['second', 'minute', 'hour', 'day', 'month']), whole({ min: 1, max: MONTH_MS / SECOND_MS })])
        .meta({ description: 'In which time; a number is seconds. A month is thirty days.' }),
    }),
  )
  .max(MORE_MAX);

/** Short forms, and a list for all other windows. Gives one limit a line. */
export const rateLimitsSchema = z
  .strictObject({
    rps: short('rps'),
    rpm: short('rpm'),
    rph: short('rph'),
    rpd: short('rpd'),
    tpm: short('tpm'),
    tph: short('tph'),
    tpd: short('tpd'),
    itpm: short('itpm'),
    otpm: short('otpm'),
    concurrent: short('concurrent'),
    more: moreSchema.exactOptional().meta({ description: 'Other limits: `{of: tokens, max: 1000000, per: month}`.' }),
  })
  .transform(toLimits);

function short(name: string) {
  return count.exactOptional().meta({ description: SHORT[name]?.text ?? '' });
}

type Written = { readonly more?: z.output<typeof moreSchema> } & { readonly [name: string]: unknown };

function toLimits({ more = [], ...shorts }: Written): readonly RateLimit[] {
  const limits: RateLimit[] = more.map(({ of, max, per }) => ({
    of,
    max,
    windowMs: typeof per === 'number' ? per * SECOND_MS : SPANS[per],
  }));
  for (const [name, max] of Object.entries(shorts)) {
    const form = SHORT[name];
    if (form !== undefined && typeof max === 'number') limits.push({ of: form.of, windowMs: form.windowMs, max });
  }
  return tightest(limits);
}

/** Of limits that count the same in the same time, the lower one. */
function tightest(limits: readonly RateLimit[]): readonly RateLimit[] {
  return limits.filter(
    (limit, index) =>
      !limits.some(
        (other, at) =>
          other.of === limit.of &&
          other.windowMs === limit.windowMs &&
          (other.max < limit.max || (other.max === limit.max && at < index)),
      ),
  );
}

/** `settings.limits` of a key, user, team or organisation, as stored: `{rpm: 60}`; or what is wrong with it, in a clause. Nothing is no limit. */
export function readLimits(json: unknown): Result<readonly RateLimit[], string> {
  if (json === undefined || json === null) return ok([]);
  const read = rateLimitsSchema.safeParse(json);
  if (read.success) return ok(read.data);
  const [issue] = read.error.issues;
  const path = issue === undefined || issue.path.length === 0 ? 'limits' : `limits.${issue.path.join('.')}`;
  return err(`${path}: ${issue?.message ?? 'not valid'}`);
}

const own = (whose: string) => rateLimitsSchema.exactOptional().meta({ description: whose });

/** What the file says of limits. */
export const LIMIT_FIELDS = {
  defaults: z
    .strictObject({
      org: own('Each organisation.'),
      team: own('Each team.'),
      user: own('Each user.'),
      key: own('Each key but root keys.'),
      end_user: own('Each end user of a key: the `user` of a request, or `x-turnout-user`.'),
    })
    .prefault({})
    .meta({ description: 'Limits of those that have none of their own.' }),
  routes: table(rateLimitsSchema, ID).prefault({}).meta({ description: 'Limits of routes, of all callers together.' }),
  models: table(rateLimitsSchema, MODEL_NAME).prefault({}).meta({
    description:
      'Limits of models (`openai/gpt-5`), of all callers together. A target at its limit is passed over for the next one.',
  }),
  providers: table(rateLimitsSchema, ID)
    .prefault({})
    .meta({ description: 'Limits of providers, of all callers together. As with models.' }),
  queue: z
    .strictObject({
      wait_ms: whole({ min: 1, max: 10 * MINUTE_MS })
        .default(10 * SECOND_MS)
        .meta({ description: 'How long a request may wait for its turn. Then 429.' }),
      size: whole({ min: 1, max: 100_000 })
        .default(1000)
        .meta({ description: 'Requests that may wait at the same time. The surplus gets 429 at once.' }),
    })
    .exactOptional()
    .meta({
      description:
        'Requests beyond a limit wait for their turn, fair among organisations and keys, instead of being refused at once.',
    }),
};
