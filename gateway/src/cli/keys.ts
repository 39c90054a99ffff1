/** `turnout keys`: make, list, change, disable and delete virtual keys. Works beside running gateways, which see it within seconds. */
import { compact, parseJson } from '../lib/json.ts';
import { jsonText, type JsonWithBigint } from '../lib/json-text.ts';
import type { NanoUsd } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import { readKeySettings, settingsRecord, type KeySettingsPatch } from '../store/key-settings.ts';
import { newKeyOf } from '../store/new-key.ts';
import type { IssuedKey, KeyPatch, KeyRow } from '../store/ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { amountOf, durationOf, idOf, isSure, listOf, wantsJson } from './words.ts';

const HELP = `turnout keys create --name NAME [--root] [what it may do]
turnout keys list
turnout keys show ID
turnout keys set ID [--name NAME] [what it may do]
turnout keys rotate ID [--overlap 24h]   another token; the one before is taken for so long (0)
turnout keys disable ID
turnout keys enable ID
turnout keys delete ID [--yes]

What it may do; with "set", the last word takes the limit away:
  --scopes inference,admin,read|default   what it is for (inference)
  --models a,b|all      --routes a,b|all      --providers a,b|all      --regions eu,us|all
  --addresses 10.0.0.0/8,192.0.2.7|all        from where it may be used
  --budget-usd X|none   --expires TIME|never  --limits JSON|none
  --tags a,b            --region R|none       where its callers are
  --team ID|none        --user ID|none        whose it is; its organisation (--org ID) is told when it is made

  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

/** In the audit log. */
const BY = 'cli';

const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  yes: { type: 'boolean' },
  root: { type: 'boolean' },
  name: { type: 'string' },
  'budget-usd': { type: 'string' },
  models: { type: 'string' },
  expires: { type: 'string' },
  tags: { type: 'string' },
  region: { type: 'string' },
  scopes: { type: 'string' },
  routes: { type: 'string' },
  providers: { type: 'string' },
  regions: { type: 'string' },
  addresses: { type: 'string' },
  limits: { type: 'string' },
  org: { type: 'string' },
  team: { type: 'string' },
  user: { type: 'string' },
  overlap: { type: 'string' },
} as const;

interface Command {
  readonly desk: Desk;
  readonly io: CommandIo;
  readonly words: Words;
}

/** What can be said of a new key, and changed of one that is there. */
const PATCH = [
  ...(['name', 'budget-usd', 'models', 'expires', 'tags', 'region', 'team', 'user'] as const),
  ...(['scopes', 'routes', 'providers', 'regions', 'addresses', 'limits'] as const),
] as const satisfies readonly (keyof typeof OPTIONS)[];

const actions: Readonly<Record<string, Action<(command: Command) => Promise<number>>>> = {
  create: { options: [...PATCH, 'root', 'org'], run: create },
  list: { run: list },
  show: { names: 1, run: async (command) => show(command, keyNamed(command)) },
  rotate: { names: 1, options: ['overlap'], run: rotate },
  set: { names: 1, options: PATCH, run: async (command) => change(command, patchOf(command.words)) },
  disable: { names: 1, run: async (command) => change(command, { isDisabled: true }) },
  enable: { names: 1, run: async (command) => change(command, { isDisabled: false }) },
  delete: { names: 1, options: ['yes'], run: remove },
};

/** Runs `turnout keys …`; gives the exit code. */
export async function keysCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const action = actionOf(actions, words, 'keys');
    return withDesk({ words, io, mayCreate: words.positionals[0] === 'create' }, async (desk) =>
      action({ desk, io, words }),
    );
  });
}

async function create({ desk, io, words }: Command): Promise<number> {
  const name = textOf(words, 'name');
  if (name === undefined) throw new UsageError('a key needs a name: --name NAME');
  const made = await desk.keys.create(
    compact({
      ...newKeyOf(patchOf(words)),
      name,
      isRoot: words.values['root'] === true,
      orgId: textOf(words, 'org'),
    }),
    BY,
  );
  return issued(valueOf(made), { io, words });
}

async function rotate(command: Command): Promise<number> {
  const { desk, io, words } = command;
  const { id } = keyNamed(command);
  const made = valueOf(await desk.keys.rotate(id, durationOf(textOf(words, 'overlap') ?? '0'), BY));
  if (made === undefined) throw new Error(`there is no key ${inert(id)}`);
  issued(made, { io, words });
  const until = new Date(made.row.oldUntilMs ?? 0).toISOString();
  if (!wantsJson(words)) io.stdout(`The token before it is taken until ${until}.\n`);
  return EXIT.ok;
}

function issued({ row, token }: IssuedKey, { io, words }: Pick<Command, 'io' | 'words'>): number {
  if (wantsJson(words)) io.stdout(`${jsonText({ id: row.id, key: token })}\n`);
  else io.stdout(`${token}\n\nThis is the key "${inert(row.name)}" (${row.id}). It is shown now and never again.\n`);
  return EXIT.ok;
}

async function list({ desk, io, words }: Command): Promise<number> {
  const keys = await Promise.all(
    desk.keys
      .list()
      .map(async (key) => ({ key, spentNanoUsd: valueOf(await desk.keys.spend(key.id))?.spentNanoUsd ?? 0n })),
  );
  const uses = valueOf(await desk.keys.uses());
  if (wantsJson(words)) {
    const shown = keys.map(({ key, spentNanoUsd }) => keyJson(key, { spentNanoUsd, usedAtMs: uses.get(key.id) }));
    io.stdout(`${jsonText({ keys: shown })}\n`);
    return EXIT.ok;
  }
  const rows = keys.map(({ key, spentNanoUsd }) => [
    key.id,
    key.name,
    stateOf(key),
    formatUsd(spentNanoUsd),
    key.budgetNanoUsd === undefined ? 'none' : formatUsd(key.budgetNanoUsd),
    key.allowedModels?.join(',') ?? 'all',
    ownerOf(key),
    momentOf(uses.get(key.id)) ?? 'never',
  ]);
  io.stdout(table([['ID', 'NAME', 'STATE', 'SPENT USD', 'BUDGET USD', 'MODELS', 'OWNER', 'LAST USED'], ...rows]));
  return EXIT.ok;
}

async function change({ desk, io, words }: Command, patch: KeyPatch): Promise<number> {
  const id = idOf(words, 'key', 'keys');
  if (Object.keys(patch).length === 0) throw new UsageError('say what to change');
  const key = valueOf(await desk.keys.change(id, patch, BY));
  if (key === undefined) throw new Error(`there is no key ${inert(id)}`);
  if (wantsJson(words)) return show({ desk, io, words }, key);
  io.stdout(`The key "${inert(key.name)}" is ${stateOf(key)}.\n`);
  return EXIT.ok;
}

async function show({ desk, io, words }: Command, key: KeyRow): Promise<number> {
  const spend = valueOf(await desk.keys.spend(key.id));
  const usedAtMs = valueOf(await desk.keys.uses()).get(key.id);
  const shown = keyJson(key, { spentNanoUsd: spend?.spentNanoUsd ?? 0n, usedAtMs });
  if (wantsJson(words)) io.stdout(`${jsonText(shown)}\n`);
  else io.stdout(table(Object.entries(shown).map(([name, value]) => [name, wordOf(value)])));
  return EXIT.ok;
}

function wordOf(value: JsonWithBigint | undefined): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : jsonText(value);
}

/** The key that the words name. */
function keyNamed({ desk, words }: Command): KeyRow {
  const id = idOf(words, 'key', 'keys');
  const key = desk.keys.get(id);
  if (key === undefined) throw new Error(`there is no key ${inert(id)}`);
  return key;
}

async function remove(command: Command): Promise<number> {
  const { desk, io, words } = command;
  const { id, ...key } = keyNamed(command);
  const question = `Delete the key "${inert(key.name)}"? Those who use it are locked out at once.`;
  if (!(await isSure(words, io, question))) return EXIT.failed;
  const deleted = valueOf(await desk.keys.remove(id, BY));
  io.stdout(wantsJson(words) ? `${jsonText({ id, deleted })}\n` : 'Deleted. Its receipts stay.\n');
  return EXIT.ok;
}

function patchOf(words: Words): KeyPatch {
  const models = textOf(words, 'models');
  const budget = textOf(words, 'budget-usd');
  const expires = textOf(words, 'expires');
  const region = textOf(words, 'region');
  return compact({
    name: textOf(words, 'name'),
    allowedModels: models === 'all' ? null : listOf(models),
    budgetNanoUsd: budget === 'none' ? null : amountOf(words, 'budget-usd'),
    expiresAtMs: expires === 'never' ? null : timeOf(expires),
    tags: listOf(textOf(words, 'tags')),
    region: region === 'none' ? null : region,
    teamId: idOrNone(textOf(words, 'team')),
    userId: idOrNone(textOf(words, 'user')),
    ...settingsOf(words),
  });
}

function idOrNone(text: string | undefined): string | null | undefined {
  return text === 'none' ? null : text;
}

/** What the key may do, in the words of the API. */
function settingsOf(words: Words): KeySettingsPatch {
  const named = (name: string, none = 'all'): readonly string[] | null | undefined => {
    const text = textOf(words, name);
    return text === none ? null : listOf(text);
  };
  const limits = textOf(words, 'limits');
  const read = readKeySettings({
    scopes: named('scopes', 'default'),
    routes: named('routes'),
    providers: named('providers'),
    regions: named('regions'),
    addresses: named('addresses'),
    limits: limits === undefined || limits === 'none' ? undefined : (parseJson(limits) ?? limits),
  });
  if (!read.ok) throw new UsageError(`--${read.error.param}: ${read.error.reason}`);
  return limits === 'none' ? { ...read.value, limits: null } : read.value;
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs))
    throw new UsageError(`--expires: "${inert(text)}" is not a time, like 2027-01-31T12:00:00Z`);
  return timeMs;
}

/** The nearest part of its owner. */
function ownerOf({ userId, teamId, orgId }: KeyRow): string {
  return userId ?? teamId ?? orgId ?? '';
}

function momentOf(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

function stateOf(key: KeyRow): string {
  if (key.isDisabled) return 'disabled';
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= Date.now()) return 'expired';
  return key.isRoot ? 'active (root)' : 'active';
}

function keyJson(key: KeyRow, { spentNanoUsd, usedAtMs }: { spentNanoUsd: NanoUsd; usedAtMs: number | undefined }) {
  return {
    id: key.id,
    name: key.name,
    root: key.isRoot,
    disabled: key.isDisabled,
    created_at: new Date(key.createdAtMs).toISOString(),
    expires_at: momentOf(key.expiresAtMs) ?? null,
    last_used_at: momentOf(usedAtMs) ?? null,
    old_token_until: momentOf(key.oldUntilMs) ?? null,
    org: key.orgId ?? null,
    team: key.teamId ?? null,
    user: key.userId ?? null,
    budget_usd: key.budgetNanoUsd === undefined ? null : formatUsd(key.budgetNanoUsd),
    spent_nano_usd: spentNanoUsd,
    models: key.allowedModels ?? null,
    tags: key.tags,
    region: key.region ?? null,
    ...settingsRecord(key),
  };
}
