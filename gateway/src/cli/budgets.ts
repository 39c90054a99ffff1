/** `turnout budgets`: make, list, change and delete budgets of any scope. Works beside running gateways, which see it within seconds. */
import { compact } from '../lib/json.ts';
import { jsonText } from '../lib/json-text.ts';
import { PERIODS, type Period } from '../money/period.ts';
import { formatUsd } from '../money/usd.ts';
import {
  BUDGET_SCOPES,
  EACH,
  type BudgetPatch,
  type BudgetRow,
  type BudgetScope,
  type BudgetState,
} from '../store/budget-ports.ts';
import type { Desk } from '../store/desk.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { amountOf, idOf, isSure, listOf, wantsJson } from './words.ts';

const HELP = `turnout budgets create --scope SCOPE [--subject ID] --limit-usd X [--period P] [--time-zone Z] [--soft] [--alerts 50,80,100] [--name NAME] [--org ID]
turnout budgets list
turnout budgets show ID [--subject NAME]
turnout budgets set ID [--limit-usd X] [--name NAME] [--alerts 50,80,100] [--soft | --hard]
turnout budgets disable ID
turnout budgets enable ID
turnout budgets delete ID [--yes]

  SCOPE   ${BUDGET_SCOPES.join(', ')}
  ID      whose it is: an id of org, team, user or key; a name of end user, tag, route, provider or model; '*' for one each
  P       ${PERIODS.join(', ')} (month where none is named)
  --soft  refuse nobody: only count, and tell of the thresholds

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
  soft: { type: 'boolean' },
  hard: { type: 'boolean' },
  name: { type: 'string' },
  org: { type: 'string' },
  scope: { type: 'string' },
  subject: { type: 'string' },
  'limit-usd': { type: 'string' },
  period: { type: 'string' },
  'time-zone': { type: 'string' },
  alerts: { type: 'string' },
} as const;

interface Command {
  readonly desk: Desk;
  readonly io: CommandIo;
  readonly words: Words;
}

/** What can be said of a new budget, and changed of one that is there. */
const PATCH = ['name', 'limit-usd', 'alerts', 'soft', 'hard'] as const satisfies readonly (keyof typeof OPTIONS)[];

const actions: Readonly<Record<string, Action<(command: Command) => Promise<number>>>> = {
  create: { options: [...PATCH, 'org', 'scope', 'subject', 'period', 'time-zone'], run: create },
  list: { run: list },
  show: { names: 1, options: ['subject'], run: show },
  set: { names: 1, options: PATCH, run: async (command) => change(command, patchOf(command.words)) },
  disable: { names: 1, run: async (command) => change(command, { isDisabled: true }) },
  enable: { names: 1, run: async (command) => change(command, { isDisabled: false }) },
  delete: { names: 1, options: ['yes'], run: remove },
};

/** Runs `turnout budgets …`; gives the exit code. */
export async function budgetsCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const action = actionOf(actions, words, 'budgets');
    return withDesk({ words, io, mayCreate: words.positionals[0] === 'create' }, async (desk) =>
      action({ desk, io, words }),
    );
  });
}

async function create({ desk, io, words }: Command): Promise<number> {
  const limitNanoUsd = amountOf(words, 'limit-usd');
  if (limitNanoUsd === undefined) throw new UsageError('a budget needs a limit: --limit-usd 25');
  const made = await desk.budgets.create(
    compact({
      name: textOf(words, 'name'),
      orgId: textOf(words, 'org'),
      scope: oneOf<BudgetScope>(words, 'scope', BUDGET_SCOPES) ?? 'all',
      subject: textOf(words, 'subject'),
      limitNanoUsd,
      period: oneOf<Period>(words, 'period', PERIODS),
      timeZone: textOf(words, 'time-zone'),
      isHard: isHardOf(words),
      alerts: alertsOf(words),
    }),
    BY,
  );
  return tell({ desk, io, words }, valueOf(made), 'It is in force within two seconds, everywhere.');
}

async function list({ desk, io, words }: Command): Promise<number> {
  const rows = await Promise.all(desk.budgets.list().map(async (budget) => withState(desk, budget)));
  if (wantsJson(words)) {
    io.stdout(`${jsonText({ budgets: rows.map(budgetJson) })}\n`);
    return EXIT.ok;
  }
  if (rows.length === 0) io.stdout('There are no budgets. Make one with "turnout budgets create".\n');
  else
    io.stdout(
      table([
        ['id', 'name', 'of', 'period', 'limit USD', 'spent USD', 'used', 'state'],
        ...rows.map(({ budget, state }) => [
          budget.id,
          budget.name,
          budget.scope === 'all' ? 'all' : `${budget.scope} ${budget.subject}`,
          budget.period,
          formatUsd(budget.limitNanoUsd),
          state === undefined ? '' : formatUsd(state.spentNanoUsd),
          state === undefined ? 'one each' : usedBar(state, budget),
          stateOf(budget),
        ]),
      ]),
    );
  return EXIT.ok;
}

async function show({ desk, io, words }: Command): Promise<number> {
  const budget = desk.budgets.get(idOf(words, 'budget', 'budgets'));
  if (budget === undefined) throw new Error(`there is no budget ${inert(idOf(words, 'budget', 'budgets'))}`);
  const subject = textOf(words, 'subject');
  const state = valueOf(await desk.budgets.state(budget.id, subject));
  if (wantsJson(words)) io.stdout(`${jsonText(budgetJson({ budget, state }))}\n`);
  else {
    const { spentNanoUsd = 0n, heldNanoUsd = 0n, purse } = state ?? {};
    const reset = purse?.resetsAtMs === undefined ? 'never' : new Date(purse.resetsAtMs).toISOString();
    io.stdout(
      `${inert(budget.name)} (${budget.id}), ${stateOf(budget)}\n` +
        `limit ${formatUsd(budget.limitNanoUsd)} USD, spent ${formatUsd(spentNanoUsd)}, held ${formatUsd(heldNanoUsd)}; begins anew: ${reset}\n`,
    );
  }
  return EXIT.ok;
}

async function change({ desk, io, words }: Command, patch: BudgetPatch): Promise<number> {
  if (Object.keys(patch).length === 0) throw new UsageError('say what to change');
  const id = idOf(words, 'budget', 'budgets');
  const changed = valueOf(await desk.budgets.change(id, patch, BY));
  if (changed === undefined) throw new Error(`there is no budget ${inert(id)}`);
  return tell({ desk, io, words }, changed, 'Changed.');
}

async function remove({ desk, io, words }: Command): Promise<number> {
  const id = idOf(words, 'budget', 'budgets');
  const budget = desk.budgets.get(id);
  if (budget === undefined) throw new Error(`there is no budget ${inert(id)}`);
  const question = `Delete the budget "${inert(budget.name)}"? Nothing is refused for it any more.`;
  if (!(await isSure(words, io, question))) return EXIT.failed;
  const deleted = valueOf(await desk.budgets.remove(id, BY));
  io.stdout(
    wantsJson(words) ? `${jsonText({ id, deleted })}\n` : 'Deleted. What it has counted stays in the ledger.\n',
  );
  return EXIT.ok;
}

interface Shown {
  readonly budget: BudgetRow;
  readonly state: BudgetState | undefined;
}

/** Without a state where it is a budget for each of many. */
async function withState(desk: Desk, budget: BudgetRow): Promise<Shown> {
  return { budget, state: budget.subject === EACH ? undefined : valueOf(await desk.budgets.state(budget.id)) };
}

async function tell({ desk, io, words }: Command, budget: BudgetRow, text: string): Promise<number> {
  if (wantsJson(words)) io.stdout(`${jsonText(budgetJson(await withState(desk, budget)))}\n`);
  else io.stdout(`${budget.id}\n\nThis is the budget "${inert(budget.name)}". ${text}\n`);
  return EXIT.ok;
}

function patchOf(words: Words): BudgetPatch {
  return compact({
    name: textOf(words, 'name'),
    limitNanoUsd: amountOf(words, 'limit-usd'),
    alerts: alertsOf(words),
    isHard: isHardOf(words),
  });
}

function isHardOf({ values: { hard, soft } }: Words): boolean | undefined {
  if (hard === true && soft === true) throw new UsageError('--soft or --hard, not both');
  return hard === true ? true : soft === true ? false : undefined;
}

function oneOf<Value extends string>(words: Words, name: string, values: readonly Value[]): Value | undefined {
  const text = textOf(words, name);
  const value = values.find((one) => one === text);
  if (text !== undefined && value === undefined)
    throw new UsageError(`--${name} is one of ${values.join(', ')}, and not "${inert(text)}"`);
  return value;
}

function alertsOf(words: Words): readonly number[] | undefined {
  return listOf(textOf(words, 'alerts'))?.map(Number);
}

function stateOf({ isDisabled, isHard }: BudgetRow): string {
  if (isDisabled) return 'disabled';
  return isHard ? 'hard' : 'soft';
}

const BAR = 10;

/** A bar and a number: how much of it is gone. */
function usedBar({ spentNanoUsd }: BudgetState, { limitNanoUsd }: BudgetRow): string {
  const percent = limitNanoUsd === 0n ? 100 : Number((spentNanoUsd * 100n) / limitNanoUsd);
  const full = Math.min(BAR, Math.round(percent / BAR));
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${percent} %`;
}

function budgetJson({ budget, state }: Shown) {
  const resetsAtMs = state?.purse.resetsAtMs;
  return {
    id: budget.id,
    name: budget.name,
    org: budget.orgId ?? null,
    scope: budget.scope,
    subject: budget.subject,
    limit_usd: formatUsd(budget.limitNanoUsd),
    period: budget.period,
    time_zone: budget.timeZone,
    hard: budget.isHard,
    alerts: budget.alerts,
    disabled: budget.isDisabled,
    created_at: new Date(budget.createdAtMs).toISOString(),
    spent_usd: state === undefined ? null : formatUsd(state.spentNanoUsd),
    held_usd: state === undefined ? null : formatUsd(state.heldNanoUsd),
    resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
  };
}
