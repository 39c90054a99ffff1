/** What a key may do, beside its models and its money: the JSON of its `settings`, in the words of the API. One reader, one writer. */
import { readLimits } from '../config/rate-limits.ts';
import { asArray, asRecord, asString, compact, isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isRole, type Role } from '../people/permissions.ts';
import { compileRanges } from '../policy/ranges.ts';

/** `inference`: requests to models. `admin`: the admin API. `read`: looking only, at lists and records. */
export const SCOPES = ['inference', 'admin', 'read'] as const;
export type Scope = (typeof SCOPES)[number];

/** What is absent limits nothing, but for the scopes: without them a key is for inference. An empty list allows nothing. */
export interface KeySettings {
  readonly scopes?: readonly Scope[];
  /** Names of routes, or beginnings (`fast-*`). */
  readonly allowedRoutes?: readonly string[];
  readonly allowedProviders?: readonly string[];
  /** Where targets must compute (`eu`, `us-east-1`). A target whose region is not known is in none. */
  readonly allowedRegions?: readonly string[];
  /** From where it may be used: ranges in CIDR form, or addresses. */
  readonly addresses?: readonly string[];
  /** Rates, in the form of the configuration's own. */
  readonly limits?: JsonRecord;
}

/** What is absent stays; `null` takes it away. */
export type KeySettingsPatch = { readonly [K in keyof KeySettings]?: KeySettings[K] | null };

/** What is wrong with one of them: its word in the API, and why. */
export interface SettingProblem {
  readonly param: string;
  readonly reason: string;
}

/** Each setting's word in JSON. */
const WORDS = {
  scopes: 'scopes',
  allowedRoutes: 'routes',
  allowedProviders: 'providers',
  allowedRegions: 'regions',
  addresses: 'addresses',
} as const satisfies Partial<Record<keyof KeySettings, string>>;
type ListName = keyof typeof WORDS;
const LISTS = ['scopes', 'allowedRoutes', 'allowedProviders', 'allowedRegions', 'addresses'] as const;

/** A list for one key; what is longer belongs into a route, or into the network in front. */
const ENTRIES_MAX = 200;
const ENTRY_LENGTH_MAX = 200;
/** Ten scopes with all their rates have some 2,000 characters. */
const LIMITS_LENGTH_MAX = 8192;
/** As regions are written in the configuration. */
export const REGION = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The settings among the fields of a body: what form each must have. Values are looked at by `settingProblem`. */
export function readKeySettings(body: JsonRecord): Result<KeySettingsPatch, SettingProblem> {
  const lists: Partial<Record<ListName, readonly string[] | null>> = {};
  for (const name of LISTS) {
    const read = readList(body[WORDS[name]], WORDS[name]);
    if (!read.ok) return read;
    if (read.value !== undefined) lists[name] = read.value;
  }
  const { scopes, ...others } = lists;
  const unknown = scopes?.find((scope) => !isScope(scope));
  if (unknown !== undefined) return err({ param: 'scopes', reason: `each must be one of ${SCOPES.join(', ')}` });
  const { limits } = body;
  if (limits !== undefined && limits !== null && !isRecord(limits))
    return err({ param: 'limits', reason: 'it must be an object' });
  return ok(compact({ ...others, scopes: scopes === null ? null : scopes?.filter(isScope), limits }));
}

function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

function readList(
  value: Json | undefined,
  param: string,
): Result<readonly string[] | null | undefined, SettingProblem> {
  if (value === undefined || value === null) return ok(value);
  const items = asArray(value)?.map(asString);
  const names = items?.filter((item) => item !== undefined);
  return names === undefined || names.length !== items?.length
    ? err({ param, reason: 'it must be a list of texts, or null' })
    : ok(names);
}

/** What is wrong with values that were set; undefined where all is well. */
export function settingProblem(patch: KeySettingsPatch): SettingProblem | undefined {
  for (const name of LISTS) {
    const reason = whyNotListed(patch[name] ?? []);
    if (reason !== undefined) return { param: WORDS[name], reason };
  }
  const { scopes, allowedRegions, addresses, limits } = patch;
  if (scopes?.length === 0) return { param: 'scopes', reason: 'it must name one or more; disable the key instead' };
  if (allowedRegions?.some((region) => !REGION.test(region)) === true)
    return { param: 'regions', reason: 'each must be a region such as eu or us-east-1' };
  const ranges = rangesOf(addresses ?? []);
  if (!ranges.ok) return { param: `addresses[${ranges.error.index}]`, reason: ranges.error.message };
  const reason = whyNotLimits(limits);
  return reason === undefined ? undefined : { param: 'limits', reason };
}

/** Why these are no limits of requests; of a key, or of whom it belongs to. */
export function whyNotLimits(limits: JsonRecord | null | undefined): string | undefined {
  if (limits === undefined || limits === null) return undefined;
  if (JSON.stringify(limits).length > LIMITS_LENGTH_MAX) return `it may have ${LIMITS_LENGTH_MAX} characters`;
  const read = readLimits(limits);
  return read.ok ? undefined : read.error;
}

function whyNotListed(list: readonly string[]): string | undefined {
  if (list.length > ENTRIES_MAX) return `it may have ${ENTRIES_MAX} entries`;
  const isBad = list.some((item) => item.trim() === '' || item.length > ENTRY_LENGTH_MAX);
  return isBad ? `each entry must have 1 to ${ENTRY_LENGTH_MAX} characters` : undefined;
}

/** Ranges as an address is looked up in them: what is in one of them has the region `allowed`. */
export function rangesOf(addresses: readonly string[]): ReturnType<typeof compileRanges> {
  return compileRanges(addresses.map((range) => ({ range, region: 'allowed' })));
}

/** The settings with a change of some of them. */
export function withPatch(settings: KeySettings, patch: KeySettingsPatch): KeySettings {
  const { scopes, allowedRoutes, allowedProviders, allowedRegions, addresses, limits } = { ...settings, ...patch };
  return compact({
    scopes: scopes ?? undefined,
    allowedRoutes: allowedRoutes ?? undefined,
    allowedProviders: allowedProviders ?? undefined,
    allowedRegions: allowedRegions ?? undefined,
    addresses: addresses ?? undefined,
    limits: limits ?? undefined,
  });
}

/** Settings, or a change of them, in the words of the API. */
export function settingsRecord(settings: KeySettingsPatch): JsonRecord {
  const { scopes, allowedRoutes: routes, allowedProviders: providers, allowedRegions: regions } = settings;
  const { addresses, limits } = settings;
  return compact({ scopes, routes, providers, regions, addresses, limits });
}

/** What is kept beside the settings, and set by nobody. */
interface Kept {
  /** As in `KeyRow`. */
  readonly roleMax?: Role;
}

/** As they are stored. */
export function settingsText({ roleMax, ...settings }: KeySettings & Kept): string {
  return JSON.stringify(compact({ ...settingsRecord(settings), role: roleMax }));
}

/** As they were stored. What cannot be read any more allows nothing: the key waits for somebody who sets it right. */
export function storedSettings(text: string): KeySettings & Kept {
  const record = asRecord(parseJson(text)) ?? { scopes: [''] };
  const read = readKeySettings(record);
  if (!read.ok || settingProblem(read.value) !== undefined) return { scopes: [] };
  const { role } = record;
  return { ...withPatch({}, read.value), ...(isRole(role) ? { roleMax: role } : {}) };
}

/** Whether the key may do what needs one of these scopes. */
export function hasScope(key: KeySettings & { readonly isRoot: boolean }, ...needed: readonly Scope[]): boolean {
  const scopes: readonly Scope[] = key.scopes ?? ['inference'];
  return key.isRoot || needed.some((scope) => scopes.includes(scope));
}
