/** How requests are understood, and what is known of who sends them. */
import { z } from 'zod';
import { MODEL_NAME, named, text, whole } from './fields.ts';
import { region } from './route-schema.ts';

export const understandSchema = z.strictObject({
  content: z.enum(['auto', 'always', 'never']).default('auto').meta({
    description:
      'Which requests have their text looked at for language, task, difficulty and sensitive data: those that a route or `auto` decides, all, or none.',
  }),
  classifier: z
    .strictObject({
      model: named(MODEL_NAME).meta({ description: 'A small model: `provider/model`.' }),
      deadline_ms: whole({ min: 10, max: 60_000 }).default(400).meta({
        description: 'How long it may take. Then the request goes on without it.',
      }),
    })
    .exactOptional()
    .meta({
      description:
        'A model that is asked for task, difficulty and intent. It costs time and money; by default there is none.',
    }),
});

export const callersSchema = z.strictObject({
  regions: z
    .array(
      z.strictObject({
        range: text(64).meta({ description: 'Addresses in CIDR form: `10.1.0.0/16`, `2001:db8::/32`.' }),
        region: region.meta({ description: 'Where they are.' }),
      }),
    )
    .max(10_000)
    .default([])
    .meta({
      description:
        'Where callers are, by their address. A key’s region wins over it; `x-turnout-region` counts only within it.',
    }),
});
