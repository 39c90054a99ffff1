/** What no schema can say: names that must exist, circles, addresses that lead back here. Reads the tree, so it works beside other errors. */
import { asArray, asNumber, asRecord, asString, isRecord } from '../lib/json.ts';
import { nearest } from '../lib/nearest.ts';
import type { Finding } from './finding.ts';
import { placeOf } from './issues.ts';
import { entries, type Found, type Note, type Root } from './note.ts';
import type { PathStep } from './path.ts';
import { pathText } from './path.ts';
import { checkPolicies } from './policy-checks.ts';
import type { Config } from './schema.ts';
import { looksLikeSecret } from './secrets.ts';
import type { Span, Tree } from './tree.ts';

/** What the caller knows of the catalog. Without it, names of models and catalog providers are taken on trust. */
export interface KnownNames {
  /** Ids of the providers that come with the gateway. */
  readonly providers: readonly string[];
  /** What an operator should know about a name of a model that the file uses; undefined where all is well. */
  doubtAbout(name: string, config: Config): Doubt | undefined;
  /** What cannot work about the intents; without `intent` about all of them. Absent: nobody has tried them. */
  readonly doubtsAboutIntents?: (config: Config) => readonly IntentDoubt[];
}

export interface IntentDoubt {
  readonly intent?: string;
  /** Goes behind the path. */
  readonly message: string;
}

export interface Doubt {
  /** An error refuses the file; a warning is shown. */
  readonly level: 'error' | 'warning';
  /** Goes behind the path: "names `gpt-55`, which no provider here serves". */
  readonly message: string;
  readonly suggestion?: string;
}

export interface CheckOptions {
  readonly known?: KnownNames | undefined;
  /** The port that is really listened on, where it is not the file's. */
  readonly port?: number | undefined;
}

/** A name that the file uses for something else: an alias's or a route's. */
interface Reference {
  readonly name: string;
  readonly path: readonly PathStep[];
}

/** All checks that need more than one field. */
export function check(tree: Tree, options: CheckOptions): readonly Finding[] {
  const note = (steps: readonly PathStep[], { isAboutKey, inside, ...rest }: Note): Finding => {
    const place = placeOf(tree, steps);
    const span = isAboutKey === true ? (place.key ?? place.value) : place.value;
    return { level: 'error', path: pathText(steps), ...spanInside(tree, span, inside), ...rest };
  };
  const root = asRecord(tree.root);
  if (root === undefined) return [];
  const notes = [
    ...checkNames(root),
    ...checkCircles(root),
    ...checkTiers(root),
    ...checkLike(root, options.known),
    ...checkLimited(root),
    ...checkAddresses(root, options),
    ...checkPolicies(root),
  ].map(([steps, details]) => note(steps, details));
  return [...notes, ...checkSecrets(root, tree).map(([steps, details]) => note(steps, details))];
}

/** What the catalog has to say about each model that aliases and routes name. Needs the whole configuration, so it comes last. */
export function checkModels(tree: Tree, config: Config, known: KnownNames): readonly Finding[] {
  const root = asRecord(tree.root) ?? {};
  return [...references(root).values()].flat().flatMap(({ name, path }) => {
    if (Object.hasOwn(config.aliases, name) || Object.hasOwn(config.routes, name)) return [];
    const doubt = known.doubtAbout(name, config);
    return doubt === undefined ? [] : [{ path: pathText(path), ...placeOf(tree, path).value, ...doubt }];
  });
}

/** What training tells of the intents. */
export function checkIntents(tree: Tree, config: Config, known: KnownNames): readonly Finding[] {
  return (known.doubtsAboutIntents?.(config) ?? []).map(({ intent, message }) => {
    const path = intent === undefined ? ['intents'] : ['intents', intent];
    const { key, value } = placeOf(tree, path);
    return { path: pathText(path), ...(key ?? value), level: 'warning', message };
  });
}

/** A place inside a quoted or plain text of one line; the whole text where it is written in another way, with escapes or folded. */
function spanInside({ text }: Tree, span: Span, inside: number | undefined): Span {
  const written = text.slice(span.offset, span.end);
  const mark = /^["']/.exec(written)?.[0] ?? '';
  const isPlain = !written.includes('\n') && !/^[|>&*]/.test(written) && !written.slice(1, -1).includes(mark || '\n');
  if (inside === undefined || !isPlain || (mark === '"' && written.includes('\\'))) return span;
  return { offset: Math.min(span.offset + mark.length + inside, span.end - 1), end: span.end };
}

function checkNames(root: Root): readonly Found[] {
  const providers = asRecord(root['providers']) ?? {};
  const routes = asRecord(root['routes']) ?? {};
  const found: Found[] = [];
  for (const [name] of entries(root, 'aliases')) {
    if (!Object.hasOwn(routes, name)) continue;
    found.push([
      ['aliases', name],
      { isAboutKey: true, message: 'has the name of a route. Rename one of them: callers could mean either' },
    ]);
  }
  for (const section of ['aliases', 'routes']) {
    for (const [name] of entries(root, section)) {
      if (!Object.hasOwn(providers, name)) continue;
      const message = `has the name of a provider; \`${name}\` is the ${section === 'routes' ? 'route' : 'alias'}, \`${name}/…\` the provider’s models`;
      found.push([[section, name], { level: 'warning', isAboutKey: true, message }]);
    }
  }
  return found;
}

/** Limits of routes that are not there: nothing is counted by them. */
function checkLimited(root: Root): readonly Found[] {
  const routes = entries(root, 'routes').map(([name]) => name);
  return Object.keys(asRecord(asRecord(root['limits'])?.['routes']) ?? {}).flatMap((name): readonly Found[] => {
    if (name === 'auto' || routes.includes(name)) return [];
    const suggestion = nearest(name, routes);
    const message = 'is the limit of a route that is not there';
    return [
      [
        ['limits', 'routes', name],
        { level: 'warning', isAboutKey: true, message, ...(suggestion === undefined ? {} : { suggestion }) },
      ],
    ];
  });
}

/** What each alias and route refers to, by its name, in the order of the file. */
function references(root: Root): ReadonlyMap<string, readonly Reference[]> {
  const uses = new Map<string, Reference[]>();
  for (const [name, value] of entries(root, 'aliases')) {
    const target = asString(value);
    if (target !== undefined) uses.set(name, [{ name: target, path: ['aliases', name] }]);
  }
  for (const [name, value] of entries(root, 'routes')) {
    const route = asRecord(value) ?? {};
    const list = [...usesOf(route, ['routes', name]), ...usesOfRules(route, name)];
    const seen = new Set<string>();
    uses.set(name, [...(uses.get(name) ?? []), ...list.filter((use) => !seen.has(use.name) && seen.add(use.name))]);
  }
  return uses;
}

/** What a route names, or a rule's `use`, which stands at `at`. */
function usesOf(route: Root, at: readonly PathStep[]): readonly Reference[] {
  return [...targetsOf(route, at), ...tiersOf(route, at)];
}

function usesOfRules(route: Root, name: string): readonly Reference[] {
  return (asArray(route['rules']) ?? []).flatMap((rule, index) =>
    usesOf(asRecord(asRecord(rule)?.['use']) ?? {}, ['routes', name, 'rules', index, 'use']),
  );
}

function targetsOf(route: Root, at: readonly PathStep[]): readonly Reference[] {
  return (asArray(route['targets']) ?? []).flatMap((entry, index) => {
    const path = [...at, 'targets', index];
    const target = asString(entry);
    if (target !== undefined) return [{ name: target, path }];
    const inner = isRecord(entry) ? asString(entry['target']) : undefined;
    return inner === undefined ? [] : [{ name: inner, path: [...path, 'target'] }];
  });
}

function tiersOf(route: Root, at: readonly PathStep[]): readonly Reference[] {
  return (asArray(route['tiers']) ?? []).flatMap((tier, row) =>
    (asArray(tier) ?? []).flatMap((entry, index) => {
      const target = asString(entry);
      return target === undefined ? [] : [{ name: target, path: [...at, 'tiers', row, index] }];
    }),
  );
}

/** Aliases and routes that lead back to themselves. Takes away what leads out, until only circles and the ways into them are left. */
function checkCircles(root: Root): readonly Found[] {
  const uses = references(root);
  const usedBy = new Map<string, string[]>();
  const left = new Map<string, number>();
  for (const [name, list] of uses) {
    const inner = list.filter((use) => uses.has(use.name));
    left.set(name, inner.length);
    for (const use of inner) usedBy.set(use.name, [...(usedBy.get(use.name) ?? []), name]);
  }
  const done = [...left].filter(([, count]) => count === 0).map(([name]) => name);
  for (const name of done) {
    left.delete(name);
    for (const user of usedBy.get(name) ?? []) {
      const count = (left.get(user) ?? 0) - 1;
      if (left.has(user)) left.set(user, count);
      if (count === 0) done.push(user);
    }
  }
  return circles(uses, new Set(left.keys()));
}

/** Each circle once, at its first name in the file. `stuck` holds the names from which no way leads out. */
function circles(uses: ReadonlyMap<string, readonly Reference[]>, stuck: ReadonlySet<string>): readonly Found[] {
  const found: Found[] = [];
  const reported = new Set<string>();
  for (const start of stuck) {
    if (reported.has(start)) continue;
    const way: Reference[] = [];
    const position = new Map<string, number>();
    let name = start;
    while (!position.has(name) && !reported.has(name)) {
      position.set(name, way.length);
      const next = uses.get(name)?.find((use) => stuck.has(use.name));
      if (next === undefined) break;
      way.push(next);
      name = next.name;
    }
    for (const seen of position.keys()) reported.add(seen);
    const circle = way.slice(position.get(name) ?? way.length);
    const first = circle[0];
    if (first === undefined) continue;
    const names = [name, ...circle.map((use) => use.name)].map((each) => `\`${each}\``).join(' → ');
    const hint =
      circle.length === 1 ? `. To mean the model of that name, write its provider too: \`provider/${name}\`` : '';
    found.push([first.path, { message: `leads back to itself: ${names}${hint}` }]);
  }
  return found;
}

function checkTiers(root: Root): readonly Found[] {
  return entries(root, 'routes').flatMap(([name, value]) => {
    const route = asRecord(value) ?? {};
    const targets = targetsOf(route, ['routes', name]);
    const tiers = tiersOf(route, ['routes', name]);
    const names = new Set(targets.map((target) => target.name));
    const isListed = Array.isArray(route['targets']);
    const strangers = isListed ? tiers.filter((use) => !names.has(use.name)) : [];
    return [
      ...strangers.map((use): Found => {
        const suggestion = nearest(use.name, names);
        const message = `names \`${use.name}\`, which is not among the route’s \`targets\``;
        return [use.path, { message, ...(suggestion === undefined ? {} : { suggestion }) }];
      }),
      ...repeated(targets),
      ...repeated(tiers),
    ];
  });
}

function repeated(list: readonly Reference[]): readonly Found[] {
  const seen = new Set<string>();
  const found: Found[] = [];
  for (const use of list) {
    if (seen.has(use.name)) found.push([use.path, { message: `names \`${use.name}\` a second time` }]);
    seen.add(use.name);
  }
  return found;
}

/** That every provider's dialect can be found: its own, or through `like`, or from the catalog. */
function checkLike(root: Root, known: KnownNames | undefined): readonly Found[] {
  const providers = new Map(entries(root, 'providers').map(([id, value]) => [id, asRecord(value) ?? {}]));
  const found: Found[] = [];
  for (const [id, provider] of providers) {
    const like = asString(provider['like']);
    if (like !== undefined) found.push(...checkLikeOf(id, like, { providers, known }));
    else if (known !== undefined && !known.providers.includes(id)) found.push(...checkOwnForm(id, provider, known));
  }
  return found;
}

interface Providers {
  readonly providers: ReadonlyMap<string, Root>;
  readonly known: KnownNames | undefined;
}

function checkLikeOf(id: string, like: string, { providers, known }: Providers): readonly Found[] {
  const path = ['providers', id, 'like'];
  if (like === id)
    return [
      [path, { message: `names the provider itself; leave \`like\` out, \`${id}\` already means the catalog’s` }],
    ];
  if (!providers.has(like)) {
    if (known === undefined || known.providers.includes(like)) return [];
    const suggestion = nearest(like, [...providers.keys(), ...known.providers]);
    return [
      [
        path,
        {
          message: `names \`${like}\`, which is no provider here or in the catalog`,
          ...(suggestion === undefined ? {} : { suggestion }),
        },
      ],
    ];
  }
  const way = [id];
  for (let next: string | undefined = like; next !== undefined; next = asString(providers.get(next)?.['like'])) {
    if (next === id) {
      const isFirst = [...providers.keys()].find((each) => way.includes(each)) === id;
      const names = [...way, id].map((each) => `\`${each}\``).join(' → ');
      return isFirst ? [[path, { message: `leads back to itself: ${names}` }]] : [];
    }
    if (way.includes(next)) return [];
    way.push(next);
  }
  return [];
}

function checkOwnForm(id: string, provider: Root, known: KnownNames): readonly Found[] {
  const path = ['providers', id];
  if (provider['dialect'] === undefined) {
    const suggestion = nearest(id, known.providers);
    const message = 'is not in the catalog. Give `like` (a catalog provider), or `dialect` and `base_url`';
    return [[path, { isAboutKey: true, message, ...(suggestion === undefined ? {} : { suggestion }) }]];
  }
  if (provider['base_url'] !== undefined) return [];
  return [[path, { isAboutKey: true, message: 'needs `base_url`: it is not in the catalog' }]];
}

const LOOPBACK =
  /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]|0\.0\.0\.0|\[::\])$/;

/** Base URLs that lead to this very gateway: each request would come back until something breaks. */
function checkAddresses(root: Root, options: CheckOptions): readonly Found[] {
  const server = asRecord(root['server']) ?? {};
  const port = options.port ?? asNumber(server['port']) ?? 8787;
  const host = asString(server['host']) ?? '127.0.0.1';
  return entries(root, 'providers').flatMap(([id, value]) => {
    const given = asString(asRecord(value)?.['base_url']);
    if (given === undefined || !URL.canParse(given)) return [];
    const url = new URL(given);
    const its = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    const isHere = LOOPBACK.test(url.hostname) || url.hostname === host || url.hostname === `[${host}]`;
    if (port === 0 || its !== port || !isHere) return [];
    return [
      [
        ['providers', id, 'base_url'],
        { message: 'leads to this gateway itself: requests would go round in a circle' },
      ] as const,
    ];
  });
}

const ACCOUNT_SECRETS = [
  ['aws', 'secret_access_key'],
  ['aws', 'session_token'],
  ['azure', 'client_secret'],
] as const;

function checkSecrets(root: Root, tree: Tree): readonly Found[] {
  const places = entries(root, 'providers').flatMap(([id, value]) => {
    const provider = asRecord(value) ?? {};
    return [
      ...texts(provider['api_key'], ['providers', id, 'api_key']),
      ...texts(provider['headers'], ['providers', id, 'headers']),
      ...ACCOUNT_SECRETS.flatMap(([account, name]) =>
        texts(asRecord(provider[account])?.[name], ['providers', id, account, name]),
      ),
    ];
  });
  const isWritten = (path: readonly PathStep[]): boolean => tree.places.get(pathText(path))?.hasReference !== true;
  const advice = 'Put it in the environment and write "${NAME}" here';
  const found = places.flatMap(([path, value]): readonly Found[] =>
    isWritten(path) && looksLikeSecret(value)
      ? [[path, { level: 'warning', message: `looks like a secret. ${advice}` }]]
      : [],
  );
  const store = asString(root['store']) ?? '';
  if (!/\/\/[^/@]*:[^/@]+@/.test(store) || !isWritten(['store'])) return found;
  return [...found, [['store'], { level: 'warning', message: `holds a password. ${advice}` }]];
}

/** All texts below a value, with their paths. */
function texts(value: unknown, path: readonly PathStep[]): readonly (readonly [readonly PathStep[], string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item, index) => texts(item, [...path, index]));
  return Object.entries(asRecord(value) ?? {}).flatMap(([name, item]) => texts(item, [...path, name]));
}
