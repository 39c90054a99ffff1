/** Runs cells of the matrix for real: a client's request through a gateway over sockets to a simulated provider, and back. */
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { startGateway, TOLERANT } from '../harness.ts';
import { placeOf } from '../translation/run.ts';
import {
  absence,
  CLIENTS,
  CRASH,
  PLANS,
  PROVIDERS,
  statusOf,
  type Cell,
  type Failure,
  type Mode,
  type Talk,
} from './cells.ts';
import { nameOf, send, turn, type Try, type World } from './exchange.ts';
import { FEATURES, type FeatureId, type ScriptedAnswer } from './kinds.ts';
import { ANSWER, COMMON_REPLIES } from './things.ts';

/** What is seen in a cell, and what is wrong with it. */
export interface Seen {
  /** `works`; `adapted: …` or `left out: …` where fields are named, the thing itself arrived or not; `refused: …`; `-`: no such thing. */
  readonly outcome: string;
  /** What is wrong with the outcome itself. */
  readonly flaws: readonly string[];
  /** What did not arrive where something was left out or refused. */
  readonly missing: readonly string[];
}

export interface Rig {
  readonly world: World;
  see(cell: Cell): Promise<Seen>;
  close(): Promise<void>;
}

/** All cells, in the order of the page. */
export function allCells(): readonly Cell[] {
  return CLIENTS.flatMap((client) =>
    Object.keys(FEATURES)
      .filter(isFeature)
      .flatMap((feature) => PROVIDERS.map((provider) => ({ client, feature, provider }))),
  );
}

function isFeature(name: string): name is FeatureId {
  return name in FEATURES;
}

/** A gateway before a simulator, with a provider for each wire, and one more for each failure. */
export async function startMatrix(): Promise<Rig> {
  const simulator = await startSimulator();
  const gateway = await startGateway({ config: configFor(simulator.url) });
  const world = { simulator, gateway };
  return {
    world,
    see: (cell) => see(world, cell),
    async close() {
      await gateway.stop();
      await simulator.close();
    },
  };
}

function configFor(url: string): string {
  const rows = new Map<string, string>();
  for (const cell of allCells()) {
    const { dialect, base, like } = cell.provider;
    const kind = `${like === undefined ? '' : `like: ${like}, `}dialect: ${dialect}`;
    for (const mode of PLANS[cell.feature].modes) {
      const name = nameOf(cell, mode);
      rows.set(name, `  ${name}: {${kind}, base_url: "${url}/p/${name}${base}", api_key: sk-matrix-0000}`);
    }
  }
  return `attempts: 1\nresponses: {store: none}\n${TOLERANT}\nproviders:\n${[...rows.values()].join('\n')}\n`;
}

async function see(world: World, cell: Cell): Promise<Seen> {
  if (absence(cell) !== undefined) return { outcome: '-', flaws: [], missing: [] };
  const { modes } = PLANS[cell.feature];
  const seen: (Seen & { readonly mode: Mode })[] = [];
  for (const mode of modes) seen.push({ mode, ...(await seeMode({ world, cell, mode, adapt: false })) });
  const [first, second] = seen;
  const said = first?.outcome ?? '';
  return {
    outcome: second === undefined || second.outcome === said ? said : `${said}; streamed: ${second.outcome}`,
    flaws: seen.flatMap(({ mode, flaws }) => flaws.map((flaw) => `${mode}: ${flaw}`)),
    missing: seen.flatMap(({ mode, missing }) => missing.map((one) => `${mode}: ${one}`)),
  };
}

function seeMode(at: Try): Promise<Seen> {
  const plan = PLANS[at.cell.feature];
  if (plan.kind === 'talk') return seeTalk(at, plan);
  return plan.kind === 'failure' ? seeFailure(at, plan) : seeBreakage(at);
}

async function seeTalk(at: Try, plan: Talk): Promise<Seen> {
  const { refused, missing, losses } = await converse(at, plan);
  if (refused !== undefined) return seeRefused(at, plan, refused);
  if (losses.length === 0) return { outcome: 'works', flaws: missing, missing: [] };
  return { outcome: `${missing.length === 0 ? 'adapted' : 'left out'}: ${losses.join(', ')}`, flaws: [], missing };
}

/** A refusal must name its field and the way out, and the way out must lead there. */
async function seeRefused(at: Try, plan: Talk, message: string): Promise<Seen> {
  const named = /^`([^`]+)` cannot be expressed for/.exec(message)?.[1];
  if (named === undefined || !message.includes('x-turnout-adapt: true'))
    return { outcome: 'fails', flaws: [`an error that names no field: ${message}`], missing: [] };
  const field = placeOf(named);
  const { refused, losses, words } = await converse({ ...at, adapt: true }, plan);
  const flaws = [
    ...(refused === undefined ? [] : [`refused although it may be adapted: ${refused}`]),
    ...(losses.includes(field) ? [] : [`${field} is not among what was adapted: ${losses.join()}`]),
    ...(words === 0 ? ['no words came back'] : []),
  ];
  return { outcome: `refused: ${field}`, flaws, missing: [message] };
}

interface Talked {
  readonly refused?: string;
  readonly missing: readonly string[];
  readonly losses: readonly string[];
  /** Length of all that came back as text and calls. */
  readonly words: number;
}

async function converse(at: Try, plan: Talk): Promise<Talked> {
  const { cell, mode } = at;
  const ask = cell.client.asks[plan.ask] ?? {};
  const first = await turn(at, ask, contentOf(cell.provider.replies[plan.reply], mode));
  const { heard, told } = first;
  if (heard === undefined || told === undefined) return { ...first, words: 0 };
  const missing = [...first.missing, ...(plan.heard?.(heard, cell) ?? []), ...plan.told(told, cell)];
  const words = told.text.length + told.calls.length;
  // Who got no calls has nothing to go on with.
  if (plan.hasNext === undefined || told.calls.length === 0) return { missing, losses: first.losses, words };
  const answered = cell.provider.replies.text ?? COMMON_REPLIES.text;
  const next = await turn(at, cell.client.next(ask, first.reply), contentOf(answered, mode));
  return {
    ...(next.refused === undefined ? {} : { refused: next.refused }),
    missing: [
      ...missing,
      ...next.missing,
      ...(next.heard === undefined ? [] : (plan.heardNext?.(next.heard, cell) ?? [])),
    ],
    losses: [...new Set([...first.losses, ...next.losses])].toSorted(),
    words,
  };
}

function contentOf(scripted: ScriptedAnswer | undefined, mode: Mode): Step {
  return scripted?.[mode] ?? {};
}

/** A failure of the provider reaches the caller in its own protocol, with our status for it and what it may do next. */
async function seeFailure(at: Try, plan: Failure): Promise<Seen> {
  const { client } = at.cell;
  const got = await send(at, client.asks.plain ?? {}, plan.step);
  const told = got.body === undefined ? undefined : client.readError(got.body);
  const flaws = [
    ...(told === undefined ? [`not in the protocol's form: ${got.text.slice(0, 300)}`] : []),
    ...(told?.message.includes(plan.says) === true ? [] : [`it says ${told?.message}`]),
    ...(told === undefined || told.kind === client.errorKind(plan.code) ? [] : [`it is called ${told.kind}`]),
    ...(got.status === statusOf(plan) ? [] : [`status ${got.status}`]),
    ...((got.headers.get('retry-after') ?? undefined) === plan.retryAfter
      ? []
      : [`retry-after ${got.headers.get('retry-after')}`]),
    ...(got.headers.get('x-should-retry') === String(plan.canRetry) ? [] : ['x-should-retry says otherwise']),
  ];
  return { outcome: flaws.length === 0 ? 'works' : 'fails', flaws, missing: [] };
}

/** A stream that breaks gives what came before, then the protocol's error event, and no proper ending. */
async function seeBreakage(at: Try): Promise<Seen> {
  const { client, provider } = at.cell;
  const got = await send(at, client.asks.plain ?? {}, provider.broken);
  const flaws = [
    ...(got.status === 200 ? [] : [`status ${got.status}`]),
    ...(client.pieces(got.events).join('') === ANSWER ? [] : ['what came before is gone']),
    ...(client.endingOf(got.events) === 'error' ? [] : [`it ends ${client.endingOf(got.events)}`]),
    ...(got.events.some(({ data }) => data.includes(CRASH)) ? [] : ['the provider’s words are gone']),
  ];
  return { outcome: flaws.length === 0 ? 'works' : 'fails', flaws, missing: [] };
}
