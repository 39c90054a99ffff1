/**
 * Who sealed a reasoning item. The wire does not say, and who did not seal it refuses the whole request, so that it is told by
 * what was recorded: OpenAI and Azure seal in Fernet tokens under ids of 50 hexadecimal digits, xAI in plain base64 or a
 * reference under ids that are UUIDs, Bedrock and DeepSeek in references of their own; OpenRouter's ids are temporary ones.
 */
import { asString, type JsonRecord } from '../../lib/json.ts';

/** Hosts that open the same seals. OpenAI's and Azure's look alike, and are taken for one. */
export type Sealer = 'openai' | 'xai' | 'amazon' | 'deepseek' | 'openrouter';

/** Version 0x80 and a time of eight bytes, which begins with zeros until 2106 (github.com/fernet/spec). */
const FERNET = /^gAAAAA/;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const BASE64 = /^[A-Za-z\d+/]{64,}={0,2}$/;
const ID_OF_OPENAI = /^rs_[\da-f]{40,}$/;
const ID_OF_OPENROUTER = /^rs_tmp_/;

/** Whether the seal of an item is known to be another's than `host`'s. What is in no known form may be anyone's. */
export function isSealedElsewhere(item: JsonRecord, host: Sealer): boolean {
  const seal = asString(item['encrypted_content']) ?? '';
  const sealers = seal === '' ? [] : sealersOf(seal, asString(item['id']) ?? '');
  return sealers.length > 0 && !sealers.includes(host);
}

/** Who may have sealed it; nobody where the form is not known. OpenRouter hands on what its upstreams have sealed. */
function sealersOf(seal: string, id: string): readonly Sealer[] {
  if (ID_OF_OPENROUTER.test(id)) return ['openrouter'];
  if (FERNET.test(seal)) return ID_OF_OPENAI.test(id) ? ['openai'] : ['openai', 'openrouter'];
  if (seal.startsWith('rsn_')) return ['amazon'];
  if (UUID.test(seal)) return ['deepseek'];
  if (!seal.startsWith('tco_') && !BASE64.test(seal)) return [];
  return UUID.test(id.replace(/^(?:rs|tco)_/, '')) ? ['xai'] : ['xai', 'openrouter'];
}
