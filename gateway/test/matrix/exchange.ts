/** One request through the gateway, and what either side can be seen to have understood of it. */
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { routeOf } from '../../src/simulator/dialects/index.ts';
import type { LoggedRequest } from '../../src/simulator/log.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Step } from '../../src/simulator/step.ts';
import { ROOT_KEY, type TestGateway } from '../harness.ts';
import { placeOf } from '../translation/run.ts';
import { hearsAll, PLANS, type Cell, type Mode } from './cells.ts';
import type { Heard, Provider, StreamEvent, Told } from './kinds.ts';

export interface World {
  readonly simulator: Simulator;
  readonly gateway: TestGateway;
}

/** One way through a cell. */
export interface Try {
  readonly world: World;
  readonly cell: Cell;
  readonly mode: Mode;
  readonly adapt: boolean;
}

/** What came back over HTTP. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  /** The body where it is a JSON object. */
  readonly body: JsonRecord | undefined;
  readonly events: readonly StreamEvent[];
  readonly text: string;
}

export interface Turn {
  /** The words of an error instead of a reply. */
  readonly refused?: string;
  readonly heard?: Heard;
  readonly told?: Told;
  /** As the client keeps it. */
  readonly reply: JsonRecord;
  /** Fields that the header or the record names. */
  readonly losses: readonly string[];
  readonly missing: readonly string[];
}

/**
 * The name of the provider that a cell is tried at: what fails has one of its own, since it is left alone afterwards. None is
 * a name of the catalog's, which would bring that provider's oddities along.
 */
export function nameOf({ client, provider, feature }: Cell, mode: Mode): string {
  return PLANS[feature].kind === 'talk' ? `to-${provider.id}` : `to-${provider.id}-${client.id}-${feature}-${mode}`;
}

/** Sends a request; the provider answers by `step`. */
export async function send({ world, cell, mode, adapt }: Try, ask: JsonRecord, step: Step): Promise<Got> {
  const { simulator, gateway } = world;
  const { client, provider } = cell;
  const isStreaming = mode === 'stream';
  const model = `${nameOf(cell, mode)}/${provider.model}`;
  simulator.log.clear();
  simulator.script([step]);
  const response = await fetch(`${gateway.url}${client.path(model, isStreaming)}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ROOT_KEY}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      ...(adapt ? { 'x-turnout-adapt': 'true' } : {}),
    },
    body: JSON.stringify(client.withModel(ask, model, isStreaming)),
  });
  const text = await response.text();
  const body = parseJson(text);
  return {
    status: response.status,
    headers: response.headers,
    body: isRecord(body) ? body : undefined,
    events: eventsOf(text),
    text,
  };
}

/** The server-sent events of a text. */
export function eventsOf(text: string): readonly StreamEvent[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((block) => block.split(/\r?\n/))
    .map((lines) => ({ name: valueOf(lines, 'event'), data: valueOf(lines, 'data') }))
    .filter(({ data }) => data !== '');
}

function valueOf(lines: readonly string[], field: string): string {
  const found = lines.filter((line) => line.startsWith(`${field}:`));
  return found.map((line) => line.slice(field.length + 1).trimStart()).join('\n');
}

/** One request and its reply, read on both sides. */
export async function turn(at: Try, ask: JsonRecord, step: Step): Promise<Turn> {
  const { cell, mode, world } = at;
  const got = await send(at, ask, step);
  if (got.status !== 200) {
    const error = got.body === undefined ? undefined : cell.client.readError(got.body);
    const refused = error?.message ?? `not in the protocol's form: ${got.text.slice(0, 300)}`;
    return { refused, reply: {}, losses: [], missing: [] };
  }
  const { heard, missing } = heardBy(cell.provider, world.simulator.log.requests.at(-1));
  const reply = mode === 'stream' ? cell.client.join(got.events) : (got.body ?? {});
  return {
    reply,
    ...(heard === undefined ? {} : { heard }),
    told: cell.client.read(reply),
    losses: await lossesOf(at, got),
    missing: [
      ...missing,
      ...(heard === undefined ? [] : hearsAll(heard, JSON.stringify(ask))),
      ...(mode === 'stream' ? streamFlaws(cell, got.events) : []),
    ],
  };
}

/** What reached the provider, which must be a request that its own wire takes: as the simulator reads it, and as the dialect does. */
function heardBy(
  provider: Provider,
  request: LoggedRequest | undefined,
): { readonly heard?: Heard; readonly missing: readonly string[] } {
  const body = asRecord(request?.body);
  if (request === undefined || body === undefined) return { missing: ['nothing reached the provider'] };
  const { method, query, headers } = request;
  const path = request.path.replace(/^\/p\/[^/]+/, '');
  const facts = { method, path, query, headers, family: undefined };
  const routed = routeOf(facts);
  const isStreaming = routed?.operation.isStreaming ?? false;
  const inspected = gateDialects[provider.dialect].inspect(body, { model: provider.model, isStreaming });
  // Models that only take a prompt are not simulated.
  const isRead = body['prompt'] === undefined;
  const read = isRead ? routed?.dialect.read(body, routed.operation, facts) : undefined;
  return {
    heard: provider.hear(body),
    missing: [
      ...(routed?.dialect.id === provider.dialect ? [] : [`the path ${path} is not the provider's`]),
      ...(inspected.ok ? [] : [`the dialect would not take it: ${inspected.error.message}`]),
      ...(read === undefined || read.ok ? [] : [`the provider would not take it: ${read.error.message}`]),
    ],
  };
}

function streamFlaws({ client, feature }: Cell, events: readonly StreamEvent[]): readonly string[] {
  const ending = client.endingOf(events);
  const isInPieces = feature !== 'stream' || client.pieces(events).length > 1;
  return [
    ...(ending === 'proper' ? [] : [`the stream ends ${ending}`]),
    ...(isInPieces ? [] : ['the text came in one piece']),
  ];
}

/** Fields that were lost, but for those beside every reply: as the header has them, and as the record does, where all is told that a stream's head could not. */
async function lossesOf({ world, mode, cell }: Try, got: Got): Promise<readonly string[]> {
  const named = (got.headers.get('x-turnout-adapted') ?? '').split(', ').filter((field) => field !== '');
  const recorded = mode === 'stream' ? await recordedLosses(world, got.headers.get('x-turnout-decision') ?? '') : [];
  const lost = [...new Set([...named, ...recorded].map(placeOf))].toSorted();
  return lost.filter((field) => !cell.provider.beside.includes(field));
}

async function recordedLosses({ gateway }: World, id: string): Promise<readonly string[]> {
  const response = await fetch(`${gateway.url}/v1/decisions/${id}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}` },
  });
  const record = asRecord(parseJson(await response.text()));
  const attempts = (asArray(record?.['attempts']) ?? []).filter(isRecord);
  return attempts
    .flatMap(({ adapted }) => asArray(adapted) ?? [])
    .flatMap((loss) => asString(asRecord(loss)?.['field']) ?? []);
}
