/** What a caller may ask of the gateway itself, beside the request: OpenRouter's body fields, our own `turnout`, and headers. */
import { fault, type Fault } from '../chat/fault.ts';
import { asBoolean, compact, isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseUsd } from '../money/usd.ts';
import type { Preferences } from '../routing/plan.ts';

/** More fallbacks than attempts is a mistake; thousands are an attack (faults.md B27). */
const MODELS_MAX = 16;
const PROVIDERS_MAX = 64;
const NAME_MAX = 256;
const TAGS_MAX = 16;

/**
 * Fields with which other gateways let a caller choose address and credential. The operator's file does that here; and
 * a provider that is such a gateway itself must not be led elsewhere with our key (faults.md B25).
 */
const STEERING_FIELDS = ['api_base', 'base_url', 'api_key', 'custom_host', 'organization', 'extra_headers'] as const;

/** Fields of the body that are ours to read and not the provider's. */
export const OWN_FIELDS: readonly string[] = ['turnout', 'models', 'route', 'provider'];

export interface Extension {
  /** Models to fall back to, in order, after the one that was asked for. */
  readonly models: readonly string[];
  readonly preferences?: Preferences;
  /** What the other side cannot express is dropped and named, instead of refused. */
  readonly adapt: boolean;
  /** The caller's own deadline, from the arrival of the request. */
  readonly deadlineMs?: number;
  readonly tags: readonly string[];
}

type Headers = Readonly<Record<string, string | undefined>>;

/** Reads body fields and `x-turnout-*` headers; faults name the field. */
export function readExtension(body: JsonRecord, headers: Headers): Result<Extension, Fault> {
  const steering = STEERING_FIELDS.find((field) => body[field] !== undefined && body[field] !== null);
  if (steering !== undefined)
    return invalid(steering, 'where a request goes, and with which key, is configured at the gateway. Leave it out');
  const own = body['turnout'] ?? {};
  if (!isRecord(own)) return invalid('turnout', 'it must be an object');
  const models = readModels(body['models']);
  if (!models.ok) return models;
  const preferences = readPreferences(body['provider']);
  if (!preferences.ok) return preferences;
  const deadlineMs = readDeadline(own['deadline_ms'] ?? headerNumber(headers['x-turnout-deadline-ms']));
  if (!deadlineMs.ok) return deadlineMs;
  const tags = readTags(own['tags'] ?? headers['x-turnout-tags']?.split(','));
  if (!tags.ok) return tags;
  const adapt = asBoolean(own['adapt']) ?? headers['x-turnout-adapt'] === 'true';
  return ok(
    compact({
      models: models.value,
      preferences: preferences.value,
      adapt,
      deadlineMs: deadlineMs.value,
      tags: tags.value,
    }),
  );
}

function readDeadline(value: Json | undefined): Result<number | undefined, Fault> {
  if (value === undefined || value === null) return ok(undefined);
  return typeof value === 'number' && value > 0
    ? ok(value)
    : invalid('turnout.deadline_ms', 'it must be a number above 0');
}

function invalid(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}

function headerNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function readModels(value: Json | undefined): Result<readonly string[], Fault> {
  if (value === undefined || value === null) return ok([]);
  return readNames(value, { param: 'models', most: MODELS_MAX });
}

function readTags(value: Json | undefined): Result<readonly string[], Fault> {
  return value === undefined || value === null ? ok([]) : readNames(value, { param: 'turnout.tags', most: TAGS_MAX });
}

/** A list of short names, each once. */
function readNames(value: Json, rule: { param: string; most: number }): Result<readonly string[], Fault> {
  if (!isArray(value)) return invalid(rule.param, 'it must be a list of names');
  if (value.length > rule.most)
    return invalid(rule.param, `it has ${value.length} entries, at most ${rule.most} are taken`);
  const names: string[] = [];
  for (const [index, name] of value.entries()) {
    if (typeof name !== 'string' || !isName(name)) {
      return invalid(`${rule.param}[${index}]`, `it must be a name of 1 to ${NAME_MAX} printable characters`);
    }
    names.push(name.trim());
  }
  return ok([...new Set(names)]);
}

/** Names go into records and onto screens (faults.md B30). */
function isName(text: string): boolean {
  return text.trim() !== '' && text.length <= NAME_MAX && !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text);
}

function readPreferences(value: Json | undefined): Result<Preferences | undefined, Fault> {
  if (value === undefined || value === null) return ok(undefined);
  if (!isRecord(value)) return invalid('provider', 'it must be an object');
  const order = readProviders(value, 'order');
  if (!order.ok) return order;
  const only = readProviders(value, 'only');
  if (!only.ok) return only;
  if (only.value?.length === 0) return invalid('provider.only', 'it is empty, so that no provider is left');
  const ignore = readProviders(value, 'ignore');
  if (!ignore.ok) return ignore;
  const price = readPriceMax(value['max_price']);
  if (!price.ok) return price;
  const sort = value['sort'] === 'price' ? ('price' as const) : undefined;
  const allowFallbacks = asBoolean(value['allow_fallbacks']);
  return ok(
    compact({ order: order.value, only: only.value, ignore: ignore.value, allowFallbacks, sort, ...price.value }),
  );
}

function readProviders(wishes: JsonRecord, field: string): Result<readonly string[] | undefined, Fault> {
  const value = wishes[field];
  if (value === undefined || value === null) return ok(undefined);
  const names = readNames(value, { param: `provider.${field}`, most: PROVIDERS_MAX });
  return names.ok ? ok(names.value.map((name) => name.toLowerCase())) : names;
}

function readPriceMax(value: Json | undefined): Result<Pick<Preferences, 'inputPriceMax' | 'outputPriceMax'>, Fault> {
  if (value === undefined || value === null) return ok({});
  if (!isRecord(value)) return invalid('provider.max_price', 'it must be an object');
  const input = priceOf(value['prompt']);
  const output = priceOf(value['completion']);
  if (input === null || output === null)
    return invalid('provider.max_price', 'prompt and completion are USD per million tokens');
  return ok({
    ...(input === undefined ? {} : { inputPriceMax: input }),
    ...(output === undefined ? {} : { outputPriceMax: output }),
  });
}

/** undefined: not given; null: given and not a price. */
function priceOf(value: Json | undefined): bigint | undefined | null {
  if (value === undefined || value === null) return undefined;
  const usd = typeof value === 'string' || typeof value === 'number' ? parseUsd(String(value)) : undefined;
  return usd ?? null;
}
