/** A price as it is written, in USD per million tokens and per unit, and as it is counted with. */
import { z } from 'zod';
import { compact } from '../lib/json.ts';
import type { Price } from '../money/price.ts';
import { usd, whole } from './fields.ts';
import { TOKENS_MAX } from './route-schema.ts';

const RATES = {
  input: usd('Input tokens.').exactOptional(),
  output: usd('Output tokens.').exactOptional(),
  cache_read: usd('Input tokens read from the prompt cache. Without it: `input`.').exactOptional(),
  cache_write: usd('Input tokens written to the prompt cache. Without it: `input`.').exactOptional(),
  cache_write_1h: usd('Input tokens cached for an hour. Without it: `cache_write`.').exactOptional(),
  reasoning: usd('Reasoning tokens. Without it: `output`.').exactOptional(),
  input_audio: usd('Input tokens of sound. Without it: `input`.').exactOptional(),
  output_audio: usd('Output tokens of sound. Without it: `output`.').exactOptional(),
};

const UNIT_RATES = {
  image: usd('USD for each picture made.').exactOptional(),
  second: usd('USD for each second of sound taken in.').exactOptional(),
  character: usd('USD for each character spoken.').exactOptional(),
  search: usd('USD for each search of a reranker: a query with up to a hundred documents.').exactOptional(),
};

export const priceSchema = z
  .strictObject({
    ...RATES,
    ...UNIT_RATES,
    request: usd('USD for each request, whatever its tokens.').exactOptional(),
    tiers: z
      .array(
        z.strictObject({
          above_context_tokens: whole({ min: 1, max: TOKENS_MAX }).meta({
            description: 'The tier holds for the whole request once its input has more tokens than this.',
          }),
          ...RATES,
        }),
      )
      .max(16)
      .superRefine((tiers, context) => {
        const seen = new Set<number>();
        for (const [index, tier] of tiers.entries()) {
          const above = tier.above_context_tokens;
          const path = [index, 'above_context_tokens'];
          if (seen.has(above)) context.addIssue({ code: 'custom', path, message: 'is the same as in an earlier tier' });
          seen.add(above);
        }
      })
      .exactOptional()
      .meta({ description: 'Other prices for long inputs.' }),
  })
  .transform(toPrice);

type PriceFields = { readonly [Name in keyof typeof RATES]?: bigint } & {
  readonly [Name in keyof typeof UNIT_RATES]?: bigint;
} & {
  readonly request?: bigint;
  readonly tiers?: readonly ({ readonly above_context_tokens: number } & {
    readonly [Name in keyof typeof RATES]?: bigint;
  })[];
};

function toPrice(fields: PriceFields): Price {
  const tiers = fields.tiers?.map((tier) => ({ ...toRates(tier), aboveContextTokens: tier.above_context_tokens }));
  return {
    ...toRates(fields),
    ...toUnits(fields),
    ...(fields.request === undefined ? {} : { request: fields.request }),
    ...(tiers === undefined ? {} : { tiers: tiers.toSorted((a, b) => a.aboveContextTokens - b.aboveContextTokens) }),
  };
}

function toUnits({ image, second, character, search }: PriceFields): Pick<Price, 'units'> {
  const units = compact({ image, second, character, search });
  return Object.keys(units).length === 0 ? {} : { units };
}

function toRates(fields: PriceFields): Price {
  return compact({
    input: fields.input,
    output: fields.output,
    cacheRead: fields.cache_read,
    cacheWrite: fields.cache_write,
    cacheWrite1h: fields.cache_write_1h,
    reasoning: fields.reasoning,
    inputAudio: fields.input_audio,
    outputAudio: fields.output_audio,
  });
}
