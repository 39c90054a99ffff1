/** Carries one provider's signature inside another protocol's field, so that a client gives it back and it is known again. */
import type { Origin, Signature } from './part.ts';

const PREFIX = 'turnout:';
const ORIGINS: ReadonlySet<string> = new Set<Origin>([
  'openai-chat',
  'openai-responses',
  'openai-completions',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'bedrock-invoke',
  'cohere',
  'ollama',
  'replicate',
]);

function isOrigin(text: string): text is Origin {
  return ORIGINS.has(text);
}

/** The text to put into a signature field of dialect `home`: bare where it is home, else `turnout:ORIGIN:VALUE`. */
export function packSignature(signature: Signature, home: Origin): string {
  return signature.origin === home ? signature.value : `${PREFIX}${signature.origin}:${signature.value}`;
}

/** Reads what `packSignature` wrote; any other text is a signature of `home` itself. */
export function unpackSignature(text: string, home: Origin): Signature {
  if (text.startsWith(PREFIX)) {
    const end = text.indexOf(':', PREFIX.length);
    const origin = text.slice(PREFIX.length, end === -1 ? PREFIX.length : end);
    if (isOrigin(origin)) return { origin, value: text.slice(end + 1) };
  }
  return { origin: home, value: text };
}
