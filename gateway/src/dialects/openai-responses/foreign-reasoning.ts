/**
 * Reasoning that another provider left in a conversation of this wire. Of another protocol: its signatures travel to the client
 * in the seals of reasoning items and come back in them. Of the same: its seals are the provider's own (`seals.ts`). The provider
 * that made them gets them back; any other would refuse the request, so they are taken out.
 */
import { unpackSignature } from '../../chat/signature.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { HOME } from './items.ts';
import { isSealedElsewhere, type Sealer } from './seals.ts';

/** Cheap: looks at the reasoning items only. `host` is who is asked, where it is known how it seals. */
export function hasForeignReasoning(body: JsonRecord, host: Sealer | undefined): boolean {
  const { input } = body;
  return isArray(input) && input.some((item) => isForeign(item, host));
}

/** The body without the reasoning items of others. Their words go with them: a reply is not made of them. */
export function withoutForeignReasoning(body: JsonRecord, host: Sealer | undefined): JsonRecord {
  const { input } = body;
  return isArray(input) ? { ...body, input: input.filter((item) => !isForeign(item, host)) } : body;
}

function isForeign(item: Json, host: Sealer | undefined): boolean {
  if (!isRecord(item) || item['type'] !== 'reasoning') return false;
  const seal = item['encrypted_content'];
  if (typeof seal !== 'string') return false;
  return unpackSignature(seal, HOME).origin !== HOME || (host !== undefined && isSealedElsewhere(item, host));
}
