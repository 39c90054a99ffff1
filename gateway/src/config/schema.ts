/** The configuration, once: TypeScript types, JSON Schema, reference page and the texts of errors all come from this schema. */
import { z } from 'zod';
import type { Origin } from '../chat/part.ts';
import { compact } from '../lib/json.ts';
import type { Price } from '../money/price.ts';
import { accountFields, accountIssues } from './accounts.ts';
import { billingSchema } from './billing-schema.ts';
import { HEADER_NAME, ID, MODEL_NAME, named, table, text, usd, whole } from './fields.ts';
import { peopleSchema } from './people-schema.ts';
import { LIMIT_FIELDS } from './rate-limits.ts';
import {
  ABILITIES,
  intentsSchema,
  region,
  routeSchema,
  TOKENS_MAX,
  topicsSchema,
  WEIGHT_MAX,
  wordList,
} from './route-schema.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** Longest URL that is taken; longer ones are cut by proxies on the way anyway. */
const URL_LENGTH_MAX = 2048;
/** A service account as JSON, the longest credential in use, has about 2,400 characters. */
const SECRET_LENGTH_MAX = 16 * KIB;
const KEYS_MAX = 64;
const PATH_LENGTH_MAX = 4096;

/** Headers that belong to the connection, not to the request (RFC 9110, section 7.6.1), or that the client computes itself. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const DIALECTS = [
  'openai-chat',
  'openai-responses',
  'openai-completions',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'bedrock-invoke',
  'cohere',
  'ollama',
  'replicate',
] as const satisfies readonly Origin[];

/** More processes would share one machine's memory and disk to nobody's gain. */
export const WORKERS_MAX = 256;

const durationMs = whole({ min: 1, max: HOUR_MS });

const serverSchema = z.strictObject({
  host: text(255).default('127.0.0.1').meta({
    description: 'Address to listen on. `0.0.0.0` or `::` opens the gateway to other machines.',
  }),
  port: whole({ min: 0, max: 65_535 })
    .default(8787)
    .meta({ description: 'Port to listen on; 0 takes a free one. `--port` and `TURNOUT_PORT` win over it.' }),
  trusted_proxies: z.array(text(64)).max(1000).default([]).meta({
    description:
      'Addresses of proxies in front, in CIDR form (`10.0.0.0/8`). Of what they send, the caller is the last address in `x-forwarded-for` that is none of them: for keys with `addresses`, for logins, and for regions of callers. From anyone else that header counts for nothing.',
  }),
  body_max_bytes: whole({ min: KIB, max: KIB * MIB })
    .default(32 * MIB)
    .meta({ description: 'Largest request body. A larger one is refused with 413 before it has been read.' }),
  header_max_bytes: whole({ min: KIB, max: 256 * KIB })
    .default(16 * KIB)
    .meta({ description: 'Largest request head. A larger one is refused with 431.' }),
  header_timeout_ms: durationMs
    .default(10 * SECOND_MS)
    .meta({ description: 'How long a client may take to send the request head.' }),
  body_timeout_ms: durationMs
    .default(60 * SECOND_MS)
    .meta({ description: 'How long a client may take to send the whole body; then 408.' }),
  write_idle_ms: durationMs
    .default(60 * SECOND_MS)
    .meta({ description: 'How long a client may read nothing of its reply before the connection is closed.' }),
  keep_alive_ms: durationMs.default(65 * SECOND_MS).meta({
    description: 'How long an idle connection stays open. Keep it above the idle time of a balancer in front.',
  }),
  requests_max: whole({ min: 1, max: 1_000_000 })
    .default(10_000)
    .meta({ description: 'Requests under way at the same time. The surplus gets 503 at once.' }),
  heartbeat_ms: durationMs
    .default(10 * SECOND_MS)
    .meta({ description: 'Silence after which a waiting stream gets a `: ping` comment.' }),
  drain_ms: whole({ min: 0, max: HOUR_MS })
    .default(30 * SECOND_MS)
    .meta({ description: 'How long running requests may go on after SIGTERM. Then streams end with an error event.' }),
  region: region.exactOptional().meta({
    description:
      'Where this gateway and what it keeps are (`eu-central-1`): for distances, and for records of who held data.',
  }),
  workers: z
    .union([whole({ min: 1, max: WORKERS_MAX }), z.literal('auto')])
    .default(1)
    .meta({
      description:
        'Processes that serve on this port, each with its own memory; `auto` is one for each processor. `--workers` wins over it. Read at the start.',
    }),
  upstream_client: z.enum(['own', 'undici']).default('own').meta({
    description:
      'Who speaks HTTP to the providers: our own client, or `undici`, should ours be wrong about one of them. Read at the start.',
  }),
});

const TIMEOUTS = {
  connect_ms: durationMs.meta({ description: 'To open a connection, name look-up and TLS included.' }),
  first_byte_ms: durationMs.meta({ description: 'From the end of the request to the head of the reply.' }),
  first_token_ms: durationMs.meta({ description: 'From the end of the request to the first content of a stream.' }),
  idle_ms: durationMs.meta({ description: 'Longest silence inside a reply.' }),
  total_ms: durationMs.meta({ description: 'Whole request: all attempts and all waits between them.' }),
};

const timeoutsSchema = z.strictObject({
  connect_ms: TIMEOUTS.connect_ms.default(2000),
  first_byte_ms: TIMEOUTS.first_byte_ms.default(60_000),
  first_token_ms: TIMEOUTS.first_token_ms.default(60_000),
  idle_ms: TIMEOUTS.idle_ms.default(60_000),
  total_ms: TIMEOUTS.total_ms.default(600_000),
});

const providerTimeoutsSchema = z.strictObject({
  connect_ms: TIMEOUTS.connect_ms.exactOptional(),
  first_byte_ms: TIMEOUTS.first_byte_ms.exactOptional(),
  first_token_ms: TIMEOUTS.first_token_ms.exactOptional(),
  idle_ms: TIMEOUTS.idle_ms.exactOptional(),
});

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

const priceSchema = z
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

const modelSchema = z.strictObject({
  price: priceSchema.exactOptional().meta({
    description:
      'USD per million tokens, read digit by digit. It replaces the catalog’s price of this model as a whole. What is left out is unknown, not free, unless the field says what stands in for it.',
  }),
  limits: z
    .strictObject({
      context: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Input and output together.' }),
      input: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Input alone.' }),
      output: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Output alone.' }),
    })
    .exactOptional()
    .meta({ description: 'Most tokens that the model takes and gives.' }),
  tags: wordList.exactOptional().meta({ description: 'Words of your own about the model.' }),
  quality: table(z.number().min(0).max(1), ID)
    .exactOptional()
    .meta({ description: 'Scores from 0 to 1, by task (`code: 0.6`).' }),
  abilities: z.array(z.enum(ABILITIES)).max(ABILITIES.length).exactOptional().meta({
    description: 'What the model can do. It replaces the catalog’s list; a request that needs more goes elsewhere.',
  }),
  upstream_name: named(MODEL_NAME)
    .exactOptional()
    .meta({ description: 'What the provider calls the model, where that is not the name it has here.' }),
});

const secret = z
  .string()
  .max(SECRET_LENGTH_MAX)
  // Header values must not hold these (RFC 9110, section 5.5); a line break here is mostly a file read with its last line end.
  .regex(/^[\x20-\x7e\x80-\u{10ffff}]*$/u, 'must not hold line breaks or control characters')
  .regex(/^(?! )(?!.* $)/, 'must not begin or end with a space');

const keySchema = z.union([
  secret,
  z.strictObject({
    key: secret.meta({ description: 'The key.' }),
    weight: whole({ min: 0, max: WEIGHT_MAX }).default(1).meta({ description: 'Share of the requests that use it.' }),
  }),
]);

const providerSchema = z.strictObject({
  like: named(ID).exactOptional().meta({
    description: 'Takes over dialect, quirks, models and prices of that provider, under this one’s name.',
  }),
  dialect: z
    .enum(DIALECTS)
    .exactOptional()
    .meta({ description: 'Wire format. Needed where the id is not in the catalog and `like` is not given.' }),
  base_url: z
    .string()
    .max(URL_LENGTH_MAX)
    .transform((given, context) => {
      const reason = whyNotBaseUrl(given);
      if (reason === undefined) return given.replace(/\/+$/, '');
      context.addIssue({ code: 'custom', message: reason });
      return z.NEVER;
    })
    .exactOptional()
    .meta({
      description:
        'Everything before the operation (`https://api.openai.com/v1`). It may be a private address: this file is the operator’s word.',
    }),
  api_key: z
    .union([secret, z.array(keySchema).max(KEYS_MAX)])
    .transform(toKeys)
    .exactOptional()
    .meta({
      description:
        'Key, or list of keys to spread the requests over. Name an environment variable: `"${OPENAI_API_KEY}"`.',
    }),
  api_key_file: z
    .union([text(PATH_LENGTH_MAX), z.array(text(PATH_LENGTH_MAX)).max(KEYS_MAX)])
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .exactOptional()
    .meta({
      description:
        'File with a key in its only line (`/run/secrets/openai`), or list of files, relative to this one. Read when this file is, or by SIGHUP.',
    }),
  ...accountFields,
  headers: table(secret, HEADER_NAME)
    .superRefine((headers, context) => {
      const seen = new Set<string>();
      for (const name of Object.keys(headers)) {
        const lower = name.toLowerCase();
        const isConnection = CONNECTION_HEADERS.has(lower);
        const message = isConnection ? 'belongs to the connection and cannot be set here' : 'stands here a second time';
        if (isConnection || seen.has(lower))
          context.addIssue({ code: 'custom', path: [name], message, params: { at: 'key' } });
        seen.add(lower);
      }
    })
    .transform(toLowerCaseNames)
    .exactOptional()
    .meta({ description: 'Headers to send with each request, beside those of the dialect.' }),
  region: region.exactOptional().meta({ description: 'Where this provider computes (`eu`, `us-east-1`).' }),
  compliance: wordList.exactOptional().meta({ description: 'What it is certified for (`gdpr`, `hipaa`).' }),
  retention_days: whole({ min: 0, max: 36_500 }).exactOptional().meta({
    description: 'For how many days it keeps what it is sent, by your contract; 0: not at all.',
  }),
  trains: z.boolean().exactOptional().meta({ description: 'Whether it trains on what it is sent.' }),
  limits: z
    .strictObject({
      requests_per_minute: whole({ min: 1, max: 100_000_000 }).exactOptional().meta({ description: 'For one key.' }),
      tokens_per_minute: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'For one key.' }),
      concurrent: whole({ min: 1, max: 1_000_000 }).exactOptional().meta({
        description: 'Requests under way at the same time, for one model with one key.',
      }),
    })
    .exactOptional()
    .meta({
      description: 'What it allows, where you know. Without them they are learned from its headers and refusals.',
    }),
  models: table(modelSchema, MODEL_NAME)
    .prefault({})
    .meta({ description: 'Models to add, or whose catalog data to override, field by field.' }),
  weight: whole({ min: 0, max: WEIGHT_MAX })
    .default(1)
    .meta({ description: 'Share of the requests for a model that several providers serve.' }),
  disabled: z.boolean().default(false).meta({ description: 'Keeps the entry, but sends nothing there.' }),
  timeouts: providerTimeoutsSchema.prefault({}).meta({ description: 'Other limits than the general `timeouts`.' }),
});

const wholeProviderSchema = providerSchema.superRefine((provider, context) => {
  for (const { path, message } of accountIssues(provider))
    context.addIssue({ code: 'custom', path: [...path], message });
});

export const configSchema = z.strictObject({
  server: serverSchema.prefault({}).meta({ description: 'The listener and what it takes from clients.' }),
  data: text(4096)
    .default('./data')
    .meta({ description: 'Folder of the SQLite file and the journal, relative to this file. `--data` wins over it.' }),
  store: text(2048)
    .regex(
      /^(sqlite|postgres(ql)?:\/\/\S+)$/,
      'must be `sqlite` or `postgres://user:password@host:port/database`, as in `"${TURNOUT_DATABASE}"`',
    )
    .default('sqlite')
    .meta({
      description:
        'Where keys, ledger and requests are kept: `sqlite`, in the data folder, or a PostgreSQL that several machines share (`postgres://…`, its password from the environment; `?sslmode=verify-full` for TLS). `TURNOUT_STORE` wins over it.',
    }),
  shared: text(URL_LENGTH_MAX)
    .regex(
      /^(memory|(rediss?|valkeys?):\/\/[^\s]+)$/,
      'must be `memory`, or the address of a Valkey or Redis server: `redis://host:6379`, `rediss://` over TLS',
    )
    .default('memory')
    .meta({
      description:
        'Where processes count limits together, and tell each other what they change and learn: `memory` (each for itself) or a Valkey or Redis server (`redis://user:password@host:6379/0`). Read at the start.',
    }),
  providers: table(wholeProviderSchema, ID)
    .prefault({})
    .meta({ description: 'Who serves models, by an id of your choice. A catalog id needs no more than its key.' }),
  aliases: table(named(MODEL_NAME), MODEL_NAME)
    .prefault({})
    .meta({ description: 'Other names: each stands for a model (`openai/gpt-5-mini`), a route or another alias.' }),
  routes: table(routeSchema, ID)
    .prefault({})
    .meta({ description: 'Named policies over targets, which callers use in the place of a model.' }),
  callers: z
    .strictObject({
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
    })
    .prefault({})
    .meta({ description: 'What is known of callers.' }),
  people: peopleSchema.prefault({}).meta({ description: 'Who may log in, and how. Keys work without any of it.' }),
  intents: intentsSchema.prefault({}).meta({
    description:
      'What users want, in your own words: a small classifier is trained on the examples when the file is read.',
  }),
  topics: topicsSchema
    .prefault({})
    .meta({ description: 'Lists of words; a topic is there where one of its words is.' }),
  understand: z
    .strictObject({
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
    })
    .prefault({})
    .meta({ description: 'How requests are understood.' }),
  health: z
    .strictObject({
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
    })
    .prefault({})
    .meta({ description: 'When a target is left alone.' }),
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
  output: z
    .strictObject({
      validate: z.enum(['emulated', 'always', 'never']).default('emulated').meta({
        description:
          'Which answers are held against the JSON Schema that a request asks for: those of targets that do not do so themselves, all, or none. `always` reads every such answer, also where the protocol is the same.',
      }),
      invalid: z.enum(['repair', 'refuse']).default('repair').meta({
        description:
          'What becomes of an answer that is not valid: the model is told once what is wrong, then other targets are asked (`repair`), or the request ends with 502 `output-invalid` (`refuse`). A stream that has begun always ends so.',
      }),
    })
    .prefault({})
    .meta({
      description: 'Answers in a form that a request asks for. A request may say otherwise in `turnout.output`.',
    }),
  responses: z
    .strictObject({
      store: z.enum(['memory', 'none']).default('memory').meta({
        description:
          'Where conversations of the Responses API are kept that clients go on from by `previous_response_id`: in memory, within fixed bounds and for a day at most, or nowhere. What a request says with `store: false` is never kept.',
      }),
    })
    .prefault({})
    .meta({ description: 'Responses that can be fetched, and gone on from, by their id.' }),
  batches: z
    .strictObject({
      concurrency: whole({ min: 1, max: 10_000 }).default(32).meta({
        description:
          'Lines of batches under way at the same time, in this process. They never take more than half of what live requests leave of `server.requests_max`.',
      }),
      file_max_mb: whole({ min: 1, max: 10_000 })
        .default(200)
        .meta({ description: 'Largest file, and largest body of an Anthropic batch, in MiB. A larger one gets 413.' }),
      key_max_mb: whole({ min: 1, max: 10_000_000 })
        .default(2048)
        .meta({ description: 'MiB of files that one key may have at the same time, output of batches included.' }),
      keep_days: whole({ min: 1, max: 3650 })
        .default(30)
        .meta({ description: 'After so many days files and output are removed, unless their request said otherwise.' }),
      folder: z.string().min(1).default('files').meta({
        description:
          'Where files lie, within the data folder, or anywhere. Several machines on one database need one that all of them see (NFS, EFS, a volume that many may write). Read at the start.',
      }),
      native: z.enum(['auto', 'never']).default('auto').meta({
        description:
          'Whether a batch whose lines all go to one target is handed to that provider’s own batch API, at its price.',
      }),
    })
    .prefault({})
    .meta({ description: 'Files and batches (`/v1/files`, `/v1/batches`, `/v1/messages/batches`).' }),
  billing: billingSchema.prefault({}).meta({ description: 'How what is used is sold: plans, credits, payments.' }),
  log: z
    .strictObject({
      requests: z
        .enum(['none', 'metadata'])
        .default('metadata')
        .meta({
          description: 'What is kept of each request: nothing, or numbers and names. Never prompt or reply.',
          'x-later': ['full'],
        }),
    })
    .prefault({})
    .meta({ description: 'What is remembered of requests. What was spent is always recorded.' }),
  retention: z
    .strictObject({
      requests_days: whole({ min: 1, max: 36_500 }).exactOptional().meta({
        description: 'Request records older than so many days are taken away. Absent: the newest million are kept.',
      }),
      // A journal that comes back after its receipts are gone would be billed again: none stands that long.
      receipts_days: whole({ min: 31, max: 36_500 }).exactOptional().meta({
        description:
          'Receipts older than so many days are taken away; their sums by hour and what the ledger needs stay. Absent: all are kept.',
      }),
    })
    .prefault({})
    .meta({ description: 'How long single requests and receipts are kept.' }),
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

/** One of a provider's keys, and its share of the requests. */
export interface ApiKey {
  readonly key: string;
  readonly weight: number;
}

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

/** One form for all spellings. An empty text (`"${KEY:-}"`) is no key. */
function toKeys(given: string | readonly (string | ApiKey)[]): readonly ApiKey[] {
  const list = typeof given === 'string' ? [given] : given;
  return list.map((key) => (typeof key === 'string' ? { key, weight: 1 } : key)).filter(({ key }) => key !== '');
}

function toLowerCaseNames(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return Object.assign(Object.create(null), Object.fromEntries(lower));
}

function whyNotBaseUrl(given: string): string | undefined {
  if (/[\s\p{Cc}\\]/u.test(given) || !URL.canParse(given)) return 'must be a URL such as https://api.openai.com/v1';
  const url = new URL(given);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password; use `api_key` or `headers`';
  if (given.includes('?')) return 'must not have a query; the operation is put behind it';
  if (given.includes('#')) return 'must not have a fragment';
  return undefined;
}
