/** `turnout check`: everything that is wrong with a configuration, with line and column, before anybody depends on it. */
import { relative, resolve } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { LoadedConfig } from '../config/load.ts';
import { lintRoutes } from '../routing/lint.ts';
import type { IntentDoubt } from '../config/checks.ts';
import type { ConfigError } from '../config/finding.ts';
import type { Config } from '../config/schema.ts';
import { pathText } from '../config/path.ts';
import { renderErrors, sentence } from '../config/render.ts';
import { loadCatalog } from './catalog-file.ts';
import { runCases, type CaseResult } from './check-cases.ts';
import { readConfigFile } from './config-file.ts';
import type { ReadConfig } from './config-file.ts';
import { credentialRows, type CredentialRow } from './credential-rows.ts';
import { providersInEnvironment } from './discover.ts';
import type { IntentModel } from '../understand/intents/intents.ts';
import { compiledHere } from './configuration.ts';
import { intentTrainer, type IntentTrainer } from './intents.ts';
import type { CommandIo } from './io.ts';
import { knownNames } from './known-names.ts';
import { readWords, textOf, type Words } from './options.ts';
import { wantsJson } from './words.ts';

const USAGE = `usage: turnout check [FILE | --config FILE] [--json] [--data DIR]

Reads FILE (else TURNOUT_CONFIG, else turnout.yaml) and prints each error with its line and column; without errors, where
each provider's credential would come from, and whether every case under \`expect\` of a route goes where it must.
Warnings do not fail; a case that goes elsewhere does.
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
  const trainer = intentTrainer();
  const { trainNow } = trainer;
  const doubtsAboutIntents = ({ intents }: Config): readonly IntentDoubt[] => trainNow(intents)?.warnings ?? [];
  const names = { ...knownNames(catalog, today), doubtsAboutIntents };
  const read = await readConfigFile(path, { file, env: io.env, known: names });
  const { result } = read;
  const rows = result.ok ? await credentialRows(result.value.config, catalog, io.env) : [];
  const intents = result.ok ? trainNow(result.value.config.intents) : undefined;
  const routed = result.ok ? await routedOf(result.value, { catalog, trainer, io }) : { warnings: [], cases: [] };
  const checked: Checked = { file, read, rows, intents, ...routed };
  if (wantsJson(words)) io.stdout(`${JSON.stringify(asJson(checked))}\n`);
  else print(checked, io);
  return result.ok && routed.cases.every(({ ok }) => ok) ? 0 : 1;
}

interface Routed {
  /** What routes say that cannot come to pass. */
  readonly warnings: readonly ConfigError[];
  readonly cases: readonly PlacedCase[];
}

interface PlacedCase extends CaseResult {
  /** Where it stands in the file. */
  readonly line: number;
}

interface Checked extends Routed {
  readonly file: string;
  readonly read: ReadConfig;
  readonly rows: readonly CredentialRow[];
  readonly intents: IntentModel | undefined;
}

interface Around {
  readonly catalog: Catalog;
  readonly trainer: IntentTrainer;
  readonly io: CommandIo;
}

/** The routes as they would be in force here: linted, and held to their cases. */
async function routedOf({ config: written, placed }: LoadedConfig, { catalog, trainer, io }: Around): Promise<Routed> {
  if (Object.keys(written.routes).length === 0) return { warnings: [], cases: [] };
  const isEmpty = Object.keys(written.providers).length === 0;
  const config = isEmpty ? { ...written, providers: providersInEnvironment(catalog, io.env) } : written;
  const env = { ...keysToBe(config, catalog), ...io.env };
  const { snapshot } = await compiledHere(config, { catalog, env, intents: trainer });
  const cases = runCases(config, snapshot).map((one) => {
    const [place] = placed([{ path: one.path, message: '' }]);
    return { ...one, line: place?.line ?? 1 };
  });
  return { warnings: placed(lintRoutes(config, snapshot)), cases };
}

/** A file is checked where its keys are not, too: where requests would go does not depend on them. That they are missing is told beside. */
function keysToBe({ providers }: Config, catalog: Catalog): Readonly<Record<string, string>> {
  const names = Object.keys(providers).flatMap(
    (id) => catalog.provider(likeRoot(id, providers))?.envKeys.slice(0, 1) ?? [],
  );
  return Object.fromEntries(names.map((name) => [name, 'to be given where it runs']));
}

/** What a provider is like in the end. Cycles were refused when the file was read. */
function likeRoot(id: string, providers: Config['providers']): string {
  const like = providers[id]?.like;
  return like === undefined ? id : likeRoot(like, providers);
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

function print({ file, read, rows, intents, ...routed }: Checked, io: CommandIo): void {
  const { text, result } = read;
  if (!result.ok) {
    io.stderr(`${renderErrors(result.error, text)}\n${file}: ${count(result.error.length, 'error')}\n`);
    return;
  }
  const { config } = result.value;
  const warnings = [...result.value.warnings, ...routed.warnings];
  if (warnings.length > 0) io.stderr(`${renderErrors(warnings, text, 'warning: ')}\n`);
  const note = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
  const width = Math.max(0, ...rows.map(({ provider }) => provider.length));
  const lines = rows.map(({ provider, credential }) => `  ${provider.padEnd(width)}  ${credential}\n`);
  io.stdout(
    `${file}: ok (${summary(config)})${note}\n${lines.join('')}${intentLine(intents)}${casesShown(file, routed.cases)}`,
  );
}

function intentLine(intents: IntentModel | undefined): string {
  if (intents === undefined) return '';
  const { right, wrong } = intents.heldOut;
  const [found, taken, refused] = [right, wrong, 1 - right - wrong].map((share) => `${Math.round(100 * share)}%`);
  return `  ${count(intents.names.length, 'intent')}: of new prompts like the examples ${found} should be found, ${taken} taken for another, ${refused} for none\n`;
}

/** As a runner of tests shows them: each case with where it goes, and what is not as expected. */
function casesShown(file: string, cases: readonly PlacedCase[]): string {
  if (cases.length === 0) return '';
  const lines = cases.flatMap((one, index) => [
    ...(cases[index - 1]?.route === one.route ? [] : [`${one.route}:`]),
    caseLine(file, one),
    ...one.problems.map((problem) => `        ${problem}`),
    ...(one.ok ? [] : [`        why ${one.got}: ${one.why}`]),
  ]);
  const failed = cases.filter(({ ok }) => !ok).length;
  return `${lines.join('\n')}\n${count(cases.length, 'case')}: ${cases.length - failed} as expected, ${failed} not\n`;
}

function caseLine(file: string, { ok, name, got, why, line }: PlacedCase): string {
  return ok ? `  ok    ${name}: ${got} (${why})` : `  FAIL  ${name} (${file}:${line})`;
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

function asJson({ file, read: { result }, rows, warnings: routeWarnings, cases }: Checked): unknown {
  const errors = result.ok ? [] : result.error;
  const warnings = result.ok ? [...result.value.warnings, ...routeWarnings] : [];
  return {
    ok: result.ok && cases.every(({ ok }) => ok),
    file,
    errors: errors.map(row),
    warnings: warnings.map(row),
    ...(result.ok ? { providers: rows } : {}),
    ...(cases.length === 0 ? {} : { cases: cases.map((one) => ({ ...one, path: pathText(one.path) })) }),
  };
}

function row(error: ConfigError): unknown {
  return { ...error, text: `${error.file}:${error.line}:${error.column}: ${sentence(error)}` };
}
