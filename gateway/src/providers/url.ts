/** Addresses that several providers make alike. */
import type { UrlParts } from './provider.ts';

/**
 * The address of a call where the base may end in `/v1` or not. Anthropic's SDKs give it without, others (models.dev,
 * @ai-sdk/anthropic) with it; Ollama has its own protocol at the root and OpenAI's under `/v1`. Both are understood.
 */
export function urlWithoutV1(parts: Pick<UrlParts, 'baseUrl' | 'path'>): string {
  return parts.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '') + parts.path;
}
