/**
 * What a model's name means: `provider/model` is one, a bare `model` is every provider that serves it, `model@2025-08-07`
 * is its dated version. Works on the entries that the caller gives, so only what is configured is ever found.
 */
import { compact } from '../lib/json.ts';
import { compareText } from './catalog.ts';
import { indexNear } from './nearest.ts';
import type { CatalogModel, ModelStatus } from './rows.ts';

/** Longest name that is looked at. */
export const NAME_LENGTH_MAX = 256;
const NEAR_MAX = 3;

/** Endings that change how a target is chosen and not which model answers. Anything else after a colon belongs to the name. */
const ROUTING_SUFFIX = /^(.+):(nitro|floor|exacto)$/;
const PIN = /^(.+)@(\d{4})-?(\d{2})(?:-?(\d{2}))?$/;
const MOVING = /(?:^|[-:/])latest(?:$|[-:])/;
const VERSION = /[-@]\d{4}-?\d{2}-?\d{2}$/;
const DATED = /^[-@]\d[\d-]*$/;

/** A model that may be asked for. More fields may come with it; they are given back untouched. */
export interface NameEntry {
  /** The provider's name in the configuration. */
  readonly provider: string;
  readonly model: string;
  readonly family?: string;
  readonly releasedOn?: string;
  readonly status?: ModelStatus;
  /** First day without it, `2026-12-11`. */
  readonly retiresOn?: string;
  readonly successor?: string;
}

interface FoundName<T extends NameEntry> {
  readonly kind: 'found';
  /** `exact`: one provider's model. `pool`: the model wherever it is served. `pin`: a dated version. `latest`: the name stands for `name-latest`. */
  readonly by: 'exact' | 'pool' | 'pin' | 'latest';
  /** At least one, at most one a provider, in the order they were given. */
  readonly entries: readonly T[];
  /** The name means another model tomorrow. */
  readonly isMoving: boolean;
  /** `nitro`, `floor` or `exacto`, where the name was only found without it. */
  readonly suffix?: string;
}

interface UnknownName {
  readonly kind: 'unknown';
  /** Up to three names that exist and look like it, best first. */
  readonly near: readonly string[];
}

export interface NameIndex<T extends NameEntry> {
  resolve(name: string): FoundName<T> | UnknownName;
  lifecycle(entry: NameEntry, today: string): Lifecycle;
}

/** How long a model will be there. */
interface Lifecycle {
  /** `deprecated`: no day is known. `retiring`: `on` is to come. `retired`: `on` has come. */
  readonly state: 'current' | 'deprecated' | 'retiring' | 'retired';
  readonly on?: string;
  /** Who takes its place: as the provider named it, else the newest of its family at the same provider. */
  readonly successor?: string;
}

export interface NameOptions {
  /** Other ids of providers, to their id in the catalog (`gemini` to `google`). */
  readonly aliases?: ReadonlyMap<string, string>;
}

/** The entry of a catalog row. */
export function nameEntryOf(row: CatalogModel): NameEntry {
  const { provider, id, family, releasedOn, status, retiresOn, successor } = row;
  return compact({ provider, model: id, family, releasedOn, status, retiresOn, successor });
}

/** Whether a name means another model from time to time (`mistral-large-latest`, `~anthropic/claude-opus-latest`). */
export function isMovingName(model: string): boolean {
  return model.startsWith('~') || MOVING.test(model);
}

/** Indexes entries for `resolve`. Where two have the same provider and model, the first counts. */
export function indexNames<T extends NameEntry>(entries: readonly T[], options: NameOptions = {}): NameIndex<T> {
  const books = buildBooks(entries, options.aliases ?? new Map());
  const finder = makeFinder(books);
  const nearest = makeNearest(books);
  return {
    resolve(name) {
      if (name === '' || name.length > NAME_LENGTH_MAX) return { kind: 'unknown', near: [] };
      const found = finder(name);
      if (found !== undefined) return found;
      const [, base, suffix] = ROUTING_SUFFIX.exec(name) ?? [];
      const plain = base === undefined ? undefined : finder(base);
      if (plain !== undefined && suffix !== undefined) return { ...plain, suffix };
      return { kind: 'unknown', near: nearest(base ?? name) };
    },
    lifecycle: (entry, today) => lifecycleOf(books, entry, today),
  };
}

interface Books<T extends NameEntry> {
  readonly byProvider: ReadonlyMap<string, ReadonlyMap<string, T>>;
  /** By the provider's whole name of the model. */
  readonly byModel: ReadonlyMap<string, readonly T[]>;
  /** By what different providers' names of one model have in common (`poolKey`). */
  readonly byKey: ReadonlyMap<string, readonly T[]>;
  readonly order: ReadonlyMap<T, number>;
  providerOf(name: string): string | undefined;
}

function buildBooks<T extends NameEntry>(entries: readonly T[], aliases: ReadonlyMap<string, string>): Books<T> {
  const byProvider = new Map<string, Map<string, T>>();
  const byModel = new Map<string, T[]>();
  const byKey = new Map<string, T[]>();
  const order = new Map<T, number>();
  for (const entry of entries) {
    const models = byProvider.get(entry.provider) ?? new Map<string, T>();
    byProvider.set(entry.provider, models);
    if (models.has(entry.model) || entry.model === '') continue;
    models.set(entry.model, entry);
    order.set(entry, order.size);
    push(byModel, entry.model, entry);
    push(byKey, poolKey(entry.model), entry);
  }
  // `google/…` also finds a provider that is configured as `gemini`, and the other way round.
  const byCatalogId = new Map<string, string>();
  for (const provider of byProvider.keys()) {
    const id = aliases.get(provider) ?? provider;
    if (!byCatalogId.has(id)) byCatalogId.set(id, provider);
  }
  const providerOf = (name: string): string | undefined =>
    byProvider.has(name) ? name : byCatalogId.get(aliases.get(name) ?? name);
  return { byProvider, byModel, byKey, order, providerOf };
}

function push<T>(map: Map<string, T[]>, key: string, entry: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
}

/** `anthropic/claude-sonnet-4.5` and `claude-sonnet-4-5` are one model: the last part of the name, in one spelling. */
function poolKey(model: string): string {
  return model
    .slice(model.lastIndexOf('/') + 1)
    .toLowerCase()
    .replaceAll('.', '-');
}

interface Split {
  readonly provider: string;
  readonly model: string;
}

function split<T extends NameEntry>(books: Books<T>, name: string): Split | undefined {
  const slash = name.indexOf('/');
  const provider = slash < 1 ? undefined : books.providerOf(name.slice(0, slash));
  return provider === undefined ? undefined : { provider, model: name.slice(slash + 1) };
}

function makeFinder<T extends NameEntry>(books: Books<T>): (name: string) => FoundName<T> | undefined {
  const exact = (name: string): T | undefined => {
    const parts = split(books, name);
    return parts === undefined ? undefined : books.byProvider.get(parts.provider)?.get(parts.model);
  };
  const either = (name: string): readonly T[] => {
    const entry = exact(name);
    return entry === undefined ? pool(books, name) : [entry];
  };
  return (name) => {
    const entry = exact(name);
    if (entry !== undefined) return asFound('exact', [entry]);
    const served = pool(books, name);
    if (served.length > 0) return asFound('pool', served);
    const pinned = pin(books, name, either);
    if (pinned.length > 0) return asFound('pin', pinned);
    const latest = name.endsWith('/') ? [] : either(`${name}-latest`);
    return latest.length > 0 ? asFound('latest', latest) : undefined;
  };
}

function asFound<T extends NameEntry>(by: FoundName<T>['by'], entries: readonly T[]): FoundName<T> {
  return { kind: 'found', by, entries, isMoving: entries.some((entry) => isMovingName(entry.model)) };
}

/**
 * Every provider that serves the model, one entry each; the one with the very name before others. A name with a slash
 * names its maker (`openai/gpt-5` at an aggregator) and is not looked for under other makers.
 */
function pool<T extends NameEntry>(books: Books<T>, name: string): readonly T[] {
  const same = books.byModel.get(name) ?? [];
  const alike = name.includes('/') ? [] : (books.byKey.get(poolKey(name)) ?? []);
  return onePerProvider(books, [...same, ...alike]);
}

function onePerProvider<T extends NameEntry>(books: Books<T>, entries: readonly T[]): readonly T[] {
  const chosen = new Map<string, T>();
  for (const entry of entries) if (!chosen.has(entry.provider)) chosen.set(entry.provider, entry);
  return [...chosen.values()].toSorted((a, b) => (books.order.get(a) ?? 0) - (books.order.get(b) ?? 0));
}

/** The dated versions behind `model@2025-08-07`, `model@20250807` or `model@2024-11`. */
function pin<T extends NameEntry>(books: Books<T>, name: string, find: (name: string) => readonly T[]): readonly T[] {
  const [, base, year, month, day] = PIN.exec(name) ?? [];
  if (base === undefined || year === undefined || month === undefined) return [];
  const sure = datedEndings(year, month, day).flatMap((ending) => find(`${base}${ending}`));
  // `deepseek-r1-0528` does not say its year; the day it came out does.
  const bare =
    day === undefined ? [] : [`-${month}-${day}`, `-${month}${day}`].flatMap((ending) => find(`${base}${ending}`));
  const sameYear = bare.filter((entry) => entry.releasedOn?.startsWith(year) === true);
  return onePerProvider(books, [...sure, ...sameYear]);
}

/** How providers write a date at the end of a name. */
function datedEndings(year: string, month: string, day: string | undefined): readonly string[] {
  if (day === undefined) return [`-${year}-${month}`, `-${year.slice(2)}${month}`, `-${month}-${year}`];
  const digits = `${year}${month}${day}`;
  return [`-${year}-${month}-${day}`, `-${digits}`, `@${digits}`, `@${year}-${month}-${day}`, `-${digits.slice(2)}`];
}

function makeNearest<T extends NameEntry>(books: Books<T>): (name: string) => readonly string[] {
  const keys = [...books.byKey.keys()].toSorted(compareText);
  const index = indexNear(keys);
  // `claude-4.5-sonnet` has the words of `claude-sonnet-4-5`: no typing slip, so nothing but this finds it first.
  const bySortedWords = Map.groupBy(keys, sortedWords);
  const near = (key: string, entriesOf: (key: string) => readonly T[]): readonly (readonly T[])[] => {
    const reordered = bySortedWords.get(sortedWords(key)) ?? [];
    const alike = index.near(key, NEAR_MAX, (position) => entriesOf(keys[position] ?? '').length > 0);
    const both = new Set([...reordered, ...alike.map((position) => keys[position] ?? '')]);
    return [...both]
      .map(entriesOf)
      .filter((entries) => entries.length > 0)
      .slice(0, NEAR_MAX);
  };
  const all = (key: string): readonly T[] => books.byKey.get(key) ?? [];
  return (name) => {
    const versions = datedVersions(books, name);
    if (versions.length > 0) return versions;
    const parts = split(books, name);
    const wanted = parts?.model ?? name;
    const key = poolKey(PIN.exec(wanted)?.[1] ?? wanted);
    if (key === '') return [];
    const own =
      parts === undefined ? [] : near(key, (known) => all(known).filter((entry) => entry.provider === parts.provider));
    if (own.length > 0)
      return own.flatMap((entries) => entries.slice(0, 1).map((entry) => `${entry.provider}/${entry.model}`));
    return near(key, all).flatMap(shortestName);
  };
}

function sortedWords(key: string): string {
  return key.split(/[-_:]/).toSorted().join('-');
}

/** For a pin on a day that there is not: the newest versions that there are. */
function datedVersions<T extends NameEntry>(books: Books<T>, name: string): readonly string[] {
  const base = PIN.exec(name)?.[1];
  if (base === undefined) return [];
  const parts = split(books, base);
  const names =
    parts === undefined ? [...books.byModel.keys()] : [...(books.byProvider.get(parts.provider)?.keys() ?? [])];
  const model = parts?.model ?? base;
  return names
    .filter((id) => id.startsWith(model) && DATED.test(id.slice(model.length)))
    .toSorted((a, b) => compareText(b, a))
    .slice(0, NEAR_MAX)
    .map((id) => (parts === undefined ? id : `${parts.provider}/${id}`));
}

function shortestName(entries: readonly NameEntry[]): readonly string[] {
  const names = entries.map((entry) => entry.model).toSorted((a, b) => a.length - b.length || compareText(a, b));
  return names.slice(0, 1);
}

function lifecycleOf<T extends NameEntry>(books: Books<T>, entry: NameEntry, today: string): Lifecycle {
  const { retiresOn, status } = entry;
  if (retiresOn === undefined && status !== 'deprecated') return { state: 'current' };
  const successor = entry.successor ?? heirOf(books, entry, today);
  const heir = successor === undefined ? {} : { successor };
  if (retiresOn === undefined) return { state: 'deprecated', ...heir };
  return { state: retiresOn <= today ? 'retired' : 'retiring', on: retiresOn, ...heir };
}

/** The newest model of the same family and provider that came later and has no end in sight. */
function heirOf<T extends NameEntry>(books: Books<T>, entry: NameEntry, today: string): string | undefined {
  const released = entry.releasedOn;
  if (entry.family === undefined || released === undefined) return undefined;
  const heirs = [...(books.byProvider.get(entry.provider)?.values() ?? [])].filter(
    (other) =>
      other.family === entry.family &&
      other.model !== entry.model &&
      other.status === undefined &&
      other.retiresOn === undefined &&
      !isMovingName(other.model) &&
      (other.releasedOn ?? '') > released &&
      (other.releasedOn ?? '') <= today,
  );
  // The plain name before its dated version: that is what the provider recommends.
  const plain = heirs.filter((other) => !VERSION.test(other.model));
  const best = (plain.length > 0 ? plain : heirs).toSorted(
    (a, b) =>
      compareText(b.releasedOn ?? '', a.releasedOn ?? '') ||
      a.model.length - b.model.length ||
      compareText(a.model, b.model),
  );
  return best[0]?.model;
}
