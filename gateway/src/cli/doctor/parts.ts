/** What stands around the gateway: the store, Valkey, the port. */
import { asRecord, asString, parseJson } from '../../lib/json.ts';
import { inspectStore, type StoreState } from '../../store/books/inspect.ts';
import { BACKUP_HINT } from '../migrate.ts';
import { probePort } from '../workers/hands.ts';
import { bad, doubt, fine, type Check, type Finding, type Patient } from './check.ts';
import { valkeyFinding } from './valkey.ts';

/** Clocks of machines with NTP differ by milliseconds. */
const SKEW_GOOD_MS = 2000;
/** From here on budgets begin and end at other moments on other machines. */
const SKEW_MOST_MS = 60_000;
const ANSWER_MS = 2000;

export const PARTS: readonly Check[] = [
  { name: 'store', look: store },
  { name: 'clock', look: clock },
  { name: 'valkey', look: ({ config }) => valkeyFinding(config.shared) },
  {
    name: 'port',
    look: ({ config, io }) => port(Number(io.env['TURNOUT_PORT'] ?? config.server.port), config.server.host),
  },
];

async function store(patient: Patient): Promise<Finding> {
  const state = await inspectStore(patient.store);
  return schema(state);
}

export function schema(state: StoreState | undefined): Finding {
  if (state === undefined) return fine('there is no database yet: a first start makes it');
  const { pending, done } = state;
  if (pending.length === 0) return fine(`reachable, tables as of ${done.at(-1) ?? 'none'}`);
  return doubt(
    `reachable, ${pending.length} steps behind (${pending.join(', ')})`,
    `${BACKUP_HINT}, then turnout migrate`,
  );
}

async function clock({ store: at, now }: Patient): Promise<Finding | undefined> {
  const before = now();
  const state = await inspectStore(at).catch(() => undefined);
  // Half of the way there and back: the answer was made about then.
  return state === undefined ? undefined : skew(state.clockMs - (before + now()) / 2);
}

export function skew(ms: number): Finding {
  const away = Math.abs(ms);
  const says = `${Math.round(away)} ms from the store's`;
  if (away <= SKEW_GOOD_MS) return fine(says);
  const todo = 'set both by NTP: budgets and keys begin and end by the clock';
  return away <= SKEW_MOST_MS ? doubt(says, todo) : bad(says, todo);
}

async function port(number: number, host: string): Promise<Finding> {
  const free = await probePort(number, host);
  if (typeof free === 'number') return fine(`${host}:${number} is free`);
  const name = await servedBy(`http://${host.includes(':') ? `[${host}]` : host}:${number}/readyz`);
  if (name !== undefined) return fine(`a gateway serves on ${host}:${number}: ${name}`);
  return bad(`another program has ${host}:${number}`, 'give another with --port or server.port');
}

async function servedBy(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    return asString(asRecord(parseJson(await answer.text()))?.['status']);
  } catch {
    return undefined;
  }
}
