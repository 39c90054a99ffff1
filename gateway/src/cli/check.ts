/** `turnout check`: everything that is wrong with a configuration, with line and column, before anybody depends on it. */
import { relative, resolve } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { IntentDoubt } from '../config/checks.ts';
import type { ConfigError } from '../config/finding.ts';
import type { Config } from '../config/schema.ts';
import { renderErrors, sentence } from '../config/render.ts';
import { loadCatalog } from './catalog-file.ts';
import { readConfigFile } from './config-file.ts';
import type { ReadConfig } from './config-file.ts';
import { credentialRows, type CredentialRow } from './credential-rows.ts';
import type { IntentModel } from '../understand/intents/intents.ts';
import { intentTrainer } from './intents.ts';
import type { CommandIo } from './io.ts';
import { knownNames } from './known-names.ts';
import { readWords, textOf, type Words } from './options.ts';

const USAGE = `usage: turnout check [FILE | --config FILE] [--json] [--data DIR]

Reads FILE (else TURNOUT_CONFIG, else turnout.yaml) and prints each error with its line and column; without errors, where
each provider's credential would come from. Warnings do not fail.
`;
const DAY_LENGTH = 'YYYY-MM-DD'.length;

/** What is known beside the file. */
export interface Known {
  readonly catalog: Catalog;
  /** Such as `2026-11-22`. */
  readonly today: string;
}

/** Exit codes: 0 the file is right, 1 it is not, 2 the command was not understood. `known` stands in for catalog and day in tests. */
export async function checkCommand(args: readonly string[], io: CommandIo, known?: Known): Promise<number> {
  const [flag, text] = [{ type: 'boolean' }, { type: 'string' }] as const;
  const words = readWords(args, { json: flag, help: flag, data: text, config: text });
  if (!words.ok || namesOf(words.value).length > 1) {
    io.stderr(words.ok ? USAGE : `${words.error}\n${USAGE}`);
    return 2;
  }
  if (words.value.values['help'] === true) {
    io.stdout(USAGE);
    return 0;
  }
  return checkFile(words.value, io, known);
}

async function checkFile(words: Words, io: CommandIo, known: Known | undefined): Promise<number> {
  const path = resolve(io.cwd, namesOf(words)[0] ?? io.env['TURNOUT_CONFIG'] ?? 'turnout.yaml');
  const dataDir = resolve(io.cwd, textOf(words, 'data') ?? io.env['TURNOUT_DATA'] ?? 'data');
  const { catalog, today } = known ?? knowledge(dataDir, io);
  const file = shortName(path, io.cwd);
  const { trainNow } = intentTrainer();
  const doubtsAboutIntents = ({ intents }: Config): readonly IntentDoubt[] => trainNow(intents)?.warnings ?? [];
  const names = { ...knownNames(catalog, today), doubtsAboutIntents };
  const read = await readConfigFile(path, { file, env: io.env, known: names });
  const { result } = read;
  const rows = result.ok ? await credentialRows(result.value.config, catalog, io.env) : [];
  const intents = result.ok ? trainNow(result.value.config.intents) : undefined;
  if (words.values['json'] === true) io.stdout(`${JSON.stringify(asJson(file, read, rows))}\n`);
  else print(file, read, { io, rows, intents });
  return result.ok ? 0 : 1;
}

function knowledge(dataDir: string, io: CommandIo): Known {
  const catalog = loadCatalog(dataDir, (problem) => io.stderr(`${problem}\n`));
  return { catalog, today: new Date().toISOString().slice(0, DAY_LENGTH) };
}

/** The file may be named bare, or as other commands take it. */
function namesOf(words: Words): readonly string[] {
  const named = textOf(words, 'config');
  return named === undefined ? words.positionals : [named, ...words.positionals];
}

/** The path as the person would type it. */
function shortName(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
}

interface Printing {
  readonly io: CommandIo;
  readonly rows: readonly CredentialRow[];
  readonly intents: IntentModel | undefined;
}

function print(file: string, { text, result }: ReadConfig, { io, rows, intents }: Printing): void {
  if (!result.ok) {
    io.stderr(`${renderErrors(result.error, text)}\n${file}: ${count(result.error.length, 'error')}\n`);
    return;
  }
  const { config, warnings } = result.value;
  if (warnings.length > 0) io.stderr(`${renderErrors(warnings, text, 'warning: ')}\n`);
  const note = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
  const width = Math.max(0, ...rows.map(({ provider }) => provider.length));
  const lines = rows.map(({ provider, credential }) => `  ${provider.padEnd(width)}  ${credential}\n`);
  io.stdout(`${file}: ok (${summary(config)})${note}\n${lines.join('')}${intentLine(intents)}`);
}

function intentLine(intents: IntentModel | undefined): string {
  if (intents === undefined) return '';
  const { right, wrong } = intents.heldOut;
  const [found, taken, refused] = [right, wrong, 1 - right - wrong].map((share) => `${Math.round(100 * share)}%`);
  return `  ${count(intents.names.length, 'intent')}: of new prompts like the examples ${found} should be found, ${taken} taken for another, ${refused} for none\n`;
}

function summary(config: Config): string {
  const parts = [
    count(Object.keys(config.providers).length, 'provider'),
    count(Object.keys(config.aliases).length, 'alias', 'aliases'),
    count(Object.keys(config.routes).length, 'route'),
  ];
  return parts.join(', ');
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function asJson(file: string, { result }: ReadConfig, rows: readonly CredentialRow[]): unknown {
  const errors = result.ok ? [] : result.error;
  const warnings = result.ok ? result.value.warnings : [];
  return {
    ok: result.ok,
    file,
    errors: errors.map(row),
    warnings: warnings.map(row),
    ...(result.ok ? { providers: rows } : {}),
  };
}

function row(error: ConfigError): unknown {
  return { ...error, text: `${error.file}:${error.line}:${error.column}: ${sentence(error)}` };
}
