/** The protocols that the pages and suites of translation go through, and the models that cases are sent to. */
import type { Origin } from '../../src/chat/part.ts';
import type { EncodeTarget } from '../../src/dialects/dialect.ts';

export type Wire = Extract<Origin, 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini' | 'cohere'>;
/** The protocols that clients speak. */
export const WIRES: readonly Wire[] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'cohere'];
/** The three whose fields, signatures and odd places are walked in full; the others have suites of their own. */
export const WALKED = ['openai-chat', 'anthropic-messages', 'gemini'] as const;
export type WalkedWire = (typeof WALKED)[number];
/** Those that providers speak. */
export type ProviderWire = Wire | 'bedrock-converse' | 'bedrock-invoke' | 'ollama' | 'replicate';
export const PROVIDER_WIRES: readonly ProviderWire[] = [
  ...WIRES,
  'bedrock-converse',
  'bedrock-invoke',
  'ollama',
  'replicate',
];

/** A model of which nothing is known but the protocol. */
export const DEFAULT_MODEL: Readonly<Record<ProviderWire, string>> = {
  'openai-chat': 'some-model',
  'openai-responses': 'some-model',
  'anthropic-messages': 'some-model',
  gemini: 'gemini-2.5-flash',
  'bedrock-converse': 'maker.some-model',
  'bedrock-invoke': 'meta.llama3-70b-instruct',
  replicate: 'meta/meta-llama-3-70b-instruct',
  cohere: 'some-model',
  ollama: 'some-model',
};

/** Bedrock has one wire for the models of many makers, and each takes another part of it: every case goes to one of each. */
export const BEDROCK_MODELS: readonly EncodeTarget[] = models(
  'anthropic.claude-haiku-4-5',
  'anthropic.claude-opus-4-8',
  'amazon.nova-2-lite',
  'meta.llama4-maverick',
  'openai.gpt-oss-120b',
);

export function models(...names: readonly string[]): readonly EncodeTarget[] {
  return names.map((model) => ({ model }));
}
