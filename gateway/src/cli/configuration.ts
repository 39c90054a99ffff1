/** The configuration in force: read, compiled, watched, and swapped whole. A broken file never replaces a good one. */
import { dirname, resolve } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { configSchema, type Config, type ProviderConfig } from '../config/schema.ts';
import { pathText } from '../config/path.ts';
import { renderErrors, sentence, summary } from '../config/render.ts';
import { keyFilesFrom, placesOf } from '../credentials/places.ts';
import { gateDialects } from '../dialects/index.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { compile, type Compiled } from '../routing/compile.ts';
import { lintRoutes } from '../routing/lint.ts';
import type { ProviderSecret } from '../routing/provider-secret.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Log } from '../telemetry/log.ts';
import { loadLanguages, type DetectLanguage } from '../understand/language.ts';
import { readConfigFile, watchConfigFile } from './config-file.ts';
import { intentTrainer } from './intents.ts';
import type { IntentTrainer } from './intents.ts';
import { knownNames } from './known-names.ts';
import { settingsOf, watched } from './settings.ts';

export interface ConfigurationOptions {
  /** Absolute; undefined where there is none and none is wanted. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly catalog: Catalog;
  /** Providers to serve where the file names none: what was found on this machine, or the simulator. */
  readonly fallbackProviders: Readonly<Record<string, ProviderConfig>>;
  /** Where the gateway will listen, so that a base URL that leads back to it is refused. */
  readonly port?: number;
  /** Day of the check, `2026-11-22`: models that are retired by then are told. */
  readonly today: string;
  /** Trains the intents, and keeps them for the next reading. Absent: each reading trains them anew. */
  readonly intents?: IntentTrainer;
  /** Credentials of the store, as they are at each reading. Absent: there are none. */
  readonly secrets?: () => readonly ProviderSecret[];
}

export interface Loaded {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly warnings: readonly string[];
  /** What the snapshot was compiled of, without secrets. */
  readonly settings: () => JsonRecord;
}

/** What is wrong with a file, ready to be told. */
export interface ConfigurationProblem {
  /** With the lines of the file and what is allowed: for the terminal of whoever wrote it. */
  readonly shown: string;
  /** Places and sentences alone: for log, metrics and answers. The lines around an error may hold secrets. */
  readonly told: string;
}

/** Reads and compiles once. */
export async function loadConfiguration(options: ConfigurationOptions): Promise<Result<Loaded, ConfigurationProblem>> {
  const read = await readConfig(options);
  if (!read.ok) return read;
  const { config, warnings } = read.value;
  const isEmpty = Object.keys(config.providers).length === 0;
  const effective: Config = isEmpty ? { ...config, providers: options.fallbackProviders } : config;
  const { snapshot, warnings: doubts, seen } = await compiledHere(effective, options);
  return ok({
    config: effective,
    snapshot,
    warnings: [...warnings, ...doubts, ...routeWarnings(effective, snapshot)],
    settings: () => settingsOf(effective, seen()),
  });
}

/** Compiles a configuration with what stands around it: the environment, the clouds' files, trained intents, what tells languages. */
export async function compiledHere(
  config: Config,
  options: Pick<ConfigurationOptions, 'catalog' | 'env' | 'intents' | 'secrets'> & {
    readonly file?: string | undefined;
  },
): Promise<Compiled & { readonly seen: () => JsonRecord }> {
  const { catalog, env, intents: trainer = intentTrainer(), secrets = () => [], file } = options;
  const keyFile = keyFilesFrom(file === undefined ? '.' : dirname(file));
  const { seen, ...around } = watched({ env, places: placesOf(env), keyFile, secrets: secrets() });
  const intents = await trainer.train(config.intents);
  const detectLanguage = await languagesFor(config);
  const dialects = gateDialects;
  return { ...compile({ config, catalog, dialects, intents, detectLanguage, ...around }), seen };
}

/** What routes say that cannot come to pass. */
function routeWarnings(config: Config, snapshot: Snapshot): readonly string[] {
  return lintRoutes(config, snapshot).map(({ path, message }) => `\`${pathText(path)}\` ${message}`);
}

/** Fifty megabytes that most gateways never need: loaded where a rule, or whoever reads all facts, asks for a language. */
export async function languagesFor({ routes, understand }: Config): Promise<DetectLanguage | undefined> {
  const asks = Object.values(routes).some(({ rules = [] }) => rules.some(({ when }) => when.includes('language')));
  return asks || understand.content === 'always' ? loadLanguages() : undefined;
}

type ReadResult = Result<{ readonly config: Config; readonly warnings: readonly string[] }, ConfigurationProblem>;

async function readConfig({ file, env, catalog, port, today: day }: ConfigurationOptions): Promise<ReadResult> {
  if (file === undefined) return ok({ config: configSchema.parse({}), warnings: [] });
  const known = knownNames(catalog, day);
  const { text, result } = await readConfigFile(file, { file, env, known, ...(port === undefined ? {} : { port }) });
  if (!result.ok) return err({ shown: renderErrors(result.error, text), told: summary(result.error) });
  return ok({ config: result.value.config, warnings: result.value.warnings.map((warning) => sentence(warning)) });
}

export interface Configuration {
  current(): Loaded;
  /** What is wrong with the newest file; undefined while it is in force. */
  problem(): string | undefined;
  /** Reads the file again; resolves when the outcome is in force, or known to be none. */
  reload(): Promise<void>;
  close(): void;
}

export interface Watchers {
  readonly log: Log;
  /** Told of each configuration that comes into force after the first. */
  readonly inForce: (loaded: Loaded) => void;
}

/** Keeps the newest good configuration in force while the file changes. */
export function keepConfiguration(
  first: Loaded,
  options: ConfigurationOptions,
  { log, inForce }: Watchers,
): Configuration {
  let current = first;
  let problem: string | undefined;
  async function load(): Promise<void> {
    const loaded = await loadConfiguration({ ...options, today: today() });
    if (!loaded.ok) {
      problem = loaded.error.told;
      log('error', 'the configuration was not reloaded; the last good one stays in force', { problem });
      return;
    }
    problem = undefined;
    if (loaded.value.snapshot.id === current.snapshot.id) return;
    current = loaded.value;
    inForce(current);
    log('info', 'the configuration was reloaded', { snapshot: current.snapshot.id });
    for (const warning of loaded.value.warnings) log('warn', warning);
  }
  // One load after the other: two at once could put the older file in force last.
  let last = Promise.resolve();
  function reload(): Promise<void> {
    last = last
      .then(load)
      .catch((error: unknown) => log('error', 'the configuration could not be read', { error: String(error) }));
    return last;
  }
  const watcher = options.file === undefined ? undefined : watchConfigFile(options.file, () => void reload());
  // What changed between the first read and the start of the watch.
  if (watcher !== undefined) void reload();
  return { current: () => current, problem: () => problem, reload, close: () => watcher?.close() };
}

/** Today's date, UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Folder for database and journal: from the command line, the environment, or the file (relative to it). */
export function dataDirOf(of: {
  readonly given: string | undefined;
  readonly config: Config;
  readonly file: string | undefined;
  readonly cwd: string;
}): string {
  if (of.given !== undefined) return resolve(of.cwd, of.given);
  return resolve(of.file === undefined ? of.cwd : dirname(of.file), of.config.data);
}
