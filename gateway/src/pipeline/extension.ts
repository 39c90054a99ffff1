/** What a caller may ask of the gateway itself, beside the request: OpenRouter's body fields, our own `turnout`, and headers. */
import { createHash } from 'node:crypto';
import { fault, type Fault } from '../chat/fault.ts';
import { asBoolean, compact, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import { nearest } from '../lib/nearest.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseUsd } from '../money/usd.ts';
import type { Require } from '../routing/policy.ts';
import { SORTS, type Preferences } from '../routing/preferences.ts';
import { readOutputWish, type OutputWish } from './output-wish.ts';
import { readPrefer, readRequire } from './require-wish.ts';

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

/** Fields of the body that are ours to read and not the provider's: `turnout`, and those of OpenRouter. */
export const OWN_FIELDS: readonly string[] = ['turnout', 'models', 'route', 'provider', 'usage', 'session_id'];

/** What is read of `turnout`. */
const READ = ['tags', 'deadline_ms', 'adapt', 'output', 'require', 'prefer', 'region'] as const;
/** Demands of the design that this release cannot keep: ignored, they would be broken promises. */
const DEMANDS = ['budget_usd'] as const;
/** Hints that change nothing yet: a reply names those that were given. */
const HINTS = ['cache', 'experiment', 'explain'] as const;
const KNOWN: readonly string[] = [...READ, ...DEMANDS, ...HINTS];
/** Each field's header. */
const HEADERS: ReadonlyMap<string, string> = new Map(
  KNOWN.map((field) => [field, `x-turnout-${field.replaceAll('_', '-')}`]),
);

export interface Extension {
  /** Models to fall back to, in order, after the one that was asked for. */
  readonly models: readonly string[];
  readonly preferences?: Preferences;
  /** What the other side cannot express is dropped and named, instead of refused. */
  readonly adapt: boolean;
  /** Fields of `turnout` that are not followed: to be named to the caller. */
  readonly ignored: readonly string[];
  /** The caller's own deadline, from the arrival of the request. */
  readonly deadlineMs?: number;
  readonly tags: readonly string[];
  /** The caller's name of who asks through it: `x-turnout-user`, or the body's `user`. At most 256 characters. */
  readonly endUser?: string;
  /** The caller's own wish for answers in a form. */
  readonly output?: OutputWish;
  /** What every target must be, and which tags come first. */
  readonly require?: Require;
  readonly prefer?: readonly string[];
  /** What the caller calls the conversation. */
  readonly session?: string;
  /** Where the caller says it is. */
  readonly region?: string;
}

type Headers = Readonly<Record<string, string | undefined>>;

/** Reads body fields and `x-turnout-*` headers; faults name the field. */
export function readExtension(body: JsonRecord, headers: Headers): Result<Extension, Fault> {
  const steering = STEERING_FIELDS.find((field) => body[field] !== undefined && body[field] !== null);
  if (steering !== undefined)
    return invalid(steering, 'where a request goes, and with which key, is configured at the gateway. Leave it out');
  const own = body['turnout'] ?? {};
  if (!isRecord(own)) return invalid('turnout', 'it must be an object');
  const wishes = readOwn(own, headers);
  if (!wishes.ok) return wishes;
  const output = readOutputWish(own['output']);
  if (!output.ok) return output;
  const demands = readDemands(own, headers);
  if (!demands.ok) return demands;
  const endUser = readEndUser(body, headers);
  if (!endUser.ok) return endUser;
  const beside = readBeside(body, headers);
  if (!beside.ok) return beside;
  return ok(
    compact({ output: output.value, endUser: endUser.value, ...demands.value, ...wishes.value, ...beside.value }),
  );
}

/**
 * Nobody has to be registered. A header may be a proxy's, which knows better than the body. `user` of the body is the provider's field too: what is no name goes
 * on to it as it is, and here its digest stands for it, so that budgets and limits hold whatever somebody is called.
 */
function readEndUser(body: JsonRecord, headers: Headers): Result<string | undefined, Fault> {
  const told = headers['x-turnout-user'];
  if (told !== undefined)
    return isName(told)
      ? ok(told.trim())
      : invalid('x-turnout-user', `it must be a name of 1 to ${NAME_MAX} printable characters`);
  const { user } = body;
  if (typeof user !== 'string' || user.trim() === '') return ok(undefined);
  return ok(
    isName(user) ? user.trim() : `sha256-${createHash('sha256').update(user).digest('base64url').slice(0, 22)}`,
  );
}

/** OpenRouter's fields, which stand beside the request's own. */
function readBeside(
  body: JsonRecord,
  headers: Headers,
): Result<Pick<Extension, 'models' | 'preferences' | 'session'>, Fault> {
  const models = readModels(body['models']);
  if (!models.ok) return models;
  const preferences = readPreferences(body['provider']);
  if (!preferences.ok) return preferences;
  const session = body['session_id'] ?? headers['x-turnout-conversation'] ?? undefined;
  if (session !== undefined && (typeof session !== 'string' || !isName(session)))
    return invalid('session_id', `it must be a name of 1 to ${NAME_MAX} printable characters`);
  return ok(compact({ models: models.value, preferences: preferences.value, session }));
}

/** What is demanded of every target, and where the caller is. */
function readDemands(
  own: JsonRecord,
  headers: Headers,
): Result<Pick<Extension, 'require' | 'prefer' | 'region'>, Fault> {
  const require = readRequire(own['require'] ?? headerJson(headers['x-turnout-require']));
  if (!require.ok) return require;
  const prefer = readPrefer(own['prefer'] ?? headers['x-turnout-prefer']?.split(',').map((tag) => tag.trim()));
  if (!prefer.ok) return prefer;
  const region = readRegion(headers, own['region']);
  return region.ok ? ok(compact({ require: require.value, prefer: prefer.value, region: region.value })) : region;
}

/** Where the caller says it is. A header may be a proxy's, which knows better than the body. */
export function readRegion(headers: Headers, inBody?: Json): Result<string | undefined, Fault> {
  const region = headers['x-turnout-region']?.trim().toLowerCase() ?? inBody;
  if (region === undefined || region === null) return ok(undefined);
  return typeof region === 'string' && /^[a-z0-9][a-z0-9-]{0,63}$/.test(region)
    ? ok(region)
    : invalid('turnout.region', 'it must be the name of a region or zone, such as eu or us-east-1');
}

/** Our own object of the body; what it leaves out may stand in headers. */
function readOwn(
  own: JsonRecord,
  headers: Headers,
): Result<Pick<Extension, 'adapt' | 'ignored' | 'deadlineMs' | 'tags'>, Fault> {
  const stranger = strangerIn(own);
  if (stranger !== undefined) return err(stranger);
  const given = (field: string): boolean =>
    (own[field] ?? null) !== null || headers[HEADERS.get(field) ?? ''] !== undefined;
  const deadlineMs = readDeadline(own['deadline_ms'] ?? headerNumber(headers['x-turnout-deadline-ms']));
  if (!deadlineMs.ok) return deadlineMs;
  const tags = readTags(own['tags'] ?? headers['x-turnout-tags']?.split(','));
  if (!tags.ok) return tags;
  const adapt = own['adapt'] ?? headers['x-turnout-adapt']?.trim().toLowerCase() === 'true';
  if (typeof adapt !== 'boolean') return invalid('turnout.adapt', 'it must be true or false');
  const demands = DEMANDS.filter(given).map((field) => `turnout.${field}`);
  const [unkept] = adapt ? [] : demands;
  if (unkept !== undefined) return invalid(unkept, UNKEPT);
  const ignored = [...demands, ...HINTS.filter(given).map((field) => `turnout.${field}`)];
  return ok(compact({ adapt, ignored, deadlineMs: deadlineMs.value, tags: tags.value }));
}

function strangerIn(own: JsonRecord): Fault | undefined {
  const stranger = Object.keys(own).find((field) => !KNOWN.includes(field));
  if (stranger === undefined) return undefined;
  const meant = nearest(stranger, KNOWN);
  const hint = meant === undefined ? `there are ${KNOWN.join(', ')}` : `did you mean \`${meant}\`?`;
  const param = `turnout.${stranger.slice(0, NAME_MAX)}`;
  return fault('field-invalid', { reason: `it is not known; ${hint}` }, { param });
}

/** Why a demand is refused rather than ignored. */
export const UNKEPT = 'this release cannot keep it. Leave it out, or send `x-turnout-adapt: true` to go on without it';

function readDeadline(value: Json | undefined): Result<number | undefined, Fault> {
  if (value === undefined || value === null) return ok(undefined);
  return typeof value === 'number' && value > 0
    ? ok(value)
    : invalid('turnout.deadline_ms', 'it must be a number above 0');
}

function invalid(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}

/** What is no JSON is given on as text, and refused as such. */
function headerJson(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  return parseJson(text) ?? text;
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
  const stray = strayIn(value);
  if (stray !== undefined) return err(stray);
  const sort = sortOf(value['sort']);
  const allowFallbacks = asBoolean(value['allow_fallbacks']);
  return ok({
    ...compact({ order: order.value, only: only.value, ignore: ignore.value, allowFallbacks, sort, ...price.value }),
    ...unfollowed(value),
    ...dataWishes(value),
  });
}

/** Words that keep data or other providers away: misread, they would keep nothing away, and nobody would notice. */
function strayIn(wishes: JsonRecord): Fault | undefined {
  for (const field of ['zdr', 'allow_fallbacks'] as const) {
    const value = wishes[field] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean')
      return fault('field-invalid', { reason: 'it must be true or false' }, { param: `provider.${field}` });
  }
  const collection = wishes['data_collection'] ?? undefined;
  return collection === undefined || collection === 'allow' || collection === 'deny'
    ? undefined
    : fault('field-invalid', { reason: 'it must be "allow" or "deny"' }, { param: 'provider.data_collection' });
}

function sortOf(value: Json | undefined): Preferences['sort'] {
  return typeof value === 'string' && Object.hasOwn(SORTS, value) ? SORTS[value] : undefined;
}

/** How providers quantize is in no catalog: such a demand cannot be kept here. */
function unfollowed(wishes: JsonRecord): Pick<Preferences, 'demands' | 'hints'> {
  const { quantizations, sort } = wishes;
  const isGiven = (value: Json | undefined): boolean => value !== undefined && value !== null;
  return {
    demands: isGiven(quantizations) ? ['provider.quantizations'] : [],
    hints: isGiven(sort) && sortOf(sort) === undefined ? ['provider.sort'] : [],
  };
}

/** What providers may do with the data: requirements like any other. */
function dataWishes(wishes: JsonRecord): Pick<Preferences, 'require'> {
  const require: Require = {
    ...(wishes['data_collection'] === 'deny' ? { training: false } : {}),
    ...(wishes['zdr'] === true ? { retentionDaysMax: 0 } : {}),
  };
  return Object.keys(require).length === 0 ? {} : { require };
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
