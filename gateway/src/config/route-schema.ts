/** A route as it is written: targets, requirements, strategy, rules, and what is done when an attempt fails. */
import { z } from 'zod';
import { ID, MODEL_NAME, named, table, text, usd, whole } from './fields.ts';

/** More targets than one plan can be expected to look at within its 2 ms. */
const TARGETS_MAX = 64;
const TIERS_MAX = 16;
const TAGS_MAX = 64;
const RULES_MAX = 64;
const CASES_MAX = 500;
/** A model with a billion tokens of context is a typing error. */
export const TOKENS_MAX = 1_000_000_000;
export const WEIGHT_MAX = 1000;
/** A rule that is longer is not one that a person reads. */
const EXPRESSION_LENGTH_MAX = 4096;
const PROMPT_LENGTH_MAX = 100_000;
const DAYS_MAX = 36_500;
const MINUTE_MS = 60_000;

export const ABILITIES = [
  'tools',
  'image',
  'document',
  'audio',
  'video',
  'reasoning',
  'json-schema',
  'image-out',
  'audio-out',
] as const;

/** What ended an attempt, so far as the next target of a route may be tried after it. */
export const FALLBACK_REASONS = ['error', 'rate-limit', 'timeout', 'slow', 'content-filter', 'context-length'] as const;

export const STRATEGIES = [
  'ordered',
  'cost',
  'latency',
  'throughput',
  'quality',
  'balanced',
  'weighted',
  'round-robin',
  'least-busy',
] as const;

export const wordList = z.array(named(ID)).max(TAGS_MAX);
const score = z.number().min(0).max(1);

/** `eu`, `eu-central-1`: where something is. */
export const region = named(ID);

/** One name, or several. */
function oneOrMore<Item extends z.ZodType<string, string>>(item: Item) {
  return z
    .union([item, z.array(item).min(1).max(TAGS_MAX)])
    .transform((given): readonly string[] => (typeof given === 'string' ? [given] : given));
}

/** `5%`, or a number from 0 to 1. */
function share(description: string) {
  return z
    .union([score, z.string().regex(/^\d{1,3}(\.\d{1,3})?%$/, 'must be a share such as 5%')])
    .transform((given, context) => {
      const value = typeof given === 'number' ? given : Number(given.slice(0, -1)) / 100;
      if (value <= 1) return value;
      context.addIssue({ code: 'custom', message: 'must be at most 100%' });
      return z.NEVER;
    })
    .meta({ description });
}

const priceLimits = z.strictObject({
  input_max: usd('Most that a million input tokens may cost, in USD.').exactOptional(),
  output_max: usd('Most that a million output tokens may cost, in USD.').exactOptional(),
});

const qualityFloor = z.strictObject({
  min: score.meta({ description: 'Least score, 0 to 1. A model of which no score is known does not meet it.' }),
  task: named(ID)
    .exactOptional()
    .meta({ description: 'At which task; without it, the one that the request is about.' }),
});

const requireSchema = z.strictObject({
  region: oneOrMore(region).exactOptional().meta({
    description:
      'Where a target must compute: a region (`eu-central-1`), a zone (`eu`, `de`), several of which one is enough, or `caller` for the caller’s own.',
  }),
  compliance: wordList.exactOptional().meta({ description: 'Certificates that a target must have, all of them.' }),
  retention_days_max: whole({ min: 0, max: DAYS_MAX }).exactOptional().meta({
    description: 'For how many days a provider may keep what it is sent; 0: not at all.',
  }),
  training: z.literal(false).exactOptional().meta({ description: '`false`: no provider that trains on requests.' }),
  quality: qualityFloor.exactOptional().meta({ description: 'The floor above which the strategy chooses.' }),
  price: priceLimits.exactOptional().meta({ description: 'Ceilings on list prices.' }),
  ttft_ms_p95: whole({ min: 1, max: 10 * MINUTE_MS })
    .exactOptional()
    .meta({
      description: 'Time to first token that a target keeps in 95 of 100 answers, as measured here.',
    }),
  tags: wordList.exactOptional().meta({ description: 'Words of yours that a model must bear, all of them.' }),
  abilities: z.array(z.enum(ABILITIES)).max(ABILITIES.length).exactOptional().meta({
    description: 'What a model must be known to be able to do, whatever a request needs.',
  }),
  context_min: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({
    description: 'Least size of a model’s context, in tokens.',
  }),
});

const selectSchema = z.strictObject({
  tags: wordList.exactOptional().meta({ description: 'Words of yours that the model bears, all of them.' }),
  abilities: z.array(z.enum(ABILITIES)).max(ABILITIES.length).exactOptional().meta({
    description: 'What the model is known to be able to do.',
  }),
  providers: z.array(named(ID)).min(1).max(TARGETS_MAX).exactOptional().meta({
    description: 'Providers to choose among; without it, all that are configured.',
  }),
  models: text(200)
    .exactOptional()
    .meta({ description: 'Pattern of the model’s name; `*` stands for any characters.' }),
  region: oneOrMore(region).exactOptional().meta({ description: 'Regions or zones, one of which is enough.' }),
  quality: qualityFloor.exactOptional().meta({ description: 'Least score.' }),
  price: priceLimits.exactOptional().meta({ description: 'Ceilings on list prices.' }),
  context_min: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Least size of the context.' }),
  most: whole({ min: 1, max: TARGETS_MAX }).default(5).meta({
    description: 'Most models to take: the best where `quality` is given, else the cheapest.',
  }),
});

const targetSchema = z.union([
  named(MODEL_NAME).transform((target) => ({ target, weight: 1 })),
  z.strictObject({
    target: named(MODEL_NAME).meta({ description: '`provider/model`, a model, an alias or another route.' }),
    weight: whole({ min: 0, max: WEIGHT_MAX })
      .default(1)
      .meta({ description: 'Share of the requests under `weighted` and `least-busy`.' }),
  }),
  z.strictObject({
    select: selectSchema.meta({ description: 'Models of the configured providers that meet all of this.' }),
    weight: whole({ min: 0, max: WEIGHT_MAX }).default(1).meta({ description: 'Weight of each of them.' }),
  }),
]);

const targets = z.array(targetSchema).min(1).max(TARGETS_MAX);
const tiers = z
  .array(z.array(named(MODEL_NAME)).min(1).max(TARGETS_MAX))
  .min(1)
  .max(TIERS_MAX);

const weighSchema = z
  .strictObject({
    quality: z.number().min(0).max(100).default(0).meta({ description: 'Weight of the score at the task.' }),
    cost: z.number().min(0).max(100).default(0).meta({ description: 'Weight of the price of the request.' }),
    latency: z.number().min(0).max(100).default(0).meta({ description: 'Weight of the wait.' }),
  })
  .refine(({ quality, cost, latency }) => quality + cost + latency > 0, 'needs a weight above 0');

const POLICY = {
  strategy: z.enum(STRATEGIES),
  weigh: weighSchema.exactOptional().meta({
    description: 'What `balanced` weighs. Without it: quality 0.5, cost 0.3, latency 0.2.',
  }),
  prefer: wordList.exactOptional().meta({
    description: 'Models with one of these tags come first; the strategy orders within.',
  }),
};

const ruleSchema = z
  .strictObject({
    name: text(100).exactOptional().meta({ description: 'What explanations call it; without it, its number.' }),
    when: z.string().min(1).max(EXPRESSION_LENGTH_MAX).meta({
      description: 'A CEL expression over `facts`, such as `facts.task == "code" && facts.difficulty > 0.6`.',
    }),
    use: z
      .strictObject({
        strategy: POLICY.strategy.exactOptional().meta({ description: 'Another strategy.' }),
        weigh: POLICY.weigh,
        prefer: POLICY.prefer,
        targets: targets.exactOptional().meta({ description: 'Other targets than the route’s.' }),
        tiers: tiers.exactOptional().meta({ description: 'Other targets, in groups.' }),
      })
      .exactOptional()
      .meta({ description: 'What takes the place of the route’s own words.' }),
    require: requireSchema.exactOptional().meta({ description: 'What is required beside what the route requires.' }),
    refuse: text(500).exactOptional().meta({ description: 'Such requests are refused with 403 and this text.' }),
  })
  .refine(
    ({ use, require, refuse }) => use !== undefined || require !== undefined || refuse !== undefined,
    'says nothing: give it `use`, `require` or `refuse`',
  );

const givenSchema = z.strictObject({
  prompt: z.string().max(PROMPT_LENGTH_MAX).exactOptional().meta({ description: 'The user’s text.' }),
  system: z.string().max(PROMPT_LENGTH_MAX).exactOptional().meta({ description: 'The system’s text.' }),
  body: z.record(z.string(), z.json()).exactOptional().meta({
    description: 'A whole body of `/v1/chat/completions`, instead of `prompt`; its model is the route.',
  }),
  region: region.exactOptional().meta({ description: 'Where the caller is.' }),
  tags: wordList.exactOptional().meta({ description: 'Tags of the request.' }),
  down: z.array(named(MODEL_NAME)).max(TARGETS_MAX).exactOptional().meta({
    description: 'Targets that fail: what would take their place?',
  }),
});

const caseSchema = z.strictObject({
  name: text(200).exactOptional().meta({ description: 'What the case shows.' }),
  given: givenSchema.meta({ description: 'A request.' }),
  expect: z
    .strictObject({
      target: named(MODEL_NAME).exactOptional().meta({ description: 'The first target: `provider/model`.' }),
      provider: named(ID).exactOptional().meta({ description: 'The first target’s provider.' }),
      not: z.array(named(MODEL_NAME)).max(TARGETS_MAX).exactOptional().meta({
        description: 'Targets that must not stand in the plan at all.',
      }),
      rule: text(100).exactOptional().meta({ description: 'The rule that holds.' }),
      refused: z.boolean().exactOptional().meta({ description: 'No target is left, or a rule refuses it.' }),
    })
    .meta({ description: 'What `turnout check` holds the plan to.' }),
});

export const routeSchema = z
  .strictObject({
    description: text(500).exactOptional().meta({ description: 'What the route is for.' }),
    targets: targets.exactOptional().meta({
      description: 'Where requests may go. May be left out where `tiers` names them.',
    }),
    require: requireSchema.exactOptional().meta({
      description:
        'What every target must be, fallbacks and hedges too. What is not known of a target it does not meet.',
    }),
    strategy: POLICY.strategy.default('ordered').meta({
      description:
        'What orders the targets of a tier: as listed (`ordered`), by the price of this very request (`cost`), by the wait (`latency`), by tokens a second (`throughput`), by the score at the request’s task (`quality`), by all of them (`balanced`); or what spreads the load: `weighted`, `round-robin`, `least-busy`.',
      'x-later': ['learned'],
    }),
    weigh: POLICY.weigh,
    prefer: POLICY.prefer,
    rules: z
      .array(ruleSchema)
      .max(RULES_MAX)
      .exactOptional()
      .meta({ description: 'The first whose `when` holds decides.' }),
    tiers: tiers.exactOptional().meta({
      description: 'Groups of targets; a later one is used when the earlier ones fail. Unnamed targets come last.',
    }),
    fallback: z
      .strictObject({
        on: z
          .array(z.enum(FALLBACK_REASONS))
          .default([...FALLBACK_REASONS])
          .meta({ description: 'What may be answered by trying the next target. An empty list: nothing.' }),
        attempts: whole({ min: 1, max: 10 })
          .exactOptional()
          .meta({ description: 'Attempts over all targets, instead of the general `attempts`.' }),
        price_factor_max: z.number().min(1).max(1000).exactOptional().meta({
          description:
            'No target that would cost more than this many times the first choice. Without it: no such guard.',
        }),
        first_token_ms: whole({ min: 10, max: 10 * MINUTE_MS })
          .exactOptional()
          .meta({
            description: 'An answer that has not begun by then is given up while another target is left.',
          }),
      })
      .prefault({})
      .meta({ description: 'When the next target is tried.' }),
    hedge: z
      .strictObject({
        after: z
          .union([z.literal('p95'), whole({ min: 10, max: 10 * MINUTE_MS })])
          .default('p95')
          .meta({ description: 'Milliseconds without content, or the first target’s own 95th percentile.' }),
        budget: share('Largest share of the route’s requests, and of its spend, that hedges may take.').default(0.05),
      })
      .exactOptional()
      .meta({
        description: 'A second attempt beside a slow first one; what answers first is taken, the other cancelled.',
      }),
    sticky: z.enum(['conversation', 'none']).default('none').meta({
      description: 'Whether a conversation is kept where its prompt cache is, as long as that pays.',
    }),
    continue: z.boolean().default(false).meta({
      description: 'Whether a stream of text that breaks is gone on with elsewhere from the text so far.',
    }),
    explore: share(
      'Share of the requests whose first target is drawn by lot, so that it is learned how the others do.',
    ).exactOptional(),
    expect: z.array(caseSchema).max(CASES_MAX).exactOptional().meta({
      description: 'Requests, and where they must go: `turnout check` makes their plans and compares.',
    }),
  })
  .superRefine((route, context) => {
    if (route.targets !== undefined || route.tiers !== undefined) return;
    context.addIssue({ code: 'custom', message: 'needs `targets` or `tiers`: there is nowhere to send its requests' });
  })
  .meta({ 'x-later': ['prompts', 'experiment'] });

const EXAMPLES_MAX = 1000;

/** Intents of the operator's own, by name. */
export const intentsSchema = table(
  z.strictObject({
    description: text(500).exactOptional().meta({ description: 'What it is, for people.' }),
    examples: z.array(z.string().min(1).max(8192)).min(2).max(EXAMPLES_MAX).meta({
      description: 'Prompts that have this intent; 10 to 20 of them do.',
    }),
  }),
  ID,
);

/** Lists of words, by topic. */
export const topicsSchema = table(z.array(z.string().min(1).max(200)).min(1).max(EXAMPLES_MAX), ID);
