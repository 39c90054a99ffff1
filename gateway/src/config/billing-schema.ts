/** The part of the configuration that says how what is used is sold. */
import { z } from 'zod';
import { BASIS_POINTS_MAX, BASIS_POINTS_MIN, FIXED_NANO_USD_MAX, type PlanRule } from '../money/plan.ts';
import { secretText } from './accounts.ts';
import { text, usd, whole } from './fields.ts';

/** While a secret is being exchanged there are two. */
const SECRETS_MAX = 8;
const RULES_MAX = 1000;
/** Weeks are enough for a queue; more would let an old event be sent again. */
const TOLERANCE_S_MAX = 86_400;

const ruleSchema = z
  .strictObject({
    models: text(200).meta({
      description: 'A provider (`openai`), or a pattern of provider and model (`openai/gpt-5*`, `*/claude-*`, `*`).',
    }),
    basis_points: whole({ min: BASIS_POINTS_MIN, max: BASIS_POINTS_MAX }).default(0).meta({
      description: 'Hundredths of a per cent on top of the cost: 2500 is a quarter more, -1000 a tenth less.',
    }),
    fixed_usd: usd('Added once a request, whatever its tokens. At most 1000 USD.').exactOptional(),
  })
  .transform(({ models, basis_points: basisPoints, fixed_usd: fixedNanoUsd = 0n }, context): PlanRule => {
    if (fixedNanoUsd > FIXED_NANO_USD_MAX)
      context.addIssue({ code: 'custom', path: ['fixed_usd'], message: 'must be at most 1000 USD' });
    return { models, basisPoints, fixedNanoUsd };
  });

export const billingSchema = z.strictObject({
  plan: z.array(ruleSchema).max(RULES_MAX).default([]).meta({
    description:
      'Plan of organisations that have none of their own: rules in order, the first that fits a target holds. Without one, what is charged is the cost.',
  }),
  credits: z
    .strictObject({
      alerts: z
        .array(whole({ min: 0, max: 100 }))
        .max(20)
        .default([20, 5, 0])
        .meta({ description: 'Per cent of the newest top-up at which to tell that credits run low, once each.' }),
      expire_days: whole({ min: 1, max: 36_500 }).exactOptional().meta({
        description: 'Credits that are paid for through the webhook expire after so many days; without it: never.',
      }),
    })
    .prefault({})
    .meta({ description: 'Prepaid credits.' }),
  stripe: z
    .strictObject({
      webhook_secret: z
        .union([secretText, z.array(secretText).max(SECRETS_MAX)])
        .transform((given) => (typeof given === 'string' ? [given] : given))
        .default([])
        .meta({
          description:
            'Secret of the webhook `/webhooks/stripe` (`"${STRIPE_WEBHOOK_SECRET}"`), or a list while one takes the place of another. Without it every event is refused.',
        }),
      tolerance_s: whole({ min: 1, max: TOLERANCE_S_MAX })
        .default(300)
        .meta({ description: 'Events whose signature is older than so many seconds are refused.' }),
    })
    .prefault({})
    .meta({ description: 'Payments through Stripe.' }),
});
