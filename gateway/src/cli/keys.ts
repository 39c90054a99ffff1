/** `turnout keys`: make, list, change, disable and delete virtual keys. Works beside running gateways, which see it within seconds. */
import { compact } from '../lib/json.ts';
import { jsonText } from '../lib/json-text.ts';
import type { NanoUsd } from '../money/price.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { Desk } from '../store/desk.ts';
import type { KeyPatch, KeyRow } from '../store/ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { dataDirOf, EXIT, inert, table, told, UsageError, valueOf, wordsOf } from './output.ts';

const HELP = `turnout keys create --name NAME [--budget-usd X] [--models a,b] [--expires TIME] [--tags a,b] [--region R] [--root]
turnout keys list
turnout keys set ID [--name NAME] [--budget-usd X|none] [--models a,b|all] [--expires TIME|never] [--tags a,b] [--region R|none]
turnout keys disable ID
turnout keys enable ID
turnout keys delete ID [--yes]

  --data DIR   the data folder (else TURNOUT_DATA, else ./data)
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
} as const;

interface Command {
  readonly desk: Desk;
  readonly io: CommandIo;
  readonly words: Words;
}

const actions: Readonly<Record<string, (command: Command) => Promise<number>>> = {
  create,
  list,
  set: async (command) => change(command, patchOf(command.words)),
  disable: async (command) => change(command, { isDisabled: true }),
  enable: async (command) => change(command, { isDisabled: false }),
  delete: remove,
};

/** Runs `turnout keys …`; gives the exit code. */
export async function keysCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return told(io, HELP, async () => {
    const words = wordsOf(args, OPTIONS);
    if (words.values['help'] === true) {
      io.stdout(HELP);
      return EXIT.ok;
    }
    const [name = ''] = words.positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined)
      throw new UsageError(name === '' ? 'say what to do with keys' : `there is no command "keys ${inert(name)}"`);
    const dataDir = dataDirOf(textOf(words, 'data'), io);
    return withDesk({ dataDir, env: io.env, mayCreate: name === 'create' }, async (desk) =>
      action({ desk, io, words }),
    );
  });
}

async function create({ desk, io, words }: Command): Promise<number> {
  const name = textOf(words, 'name');
  if (name === undefined) throw new UsageError('a key needs a name: --name NAME');
  const made = await desk.keys.create(
    compact({
      name,
      isRoot: words.values['root'] === true,
      tags: listOf(textOf(words, 'tags')),
      region: textOf(words, 'region'),
      budgetNanoUsd: budgetOf(textOf(words, 'budget-usd')),
      expiresAtMs: timeOf(textOf(words, 'expires')),
      allowedModels: listOf(textOf(words, 'models')),
    }),
    BY,
  );
  const { row, token } = valueOf(made);
  if (isJson(words)) io.stdout(`${jsonText({ id: row.id, key: token })}\n`);
  else io.stdout(`${token}\n\nThis is the key "${inert(row.name)}" (${row.id}). It is shown now and never again.\n`);
  return EXIT.ok;
}

async function list({ desk, io, words }: Command): Promise<number> {
  const keys = await Promise.all(
    desk.keys
      .list()
      .map(async (key) => ({ key, spentNanoUsd: valueOf(await desk.keys.spend(key.id))?.spentNanoUsd ?? 0n })),
  );
  if (isJson(words)) {
    io.stdout(`${jsonText({ keys: keys.map(({ key, spentNanoUsd }) => keyJson(key, spentNanoUsd)) })}\n`);
    return EXIT.ok;
  }
  const rows = keys.map(({ key, spentNanoUsd }) => [
    key.id,
    key.name,
    stateOf(key),
    formatUsd(spentNanoUsd),
    key.budgetNanoUsd === undefined ? 'none' : formatUsd(key.budgetNanoUsd),
    key.allowedModels?.join(',') ?? 'all',
  ]);
  io.stdout(table([['ID', 'NAME', 'STATE', 'SPENT USD', 'BUDGET USD', 'MODELS'], ...rows]));
  return EXIT.ok;
}

async function change({ desk, io, words }: Command, patch: KeyPatch): Promise<number> {
  const id = idOf(words);
  const key = valueOf(await desk.keys.change(id, patch, BY));
  if (key === undefined) throw new Error(`there is no key ${inert(id)}`);
  const spend = valueOf(await desk.keys.spend(id));
  if (isJson(words)) io.stdout(`${jsonText(keyJson(key, spend?.spentNanoUsd ?? 0n))}\n`);
  else io.stdout(`The key "${inert(key.name)}" is ${stateOf(key)}.\n`);
  return EXIT.ok;
}

async function remove({ desk, io, words }: Command): Promise<number> {
  const id = idOf(words);
  const key = desk.keys.get(id);
  if (key === undefined) throw new Error(`there is no key ${inert(id)}`);
  const question = `Delete the key "${inert(key.name)}"? Those who use it are locked out at once.`;
  const isSure = words.values['yes'] === true || io.confirm === undefined || (await io.confirm(question));
  if (!isSure) return EXIT.failed;
  const deleted = valueOf(await desk.keys.remove(id, BY));
  io.stdout(isJson(words) ? `${jsonText({ id, deleted })}\n` : 'Deleted. Its receipts stay.\n');
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
    budgetNanoUsd: budget === 'none' ? null : budgetOf(budget),
    expiresAtMs: expires === 'never' ? null : timeOf(expires),
    tags: listOf(textOf(words, 'tags')),
    region: region === 'none' ? null : region,
  });
}

function isJson(words: Words): boolean {
  return words.values['json'] === true;
}

function idOf(words: Words): string {
  const id = words.positionals[1];
  if (id === undefined) throw new UsageError('say which key: its id, as "turnout keys list" shows it');
  return id;
}

function budgetOf(text: string | undefined): NanoUsd | undefined {
  if (text === undefined) return undefined;
  const nanoUsd = parseUsd(text);
  if (nanoUsd === undefined) throw new UsageError(`"${inert(text)}" is not an amount of dollars, like 25 or 0.50`);
  return nanoUsd;
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new UsageError(`"${inert(text)}" is not a time, like 2027-01-31T12:00:00Z`);
  return timeMs;
}

function listOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const items = text.split(',').map((item) => item.trim());
  return items.filter((item) => item !== '');
}

function stateOf(key: KeyRow): string {
  if (key.isDisabled) return 'disabled';
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= Date.now()) return 'expired';
  return key.isRoot ? 'active (root)' : 'active';
}

function keyJson(key: KeyRow, spentNanoUsd: NanoUsd) {
  return {
    id: key.id,
    name: key.name,
    root: key.isRoot,
    disabled: key.isDisabled,
    created_at: new Date(key.createdAtMs).toISOString(),
    expires_at: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    budget_usd: key.budgetNanoUsd === undefined ? null : formatUsd(key.budgetNanoUsd),
    spent_nano_usd: spentNanoUsd,
    models: key.allowedModels ?? null,
    tags: key.tags,
    region: key.region ?? null,
  };
}
