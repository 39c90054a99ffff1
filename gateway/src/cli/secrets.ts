/** `turnout secrets`: credentials of providers, sealed in the store. They go in by the standard input, and never come out here. */
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { placesOf } from '../credentials/places.ts';
import { gateDialects } from '../dialects/index.ts';
import { compact } from '../lib/json.ts';
import { jsonText } from '../lib/json-text.ts';
import { originOf } from '../lib/url.ts';
import type { SecretSettings } from '../routing/provider-secret.ts';
import { suppliersOf } from '../routing/targets.ts';
import { settingsRecord } from '../store/books/secrets.ts';
import type { SecretRow, Secrets } from '../store/secret-ports.ts';
import { loadCatalog } from './catalog-file.ts';
import { loadConfiguration, today } from './configuration.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, dataDirOf, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { idOf, isSure, wantsJson } from './words.ts';

const HELP = `turnout secrets set PROVIDER [--name NAME] [--origin URL] < FILE
turnout secrets list
turnout secrets check                  can each be opened, and is its provider still where it was saved for?
turnout secrets disable|enable ID
turnout secrets remove ID [--yes]
turnout secrets rotate                 seals them with a new master key, or with the first of TURNOUT_MASTER_KEY

  The secret is read from the standard input, never from the command line. It is sent to one origin only: that of
  --origin, else the one where the configuration has the provider.

  --name NAME                which of several a provider has (default)
  --region R, --weight N     where its account computes; its share of the requests
  --requests-per-minute N, --tokens-per-minute N, --concurrent N   what the provider allows it
  --config FILE              the configuration (else TURNOUT_CONFIG, else ./turnout.yaml)
  --data DIR                 the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json                     for programs
`;

/** In the audit log. */
const BY = 'cli';

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  data: TEXT,
  config: TEXT,
  json: FLAG,
  help: FLAG,
  yes: FLAG,
  name: TEXT,
  origin: TEXT,
  region: TEXT,
  weight: TEXT,
  'requests-per-minute': TEXT,
  'tokens-per-minute': TEXT,
  concurrent: TEXT,
} as const;

interface Command {
  readonly secrets: Secrets;
  readonly io: CommandIo;
  readonly words: Words;
  readonly dataDir: string;
}

const ALLOWED = ['requests-per-minute', 'tokens-per-minute', 'concurrent'] as const;

const actions: Readonly<Record<string, Action<(command: Command) => Promise<number>>>> = {
  // It refuses what is too much by itself, and does not repeat it.
  set: { names: Infinity, options: ['config', 'name', 'origin', 'region', 'weight', ...ALLOWED], run: set },
  list: { run: list },
  check: { options: ['config'], run: check },
  disable: { names: 1, run: async (command) => disable(command, true) },
  enable: { names: 1, run: async (command) => disable(command, false) },
  remove: { names: 1, options: ['yes'], run: remove },
  rotate: { run: rotate },
};

/** Runs `turnout secrets …`; gives the exit code. */
export async function secretsCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const action = actionOf(actions, words, 'secrets');
    const dataDir = dataDirOf(textOf(words, 'data'), io);
    const place = { words, io, mayCreate: words.positionals[0] === 'set' };
    return withDesk(place, async (desk) => action({ secrets: await desk.secrets(), io, words, dataDir }));
  });
}

async function set(command: Command): Promise<number> {
  const { secrets, io, words } = command;
  const [, provider, ...more] = words.positionals;
  // Not repeated: who writes the secret there should not find it on the screen and in a log as well.
  if (more.length > 0) throw new UsageError('the secret is read from the standard input, not from the command line');
  if (provider === undefined) throw new UsageError('say for which provider');
  const origin = textOf(words, 'origin') ?? (await originsHere(command, [provider])).get(provider);
  if (origin === undefined)
    throw new Error(`where ${inert(provider)} is, is not known here. Name its address: --origin https://…`);
  if (io.readSecret === undefined) throw new Error('there is no standard input to read the secret from');
  const secret = await io.readSecret(`Secret for ${inert(provider)}: `);
  const name = textOf(words, 'name');
  const before = secrets.list().find((one) => one.provider === provider && one.name === (name ?? 'default'));
  const row = valueOf(await secrets.save(compact({ provider, name, origin, secret, settings: settingsOf(words) }), BY));
  if (wantsJson(words)) io.stdout(`${jsonText(shown(row))}\n`);
  else
    io.stdout(
      `The secret "${row.name}" of ${inert(provider)} (${row.id}) is kept for ${row.origin}${before === undefined ? '' : `, in the place of ${before.id}; --name NAME keeps another beside it`}.\n`,
    );
  return EXIT.ok;
}

async function list({ secrets, io, words }: Command): Promise<number> {
  const rows = secrets.list();
  if (wantsJson(words)) io.stdout(`${jsonText({ secrets: rows.map(shown) })}\n`);
  else {
    const head = ['ID', 'PROVIDER', 'NAME', 'ORIGIN', 'ENDS WITH', 'STATE', 'MADE'];
    io.stdout(table([head, ...rows.map(cells)]));
  }
  return EXIT.ok;
}

function cells(row: SecretRow): readonly string[] {
  const { id, provider, name, origin, hint, isDisabled, createdAtMs } = row;
  const made = new Date(createdAtMs).toISOString();
  return [id, provider, name, origin, hint === '' ? '' : `…${hint}`, isDisabled ? 'disabled' : 'active', made];
}

/** Exit code 0 only where all can be used. */
async function check(command: Command): Promise<number> {
  const { secrets, io, words } = command;
  const opened = secrets.current();
  const origins = await originsHere(command, [...new Set(opened.map(({ provider }) => provider))]);
  const rows = opened.map(({ id, provider, name, origin, problem }) => {
    const at = origins.get(provider);
    const moved = `saved for ${origin}, and the provider is at ${at ?? 'no address known here'}: set it again`;
    const state = problem ?? (at === origin ? 'ok' : moved);
    return { id, provider, name, ok: state === 'ok', state };
  });
  if (wantsJson(words)) io.stdout(`${jsonText({ secrets: rows })}\n`);
  else {
    const lines = rows.map(({ id, provider, name, state }) => [id, provider, name, state]);
    io.stdout(table([['ID', 'PROVIDER', 'NAME', 'STATE'], ...lines]));
  }
  return rows.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

async function disable({ secrets, io, words }: Command, isDisabled: boolean): Promise<number> {
  const id = idOf(words, 'secret', 'secrets');
  const row = valueOf(await secrets.disable(id, isDisabled, BY));
  if (row === undefined) throw new Error(`there is no secret ${inert(id)}`);
  if (wantsJson(words)) io.stdout(`${jsonText(shown(row))}\n`);
  else io.stdout(`The secret "${row.name}" of ${inert(row.provider)} is ${isDisabled ? 'disabled' : 'active'}.\n`);
  return EXIT.ok;
}

async function remove({ secrets, io, words }: Command): Promise<number> {
  const id = idOf(words, 'secret', 'secrets');
  const row = secrets.list().find((one) => one.id === id);
  if (row === undefined) throw new Error(`there is no secret ${inert(id)}`);
  const question = `Remove the secret "${row.name}" of ${inert(row.provider)}? It cannot be brought back.`;
  if (!(await isSure(words, io, question))) return EXIT.failed;
  const removed = valueOf(await secrets.remove(id, BY));
  io.stdout(wantsJson(words) ? `${jsonText({ id, removed })}\n` : 'Removed.\n');
  return EXIT.ok;
}

async function rotate({ secrets, io, words }: Command): Promise<number> {
  const count = valueOf(await secrets.rotate(BY));
  const isFile = io.env['TURNOUT_MASTER_KEY'] === undefined;
  const by = isFile ? 'a new key, which is in the file master-key now' : 'the first key of TURNOUT_MASTER_KEY';
  io.stdout(wantsJson(words) ? `${jsonText({ secrets: count })}\n` : `Sealed with ${by}: ${count}.\n`);
  return EXIT.ok;
}

function settingsOf(words: Words): SecretSettings {
  const number = (name: string): number | undefined => {
    const text = textOf(words, name);
    if (text === undefined) return undefined;
    if (!/^\d{1,12}(\.\d{1,6})?$/.test(text)) throw new UsageError(`--${name} must be a number`);
    return Number(text);
  };
  return compact({
    region: textOf(words, 'region'),
    weight: number('weight'),
    requestsPerMinute: number('requests-per-minute'),
    tokensPerMinute: number('tokens-per-minute'),
    concurrent: number('concurrent'),
  });
}

type Catalog = ReturnType<typeof loadCatalog>;

/** Where the configuration has these providers, or the catalog where no configuration can be read: scheme, host and port. */
async function originsHere(
  { io, words, dataDir }: Command,
  providers: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const file = resolve(io.cwd, textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'] ?? 'turnout.yaml');
  const catalog = loadCatalog(dataDir, (problem) => io.stderr(`${problem}\n`));
  const loaded = await loadConfiguration({ file, env: io.env, catalog, fallbackProviders: {}, today: today() });
  const config = loaded.ok ? loaded.value.config : undefined;
  const rows = providers.map((provider) => {
    const own = config === undefined ? undefined : originIn(config, provider, { catalog, env: io.env });
    return [provider, own ?? originOf(catalog.provider(provider)?.baseUrl ?? '')] as const;
  });
  return new Map(rows.flatMap(([provider, origin]) => (origin === undefined ? [] : [[provider, origin]])));
}

/** The compiler says where a provider is, whether it has a key or not. */
function originIn(
  config: Config,
  provider: string,
  { catalog, env }: { readonly catalog: Catalog; readonly env: CommandIo['env'] },
): string | undefined {
  const probe = { id: '', provider, name: '', origin: '', settings: {}, revision: 0n, problem: 'it is none' };
  const around = { env, places: placesOf(env), secrets: [probe] };
  const { suppliers } = suppliersOf({ config, catalog, dialects: gateDialects, ...around });
  return suppliers.get(provider)?.targetsOf('')[0]?.origin;
}

function shown({ id, provider, name, origin, hint, isDisabled, createdAtMs, settings }: SecretRow) {
  return {
    id,
    provider,
    name,
    origin,
    ends_with: hint,
    disabled: isDisabled,
    created_at: new Date(createdAtMs).toISOString(),
    ...settingsRecord(settings),
  };
}
