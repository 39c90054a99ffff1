/** recall: a request that goes on from an earlier reply gets the turns before it, and a reply that may be gone on from is kept. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Dialect, KeptTurn, Thread } from '../dialects/dialect.ts';
import { asRecord, isArray, parseJson, type JsonRecord } from '../lib/json.ts';
import type { Target } from '../routing/target.ts';
import type { KeptTurns } from '../store/ports.ts';

/** Longer chains than any conversation has; each step is a look into a map. */
const TURNS_MAX = 2000;

/** An earlier conversation. */
export interface Recalled {
  readonly previousId: string;
  /** The body with all turns before it in its own words; absent where we do not know them. */
  readonly record?: JsonRecord;
  /** The key of the provider that keeps the previous reply itself, and takes its id. */
  readonly knownTo?: string;
}

/** What is known of the conversation that `body` goes on with; undefined where it begins one. */
export function recall(
  thread: Thread | undefined,
  body: JsonRecord,
  { keyId, turns }: { readonly keyId: string; readonly turns: KeptTurns },
): Recalled | undefined {
  const previousId = thread?.previousOf(body);
  if (thread === undefined || previousId === undefined) return undefined;
  const chain = chainOf(previousId, keyId, turns);
  if (chain === undefined) return { previousId };
  const knownTo = turns.get(previousId, keyId)?.knownTo;
  return { previousId, record: thread.withTurns(body, chain), ...(knownTo === undefined ? {} : { knownTo }) };
}

/** The turns up to and with that of `id`, oldest first; undefined where one of them is not kept (any more). */
export function chainOf(id: string, keyId: string, turns: KeptTurns): readonly KeptTurn[] | undefined {
  const chain: KeptTurn[] = [];
  for (let next: string | undefined = id; next !== undefined;) {
    const stored = turns.get(next, keyId);
    if (stored === undefined || chain.length >= TURNS_MAX) return undefined;
    chain.push(turnIn(stored));
    next = stored.previousId;
  }
  return chain.toReversed();
}

/** A turn as it was kept. */
export function turnIn({ id, text }: { readonly id: string; readonly text: string }): KeptTurn {
  const kept = asRecord(parseJson(text)) ?? {};
  const { input } = kept;
  return { id, input: isArray(input) ? input : [], reply: asRecord(kept['reply']) ?? {} };
}

/** The fault for a reply that neither we nor the provider at hand knows. */
export function previousUnknown(id: string): Fault {
  return fault(
    'previous-response-not-found',
    { id: JSON.stringify(id.slice(0, 80)) },
    { param: 'previous_response_id' },
  );
}

/** A turn to be kept, but for whose it is. */
export type TurnDraft = Omit<Parameters<KeptTurns['put']>[0], 'keyId'>;

interface Answered {
  readonly call: {
    readonly dialect: Dialect;
    readonly body: { readonly record: JsonRecord };
    readonly recalled?: Recalled;
  };
  readonly target: Target;
}

/** The turn that a body and its finished answer make; undefined where they make none. */
export function draftOf(thread: Thread, { call, target }: Answered, answer: string): TurnDraft | undefined {
  const turn = thread.turnOf(call.body.record, answer);
  if (turn === undefined) return undefined;
  const { id, input, reply } = turn;
  const isKeptThere = target.provider.dialect.id === call.dialect.id && reply['store'] === true;
  return {
    id,
    ...(call.recalled === undefined ? {} : { previousId: call.recalled.previousId }),
    ...(isKeptThere ? { knownTo: target.keyId } : {}),
    text: JSON.stringify({ input, reply }),
  };
}
