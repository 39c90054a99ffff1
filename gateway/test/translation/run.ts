/** Runs the cases through the dialects: rows of losses, as they happen. */
import assert from 'node:assert/strict';
import { collect, replay } from '../../src/chat/collect.ts';
import type { ChatRequest, Loss } from '../../src/chat/request.ts';
import type { EncodeContext, EncodedRequest, EncodeTarget } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { shaped } from '../../src/output/way.ts';
import { asString, isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { COUNT, ENDS, MARK, nextRequest, THINGS, type Thing } from './reply-cases.ts';
import { NAMELESS_SOURCE } from './cohere-things.ts';
import { REQUEST_THINGS } from './request-things.ts';
import type { RequestCase } from './request-case.ts';
import { BEDROCK_MODELS, DEFAULT_MODEL, PROVIDER_WIRES, WIRES, type ProviderWire, type Wire } from './wires.ts';

/** One loss of one kind between two protocols. */
export interface LossRow extends Loss {
  readonly from: ProviderWire;
  readonly to: ProviderWire;
  /** The models at which it was seen; none where it does not depend on the model. */
  readonly models: readonly string[];
}

/** What happens to one request at one target. */
export function lossesOf(one: RequestCase, to: ProviderWire, target: EncodeTarget): readonly Loss[] {
  const from = gateDialects[one.from];
  const path = one.from === 'gemini' ? { model: 'm', isStreaming: false } : {};
  const inspected = from.inspect(one.body, path);
  assert.ok(inspected.ok, `${one.from} ${one.says}: ${inspected.ok ? '' : inspected.error.message}`);
  const decoded = from.decodeRequest(one.body, path);
  assert.ok(decoded.ok, `${one.from} ${one.says}: ${decoded.ok ? '' : decoded.error.message}`);
  const { body, losses } = sent(decoded.value, to, target);
  const taken = gateDialects[to].inspect(body, { model: target.model, isStreaming: false });
  assert.ok(taken.ok, `${one.from} ${one.says}: ${to} would not take it: ${taken.ok ? '' : taken.error.message}`);
  return losses;
}

/** What is made good by the gateway where a wire has no word for it (`output/way.ts`). */
const MENDED: ReadonlySet<string> = new Set(['format', 'stop', 'choices']);

/** The request as the gateway sends it. */
export function sent(request: ChatRequest, to: ProviderWire, target: EncodeTarget): EncodedRequest {
  return shaped(request, { dialect: gateDialects[to], target }, { validate: 'emulated' }).encoded;
}

export function targetsOf(one: RequestCase): readonly (readonly [ProviderWire, EncodeTarget])[] {
  return PROVIDER_WIRES.filter((wire) => wire !== one.from).flatMap((to) => {
    const usual = to === 'bedrock-converse' ? BEDROCK_MODELS : [];
    return [{ model: DEFAULT_MODEL[to] }, ...usual, ...modelsAt(one, to)].map((target) => [to, target] as const);
  });
}

/** OpenAI's models are the same over both of its wires. */
function modelsAt({ at = {} }: RequestCase, to: ProviderWire): readonly EncodeTarget[] {
  return at[to] ?? (to === 'openai-responses' ? at['openai-chat'] : undefined) ?? [];
}

/** A field without its numbers: `messages[3].content[0]` is `messages[].content[]`. */
export function placeOf(field: string): string {
  return field.replaceAll(/\[\d+\]/g, '[]');
}

/** The losses of all cases, each kind once. */
export function requestRows(cases: readonly RequestCase[]): readonly LossRow[] {
  const rows = new Map<string, LossRow & { readonly models: string[]; isGeneral: boolean }>();
  for (const one of cases) {
    for (const [to, target] of targetsOf(one)) {
      for (const loss of lossesOf(one, to, target)) {
        const field = placeOf(loss.field);
        const key = [one.from, to, loss.code, loss.weight, field, loss.why].join('|');
        const row = rows.get(key) ?? { ...loss, field, from: one.from, to, models: [], isGeneral: false };
        rows.set(key, row);
        const name = asString(target.model) ?? '';
        if (name === DEFAULT_MODEL[to] && target.canReason === undefined) row.isGeneral = true;
        else if (!row.models.includes(name)) row.models.push(name);
      }
    }
  }
  return [...rows.values()].map(({ isGeneral, ...row }) => (isGeneral ? { ...row, models: [] } : row));
}

/** What became of a thing: the client sees it; it comes back to its provider; it is named as lost. */
export type Fate = 'kept' | 'carried' | 'mended' | 'lost' | 'in a header' | 'gone in silence' | 'no such thing';

/** What a protocol's replies have no field for, and the headers of every reply of ours tell. */
const IN_HEADERS: Partial<Readonly<Record<Wire, readonly string[]>>> = { cohere: ['The model’s name'] };

export interface ThingRow {
  readonly from: ProviderWire;
  readonly to: Wire;
  readonly name: string;
  readonly whole: Fate;
  readonly stream: Fate;
}

const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };

/** A reply of `from` as a client of `to` gets it, whole or put together from the stream it gets. */
interface Delivered {
  readonly body: JsonRecord;
  readonly losses: readonly Loss[];
}

export function delivered(
  from: ProviderWire,
  to: Wire,
  reply: JsonRecord,
): { readonly whole: Delivered; readonly stream: Delivered } {
  const decoded = gateDialects[from].decodeResponse(reply, 'provider');
  assert.ok(decoded.ok, `${from}: ${decoded.ok ? '' : decoded.error.message}`);
  const client = gateDialects[to];
  const encoder = client.encoder(CONTEXT);
  const text =
    replay(decoded.value)
      .map((event) => encoder.push(event))
      .join('') + encoder.end();
  const decoder = client.decoder('gateway');
  const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], to);
  const stream = { body: client.encodeResponse(again, CONTEXT).body, losses: encoder.losses() };
  return { whole: client.encodeResponse(decoded.value, CONTEXT), stream };
}

function fateOf(thing: Thing, rows: { readonly from: ProviderWire; readonly to: Wire }, got: Delivered): Fate {
  const { from, to } = rows;
  const seen = thing.seen[to]?.(got.body);
  if (seen !== undefined && holds(seen)) return 'kept';
  if (holds(next(from, to, got.body))) return 'carried';
  if (IN_HEADERS[to]?.includes(thing.name) === true) return 'in a header';
  return got.losses.length > 0 ? 'lost' : 'gone in silence';
}

/** The client's next request as the provider gets it. */
function next(from: ProviderWire, to: Wire, reply: JsonRecord): JsonRecord {
  const request = gateDialects[to].decodeRequest(nextRequest(to, reply), { model: 'm', isStreaming: false });
  assert.ok(request.ok, `${to}: ${request.ok ? '' : request.error.message}`);
  return gateDialects[from].encodeRequest(request.value, { model: DEFAULT_MODEL[from] }).body;
}

function holds(value: Json): boolean {
  const text = JSON.stringify(value);
  return text.includes(MARK) || text === String(COUNT) || new RegExp(`:${COUNT}[,}]`).test(text);
}

/** What becomes of every thing between every two protocols. */
export function thingRows(): readonly ThingRow[] {
  return THINGS.flatMap((thing) =>
    replyPairs().map(([from, to]): ThingRow => {
      const reply = thing.in[from];
      const pair = { name: thing.name, from, to };
      if (reply === undefined) return { ...pair, whole: 'no such thing', stream: 'no such thing' };
      const got = delivered(from, to, reply);
      return { ...pair, whole: fateOf(thing, pair, got.whole), stream: fateOf(thing, pair, got.stream) };
    }),
  );
}

/** From a client's protocol to a provider's. */
export function requestPairs(): readonly (readonly [Wire, ProviderWire])[] {
  return WIRES.flatMap((from) => PROVIDER_WIRES.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** From a provider's protocol to a client's. */
export function replyPairs(): readonly (readonly [ProviderWire, Wire])[] {
  return PROVIDER_WIRES.flatMap((from) => WIRES.filter((to) => to !== from).map((to) => [from, to] as const));
}

export interface RequestThingRow {
  readonly from: Wire;
  readonly to: ProviderWire;
  readonly name: string;
  readonly fate: Fate;
}

/** What a provider gets of every thing in a request. */
export function requestThingRows(): readonly RequestThingRow[] {
  return REQUEST_THINGS.flatMap((thing) =>
    requestPairs().map(([from, to]): RequestThingRow => {
      const body = thing.in[from];
      const pair = { name: thing.name, from, to };
      if (body === undefined) return { ...pair, fate: 'no such thing' };
      const request = gateDialects[from].decodeRequest(body, { model: 'm', isStreaming: false });
      assert.ok(request.ok, `${from}: ${request.ok ? '' : request.error.message}`);
      const target = { model: DEFAULT_MODEL[to] };
      const isThere = (body: JsonRecord): boolean => thing.isKept?.(body) ?? holds(body);
      if (isThere(gateDialects[to].encodeRequest(request.value, target).body)) return { ...pair, fate: 'kept' };
      const { losses } = sent(request.value, to, target);
      const isMended = losses.length > 0 && losses.every((loss) => MENDED.has(loss.code) && loss.weight === 'hint');
      return { ...pair, fate: isMended ? 'mended' : losses.length > 0 ? 'lost' : 'gone in silence' };
    }),
  );
}

/** The losses of replies, whole and streamed, each kind once. */
export function replyRows(): readonly LossRow[] {
  const rows = new Map<string, LossRow>();
  const replies = [
    ...THINGS.flatMap((thing) =>
      PROVIDER_WIRES.flatMap((from) => (thing.in[from] === undefined ? [] : [{ from, reply: thing.in[from] }])),
    ),
    ...ENDS,
    { from: 'cohere' as const, reply: NAMELESS_SOURCE },
  ];
  for (const { from, reply } of replies) {
    for (const to of WIRES.filter((wire) => wire !== from)) {
      const { whole, stream } = delivered(from, to, reply);
      for (const loss of [...whole.losses, ...stream.losses]) {
        const field = placeOf(loss.field);
        rows.set([from, to, loss.code, loss.weight, field, loss.why].join('|'), {
          ...loss,
          field,
          from,
          to,
          models: [],
        });
      }
    }
  }
  return [...rows.values()];
}

/** Whether a loss names something that stands in the caller's body. Google's callers may write every name in snake case. */
export function stands(body: JsonRecord, field: string): boolean {
  // The name that the Messages API had for it in its beta.
  if (field === 'output_config.format' && body['output_format'] !== undefined) return true;
  let at: Json | undefined = body;
  for (const step of field.split(/[.[\]]+/).filter((name) => name !== '')) {
    const names: readonly string[] = [step, snake(step)];
    const inner: Json | undefined = at;
    at = isArray(inner)
      ? inner[Number(step)]
      : isRecord(inner)
        ? names.map((name) => inner[name]).find((value) => value !== undefined)
        : undefined;
    if (at === undefined) return false;
  }
  return true;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
