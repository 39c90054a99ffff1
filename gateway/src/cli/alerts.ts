/** `turnout alerts`: what an operator should know of, newest first, and the word that it is dealt with. Runs beside gateways. */
import { compact } from '../lib/json.ts';
import { ALERT_STATES, type AlertRow } from '../store/report-ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { wantsJson } from './words.ts';

const HELP = `turnout alerts list [--kind KIND] [--state open|acknowledged] [--org ID] [--limit N] [--before ID]
turnout alerts ack ID … [--note TEXT]

  list   the newest first (50; at most 200); open ones, unless --state says otherwise
  ack    says that they are dealt with; the note stands in the audit log

  --kind KIND  budget, credits-low, price-unknown, reconciliation, …
  --org ID     those of one organisation (else all)
  --before ID  the page after this one
  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

const OPTIONS = {
  kind: { type: 'string' },
  state: { type: 'string' },
  org: { type: 'string' },
  limit: { type: 'string' },
  before: { type: 'string' },
  note: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const LIST = 50;
const LIST_MAX = 200;
/** Of what is to be known of one, on one line. */
const BODY_LENGTH_MAX = 80;

const ACTIONS: Readonly<Record<string, Action<(words: Words, io: CommandIo) => Promise<number>>>> = {
  list: { options: ['kind', 'state', 'org', 'limit', 'before'], run: list },
  ack: { names: Infinity, options: ['note'], run: ack },
};

/** Runs `turnout alerts …`; gives the exit code. */
export async function alertsCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    return actionOf(ACTIONS, words, 'alerts')(words, io);
  });
}

async function list(words: Words, io: CommandIo): Promise<number> {
  const stateText = textOf(words, 'state') ?? 'open';
  const state = ALERT_STATES.find((one) => one === stateText);
  if (state === undefined) throw new UsageError(`--state is one of ${ALERT_STATES.join(', ')}`);
  const limitMax = Number(textOf(words, 'limit') ?? LIST);
  if (!Number.isInteger(limitMax) || limitMax < 1 || limitMax > LIST_MAX)
    throw new UsageError(`--limit is 1 to ${LIST_MAX}`);
  const before = textOf(words, 'before');
  const query = { state, kind: textOf(words, 'kind'), orgId: textOf(words, 'org'), limitMax };
  const asked = compact({ ...query, before: before === undefined ? undefined : idOf(before) });
  const { alerts, next } = await withDesk({ words, io }, async (desk) =>
    valueOf(await desk.reports(async (books) => books.listAlerts(asked))),
  );
  if (wantsJson(words)) {
    io.stdout(`${JSON.stringify(compact({ alerts, next }))}\n`);
    return EXIT.ok;
  }
  if (alerts.length === 0) io.stdout('there are none\n');
  else io.stdout(table([['ID', 'AT', 'KIND', 'SUBJECT', '%', 'WHAT'], ...alerts.map(rowOf)]));
  if (next !== undefined) io.stdout(`there are more: --before ${next}\n`);
  return EXIT.ok;
}

function rowOf({ id, at, kind, subject, threshold, body }: AlertRow): readonly string[] {
  const text = JSON.stringify(body);
  const shown = text.length > BODY_LENGTH_MAX ? `${text.slice(0, BODY_LENGTH_MAX)}…` : text;
  return [String(id), at, kind, subject, threshold === 0 ? '' : String(threshold), shown];
}

async function ack(words: Words, io: CommandIo): Promise<number> {
  const ids = words.positionals.slice(1).map(idOf);
  if (ids.length === 0) throw new UsageError('say which: turnout alerts ack ID');
  const deed = { atMs: Date.now(), by: 'cli', note: textOf(words, 'note') };
  const acked = await withDesk({ words, io }, async (desk) => {
    const rows: AlertRow[] = [];
    for (const id of ids) {
      const row = valueOf(await desk.reports(async (books) => books.ackAlert(id, deed)));
      if (row === undefined) throw new Error(`there is no alert ${id}`);
      rows.push(row);
    }
    return rows;
  });
  if (wantsJson(words)) io.stdout(`${JSON.stringify({ alerts: acked })}\n`);
  else
    for (const { id, kind, subject, acked_by: by } of acked)
      io.stdout(`${id} ${inert(kind)} ${inert(subject)}: acknowledged by ${inert(by ?? '')}\n`);
  return EXIT.ok;
}

function idOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`"${inert(text)}" is no id of an alert`);
  return Number(text);
}
