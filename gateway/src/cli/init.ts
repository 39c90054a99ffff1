/** `turnout init`: a first turnout.yaml out of what this machine has. Names of variables go in, never their values. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FORBIDDEN_KEYS, MODEL_NAME } from '../config/fields.ts';
import { loadCatalog } from './catalog-file.ts';
import { discover, findingsOf } from './discover.ts';
import type { Findings, FoundServer } from './findings.ts';
import type { CommandIo } from './io.ts';
import { readWords } from './options.ts';

const USAGE = `usage: turnout init [FILE] [--force]

Writes FILE (else turnout.yaml) with the providers whose keys are in the environment, and the model servers found on
this machine. An existing file is replaced only with --force.
`;
const SCHEMA_FILE = 'turnout.schema.json';
/** Where the gateway itself will listen: a server there is an older Turnout, not a provider. */
const OWN_PORT = 8787;
/** A server may list hundreds of models; the file names the first of them. */
const MODELS_MAX = 20;

/** Exit codes: 0 written, 1 not written, 2 the command was not understood. `found` stands in for a look around in tests. */
export async function initCommand(args: readonly string[], io: CommandIo, found?: Findings): Promise<number> {
  const words = readWords(args, { force: { type: 'boolean' }, help: { type: 'boolean' } });
  if (!words.ok || words.value.positionals.length > 1) {
    io.stderr(words.ok ? USAGE : `${words.error}\n${USAGE}`);
    return 2;
  }
  if (words.value.values['help'] === true) {
    io.stdout(USAGE);
    return 0;
  }
  const path = resolve(io.cwd, words.value.positionals[0] ?? 'turnout.yaml');
  const mayReplace =
    words.value.values['force'] === true || !existsSync(path) || (await io.confirm?.(`Replace ${path}?`)) === true;
  if (!mayReplace) {
    io.stderr(`${path} is there already. Give another name, or replace it with --force.\n`);
    return 1;
  }
  const findings = { ...(found ?? (await lookAround(io))), ...schemaBeside(path) };
  const problem = await save(path, starterConfig(findings));
  if (problem !== undefined) {
    io.stderr(`${path} cannot be written: ${problem}\n`);
    return 1;
  }
  io.stdout(`${path} is written: ${summary(findings)}.\nNext: turnout check, then turnout serve.\n`);
  return 0;
}

async function lookAround(io: CommandIo): Promise<Findings> {
  const catalog = loadCatalog(resolve(io.cwd, io.env['TURNOUT_DATA'] ?? 'data'));
  return findingsOf(await discover(catalog, io.env, OWN_PORT));
}

/** The schema helps an editor only where it lies beside the file; an address would be a call home. */
function schemaBeside(path: string): Pick<Findings, 'schemaPath'> {
  return existsSync(join(dirname(path), SCHEMA_FILE)) ? { schemaPath: `./${SCHEMA_FILE}` } : {};
}

/** Writes all or nothing; gives what went wrong. */
async function save(path: string, text: string): Promise<string | undefined> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
    return undefined;
  } catch (error) {
    await rm(temporary, { force: true });
    return error instanceof Error ? error.message : String(error);
  }
}

function summary({ envKeys, accounts = [], locals }: Findings): string {
  const names = [...envKeys, ...accounts, ...locals].map(({ provider }) => provider);
  return names.length === 0 ? 'no provider was found, so it begins with none' : `providers ${names.join(', ')}`;
}

/** The text of a starting configuration, commented, valid as it stands. Holds `${NAME}` for keys, never a key. */
export function starterConfig(findings: Findings): string {
  const schema = findings.schemaPath === undefined ? [] : [`# yaml-language-server: $schema=${findings.schemaPath}`];
  const lines = [
    ...schema,
    '# Settings of Turnout. `turnout check` says what is wrong here; docs/reference/config.md has every key.',
    '# A change takes effect when the file is saved. One that is wrong changes nothing, and is reported.',
    '',
    'server: {host: 127.0.0.1, port: 8787}',
    'data: ./data                        # SQLite file and journal',
    '',
    ...providerLines(findings),
    '',
    '# Other names for models:',
    'aliases: {}',
    '#  fast: openai/gpt-5-mini',
    '',
    '# Policies over several models, to be called like a model:',
    'routes: {}',
    '#  support:',
    '#    description: The first that answers',
    '#    targets: [openai/gpt-5-mini, anthropic/claude-sonnet-5]',
    '#    fallback: {on: [error, rate-limit, timeout], attempts: 3, price_factor_max: 3}',
    '',
    'timeouts: {connect_ms: 2000, first_byte_ms: 60000, first_token_ms: 60000, idle_ms: 60000, total_ms: 600000}',
    'attempts: 3                         # for one request, repeats and fallbacks counted together',
    'log: {requests: metadata}           # none or metadata',
  ];
  return `${lines.join('\n')}\n`;
}

function providerLines({ envKeys, accounts = [], locals }: Findings): readonly string[] {
  const seen = new Set<string>();
  const rows = [
    ...envKeys.map(({ provider, env }) => [provider, [`  ${provider}: {api_key: "\${${env}}"}`]] as const),
    ...accounts.map(
      ({ provider, env }) =>
        [provider, [`  ${provider}: {}`.padEnd(34) + `# the account of the environment (${env})`]] as const,
    ),
    ...locals.map((server) => [server.provider, serverLines(server)] as const),
  ].flatMap(([provider, lines]) => {
    if (seen.has(provider)) return [];
    seen.add(provider);
    return lines;
  });
  const intro = '# Who serves models. Of a provider in the catalog, its key is enough.';
  const example = [
    '#  openai: {api_key: "${OPENAI_API_KEY}"}',
    '#  house: {dialect: openai-chat, base_url: "http://10.0.0.5:8000/v1"}',
  ];
  return rows.length === 0 ? [intro, 'providers: {}', ...example] : [intro, 'providers:', ...rows];
}

function serverLines({ provider, url, dialect = 'openai-chat', models = [] }: FoundServer): readonly string[] {
  const head = [`  ${provider}:`, `    dialect: ${dialect}`, `    base_url: ${JSON.stringify(url)}`];
  // Only what the file may hold: the list comes from a server that anybody on this machine may have started.
  const usable = models.filter((model) => MODEL_NAME.pattern.test(model) && !FORBIDDEN_KEYS.has(model));
  const names = [...new Set(usable)].slice(0, MODELS_MAX);
  if (names.length === 0) return head;
  const rows = names.map((model) => `      ${JSON.stringify(model)}: {price: {input: 0, output: 0}}`);
  return [...head, '    models:                         # on your own machine: free', ...rows];
}
