/** The configuration in force: read, compiled, watched, and swapped whole. A broken file never replaces a good one. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { configSchema, type Config, type ProviderConfig } from '../config/schema.ts';
import { parseConfig } from '../config/load.ts';
import { renderErrors } from '../config/render.ts';
import { gateDialects } from '../dialects/index.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { compile } from '../routing/compile.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Log } from '../telemetry/log.ts';
import { watchConfigFile } from './config-file.ts';

export interface ConfigurationOptions {
  /** Absolute; undefined where there is none and none is wanted. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly catalog: Catalog;
  /** Providers to serve where the file names none: what was found on this machine, or the simulator. */
  readonly fallbackProviders: Readonly<Record<string, ProviderConfig>>;
}

export interface Loaded {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly warnings: readonly string[];
}

/** Reads and compiles once. The error is ready to be shown: file, line, column, what is allowed. */
export function loadConfiguration(options: ConfigurationOptions): Result<Loaded, string> {
  const read = readConfig(options.file, options.env);
  if (!read.ok) return read;
  const { config, warnings } = read.value;
  const isEmpty = Object.keys(config.providers).length === 0;
  const effective: Config = isEmpty ? { ...config, providers: options.fallbackProviders } : config;
  const compiled = compile({ config: effective, catalog: options.catalog, env: options.env, dialects: gateDialects });
  return ok({ config: effective, snapshot: compiled.snapshot, warnings: [...warnings, ...compiled.warnings] });
}

function readConfig(
  file: string | undefined,
  env: ConfigurationOptions['env'],
): Result<{ readonly config: Config; readonly warnings: readonly string[] }, string> {
  if (file === undefined) return ok({ config: configSchema.parse({}), warnings: [] });
  if (!existsSync(file)) return err(`${file}: there is no such file. Make one with \`turnout init\`.`);
  const text = readFileSync(file, 'utf8');
  const parsed = parseConfig(text, { file, env });
  if (!parsed.ok) return err(renderErrors(parsed.error, text));
  return ok({ config: parsed.value.config, warnings: parsed.value.warnings.map((warning) => renderErrors([warning], text)) });
}

export interface Configuration {
  current(): Loaded;
  /** What is wrong with the newest file; undefined while it is in force. */
  problem(): string | undefined;
  reload(): void;
  close(): void;
}

/** Keeps the newest good configuration in force while the file changes. */
export function keepConfiguration(first: Loaded, options: ConfigurationOptions, log: Log): Configuration {
  let current = first;
  let problem: string | undefined;
  function reload(): void {
    const loaded = loadConfiguration(options);
    if (!loaded.ok) {
      problem = loaded.error;
      log('error', 'the configuration was not reloaded; the last good one stays in force', { problem: loaded.error });
      return;
    }
    problem = undefined;
    if (loaded.value.snapshot.id === current.snapshot.id) return;
    current = loaded.value;
    log('info', 'the configuration was reloaded', { snapshot: current.snapshot.id });
    for (const warning of loaded.value.warnings) log('warn', warning);
  }
  const watcher = options.file === undefined ? undefined : watchConfigFile(options.file, reload);
  return { current: () => current, problem: () => problem, reload, close: () => watcher?.close() };
}

/** Folder for database and journal: from the command line, the environment, or the file (relative to it). */
export function dataDirOf(given: string | undefined, config: Config, file: string | undefined, cwd: string): string {
  if (given !== undefined) return resolve(cwd, given);
  return resolve(file === undefined ? cwd : dirname(file), config.data);
}
