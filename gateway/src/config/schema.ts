/** The configuration, once: TypeScript types, JSON Schema, reference page and the texts of errors all come from this schema. */
import { z } from 'zod';
import { billingSchema } from './billing-schema.ts';
import { ID, KIB, MIB, MODEL_NAME, named, table, text, whole } from './fields.ts';
import { healthSchema } from './health-schema.ts';
import { batchesSchema, logSchema, retentionSchema, sharedAddress, storeAddress } from './keeping-schema.ts';
import { outputSchema, responsesSchema } from './output-schema.ts';
import { peopleSchema } from './people-schema.ts';
import { providerSchema } from './provider-schema.ts';
import { LIMIT_FIELDS } from './rate-limits.ts';
import { intentsSchema, routeSchema, topicsSchema } from './route-schema.ts';
import { serverSchema } from './server-schema.ts';
import { timeoutsSchema } from './timeouts-schema.ts';
import { callersSchema, understandSchema } from './understand-schema.ts';

export const configSchema = z.strictObject({
  server: serverSchema.prefault({}).meta({ description: 'The listener and what it takes from clients.' }),
  data: text(4096)
    .default('./data')
    .meta({ description: 'Folder of the SQLite file and the journal, relative to this file. `--data` wins over it.' }),
  store: storeAddress.default('sqlite').meta({
    description:
      'Where keys, ledger and requests are kept: `sqlite`, in the data folder, or a PostgreSQL that several machines share (`postgres://…`, its password from the environment; `?sslmode=verify-full` for TLS). `TURNOUT_STORE` wins over it.',
  }),
  shared: sharedAddress.default('memory').meta({
    description:
      'Where processes count limits together, and tell each other what they change and learn: `memory` (each for itself) or a Valkey or Redis server (`redis://user:password@host:6379/0`). Read at the start.',
  }),
  providers: table(providerSchema, ID)
    .prefault({})
    .meta({ description: 'Who serves models, by an id of your choice. A catalog id needs no more than its key.' }),
  aliases: table(named(MODEL_NAME), MODEL_NAME)
    .prefault({})
    .meta({ description: 'Other names: each stands for a model (`openai/gpt-5-mini`), a route or another alias.' }),
  routes: table(routeSchema, ID)
    .prefault({})
    .meta({ description: 'Named policies over targets, which callers use in the place of a model.' }),
  callers: callersSchema.prefault({}).meta({ description: 'What is known of callers.' }),
  people: peopleSchema.prefault({}).meta({ description: 'Who may log in, and how. Keys work without any of it.' }),
  intents: intentsSchema.prefault({}).meta({
    description:
      'What users want, in your own words: a small classifier is trained on the examples when the file is read.',
  }),
  topics: topicsSchema
    .prefault({})
    .meta({ description: 'Lists of words; a topic is there where one of its words is.' }),
  understand: understandSchema.prefault({}).meta({ description: 'How requests are understood.' }),
  health: healthSchema.prefault({}).meta({ description: 'When a target is left alone.' }),
  timeouts: timeoutsSchema.prefault({}).meta({ description: 'How long a provider may take.' }),
  attempts: whole({ min: 1, max: 10 })
    .default(3)
    .meta({ description: 'Attempts for one request, repeats and fallbacks counted together.' }),
  limits: z
    .strictObject({
      response_max_bytes: whole({ min: KIB, max: KIB * MIB })
        .default(64 * MIB)
        .meta({ description: 'Largest reply of a provider, decoded. A larger one is refused with 502.' }),
      ...LIMIT_FIELDS,
    })
    .prefault({})
    .meta({ description: 'How much callers may ask in a time, and what is taken from providers.' }),
  price_unknown: z.enum(['refuse', 'allow']).default('refuse').meta({
    description:
      'What happens to a request for a model without a known price, where a budget would have to pay it: `refuse` answers 400, `allow` serves it and marks it unpriced. Without a budget it is always served.',
  }),
  output: outputSchema.prefault({}).meta({
    description: 'Answers in a form that a request asks for. A request may say otherwise in `turnout.output`.',
  }),
  responses: responsesSchema
    .prefault({})
    .meta({ description: 'Responses that can be fetched, and gone on from, by their id.' }),
  batches: batchesSchema
    .prefault({})
    .meta({ description: 'Files and batches (`/v1/files`, `/v1/batches`, `/v1/messages/batches`).' }),
  billing: billingSchema.prefault({}).meta({ description: 'How what is used is sold: plans, credits, payments.' }),
  log: logSchema
    .prefault({})
    .meta({ description: 'What is remembered of requests. What was spent is always recorded.' }),
  retention: retentionSchema.prefault({}).meta({ description: 'How long single requests and receipts are kept.' }),
});

type DeepReadonly<T> = T extends string | number | bigint | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/** A whole configuration: checked, defaults filled in, environment read, frozen. Holds secrets: never print it. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
export type ProviderConfig = Config['providers'][string];
export type ModelConfig = ProviderConfig['models'][string];
export type RouteConfig = Config['routes'][string];
export type Timeouts = Config['timeouts'];
export type OidcConfig = Config['people']['oidc'][number];

/** A name that a route may send to, or a search among the models there are, and its share under `weighted`. */
export type RouteTarget = NonNullable<RouteConfig['targets']>[number];

/** The targets of a route in groups: later ones are used after earlier ones. Each name once; unnamed targets come last. */
export function tiersOf(route: Pick<RouteConfig, 'targets' | 'tiers'>): readonly (readonly RouteTarget[])[] {
  const targets = route.targets ?? [];
  if (route.tiers === undefined) return [targets];
  const weights = new Map(targets.flatMap((one) => ('target' in one ? [[one.target, one.weight]] : [])));
  const inTiers = new Set(route.tiers.flat());
  const rest = targets.filter((one) => !('target' in one && inTiers.has(one.target)));
  const tiers = route.tiers.map((tier) => tier.map((target) => ({ target, weight: weights.get(target) ?? 1 })));
  return rest.length === 0 ? tiers : [...tiers, rest];
}

/** Time limits of one provider: its own where it has them, else the general ones. The total is the request's, not the provider's. */
export function timeoutsOf(config: Config, providerId: string): Timeouts {
  return { ...config.timeouts, ...config.providers[providerId]?.timeouts };
}
