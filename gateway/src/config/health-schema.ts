/** When a target is left alone, and for how long. */
import { z } from 'zod';
import { HOUR_MS, whole } from './fields.ts';

export const healthSchema = z.strictObject({
  error_rate: z.number().min(0.05).max(1).default(0.5).meta({
    description: 'Share of failures, lately, above which a target is left alone.',
  }),
  requests_min: whole({ min: 1, max: 10_000 }).default(10).meta({
    description: 'So many answers, lately, before a share is believed.',
  }),
  open_ms: whole({ min: 100, max: HOUR_MS }).default(2000).meta({
    description: 'How long a target is left alone at first; then one request finds out. It doubles each time.',
  }),
  open_max_ms: whole({ min: 100, max: HOUR_MS }).default(60_000).meta({ description: 'And at most.' }),
  eject_max: z.number().min(0).max(1).default(0.5).meta({
    description:
      'Largest share of a model’s targets that are set aside for doing far worse than the others; never all.',
  }),
  in_flight: z.enum(['auto', 'off']).default('auto').meta({
    description: 'Whether it is learned how many requests at the same time a target answers well.',
  }),
  retry_budget: z.number().min(0).max(10).default(0.2).meta({
    description: 'Attempts after the first, as a share of requests, while much fails.',
  }),
});
