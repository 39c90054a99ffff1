/** Replies of the Responses API that are kept: shown, listed, removed. By key: no key sees another's. */
import { fault, type Fault } from '../chat/fault.ts';
import { listedItems } from '../dialects/openai-responses/thread.ts';
import { asString, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { chainOf, turnIn } from '../pipeline/recall.ts';
import type { KeptTurns } from '../store/ports.ts';
import type { Operation } from './routes.ts';

interface Reader {
  readonly keyId: string;
  readonly turns: KeptTurns;
}

/** What a request about a kept reply is answered with. */
export function responseAnswer(
  { action, id }: Extract<Operation, { kind: 'response' }>,
  { keyId, turns }: Reader,
): Result<JsonRecord, Fault> {
  if (action === 'cancel') {
    const reason = 'only work in the background can be cancelled, and none is done here';
    return err(fault('field-invalid', { reason }, { param: 'response_id' }));
  }
  const stored = turns.get(id, keyId);
  if (stored === undefined) return err(fault('response-unknown', { id: JSON.stringify(id.slice(0, 80)) }));
  if (action === 'show') return ok(turnIn(stored).reply);
  if (action === 'items') return ok(listOf(listedItems(chainOf(id, keyId, turns) ?? [turnIn(stored)])));
  turns.remove(id, keyId);
  return ok({ id, object: 'response', deleted: true });
}

function listOf(data: readonly JsonRecord[]): JsonRecord {
  const [first] = data;
  const ends = { first_id: asString(first?.['id']) ?? null, last_id: asString(data.at(-1)?.['id']) ?? null };
  return { object: 'list', data, ...ends, has_more: false };
}
