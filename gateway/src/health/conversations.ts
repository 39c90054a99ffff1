/**
 * Where each conversation has been, and how much of it stands in the prompt cache there. Providers tell what they have read
 * from a cache; what they will read next time is what they were sent last time, as long as they keep it.
 */
import type { Usage } from '../chat/usage.ts';
import type { Price } from '../money/price.ts';
import { Table } from './table.ts';

/** As many as can be under way within the time that caches live. */
const CONVERSATIONS_MAX = 50_000;
/** Of targets, of which a conversation has been at. */
const PLACES_MAX = 4;
/** How long providers keep a prompt (Anthropic: 5 minutes from the last use; OpenAI: 5 to 10). */
export const CACHE_MS = 300_000;
/** Nobody caches less (OpenAI, Anthropic: 1,024 tokens). */
const TOKENS_MIN = 1024;

interface Stay {
  readonly targetId: string;
  readonly tokens: number;
  readonly atMs: number;
}

export class Conversations {
  readonly #all = new Table<Stay[]>(CONVERSATIONS_MAX, () => []);

  /** An answer has come. `nowMs`: monotonic. */
  answered(
    id: string,
    { targetId, price, usage }: { readonly targetId: string; readonly price: Price | undefined; readonly usage: Usage },
    nowMs: number,
  ): void {
    const stays = this.#all.use(id);
    const before = stays.findIndex((stay) => stay.targetId === targetId);
    const known = before === -1 ? undefined : stays[before];
    if (before !== -1) stays.splice(before, 1);
    const tokens = keptTokens(usage, { price, isReturn: known !== undefined && nowMs - known.atMs <= CACHE_MS });
    stays.unshift({ targetId, tokens, atMs: nowMs });
    stays.length = Math.min(stays.length, PLACES_MAX);
  }

  /** Tokens of the conversation that stand in the target's cache; 0 where none do. */
  cachedAt(id: string, targetId: string, nowMs: number): number {
    const stay = this.#all.get(id)?.find((one) => one.targetId === targetId);
    return stay === undefined || nowMs - stay.atMs > CACHE_MS ? 0 : stay.tokens;
  }
}

/**
 * What the provider has kept of a prompt. Where it told that it read or wrote a cache, all of the prompt; where it told nothing,
 * only providers that cache by themselves may have it, and of those only one that has not disappointed: a second turn of which
 * nothing came from the cache says that there is none. Who asks money for writing a cache writes none unasked.
 */
function keptTokens(
  usage: Usage,
  { price, isReturn }: { readonly price: Price | undefined; readonly isReturn: boolean },
): number {
  const { inputTokens = 0, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  if (inputTokens < TOKENS_MIN) return 0;
  if (cachedInputTokens + cacheWriteTokens > 0) return inputTokens;
  const isUnasked = price?.cacheRead !== undefined && price.cacheWrite === undefined;
  return isUnasked && !isReturn ? inputTokens : 0;
}
