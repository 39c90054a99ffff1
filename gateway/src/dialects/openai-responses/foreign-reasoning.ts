/**
 * Reasoning that another protocol's provider left in a conversation of this wire: its signatures travel to the client in the
 * seals of reasoning items and come back in them. The provider that made them gets them translated; one of this wire, whose
 * body goes on as bytes, would refuse the request, so they are taken out.
 */
import { unpackSignature } from '../../chat/signature.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { HOME } from './items.ts';

/** Cheap: looks at the reasoning items only. */
export function hasForeignReasoning(body: JsonRecord): boolean {
  const { input } = body;
  return isArray(input) && input.some(isForeign);
}

/** The body without the reasoning items of others. Their words go with them: a reply is not made of them. */
export function withoutForeignReasoning(body: JsonRecord): JsonRecord {
  const { input } = body;
  return isArray(input) ? { ...body, input: input.filter((item) => !isForeign(item)) } : body;
}

function isForeign(item: Json): boolean {
  if (!isRecord(item) || item['type'] !== 'reasoning') return false;
  const seal = item['encrypted_content'];
  return typeof seal === 'string' && unpackSignature(seal, HOME).origin !== HOME;
}
