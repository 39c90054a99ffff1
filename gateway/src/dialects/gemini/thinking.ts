/** Reasoning asked for and Gemini's two ways to say it: levels since Gemini 3, token budgets before (a 2.5 model refuses a level). */
import type { ChatRequest, Loss, Reasoning } from '../../chat/request.ts';
import { fieldName, reasoningField } from '../../chat/field-names.ts';
import { budgetOf, effortOf } from '../../chat/reasoning.ts';
import { compact, type JsonRecord } from '../../lib/json.ts';

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
type Effort = (typeof EFFORTS)[number];

/** `Effort` of a thinking level, in any case; undefined for a level of tomorrow. */
export function effortOfLevel(level: string): Effort | undefined {
  const lower = level.toLowerCase();
  return EFFORTS.slice(1, 5).find((effort) => effort === lower);
}

export interface ThinkingWish {
  readonly request: Pick<ChatRequest, 'origin' | 'names'>;
  readonly reasoning: Reasoning;
  readonly model: string;
  readonly canReason: boolean | undefined;
  lose(loss: Loss): void;
}

/** `thinkingConfig` for a model; undefined where there is nothing to say. */
export function thinkingConfig(wish: ThinkingWish): JsonRecord | undefined {
  const { reasoning, request } = wish;
  if (wish.canReason === false) {
    wish.lose({
      code: 'reasoning',
      field: fieldName(request, reasoningField(reasoning)),
      weight: 'hint',
      why: 'This model does not reason.',
    });
    return undefined;
  }
  const version = versionOf(wish.model);
  const amount = version === undefined ? asAsked(reasoning) : version >= 3 ? asLevel(wish, version) : asBudget(wish);
  const config = compact({ ...amount, includeThoughts: reasoning.isShown ?? shownUnasked(wish) });
  return Object.keys(config).length === 0 ? undefined : config;
}

/** Whether a model refuses a function call in the current turn that lost its thought signature (Gemini 3 and later do). */
export function needsSignatures(model: string): boolean {
  return (versionOf(model) ?? 0) >= 3;
}

/** `gemini-2.5-pro` is 2.5; names that move (`gemini-flash-latest`) point at the newest; undefined for other families. */
export function versionOf(model: string): number | undefined {
  const found = /gemini-(?:(\d+(?:\.\d+)?)|(?:pro|flash|flash-lite)-latest)/.exec(model);
  if (found === null) return undefined;
  return found[1] === undefined ? Number.POSITIVE_INFINITY : Number(found[1]);
}

/** Claude shows what it thinks with a budget without being asked to (recorded), and its clients count on it; Gemini shows it on demand. */
function shownUnasked({ reasoning, request }: ThinkingWish): true | undefined {
  return request.origin === 'anthropic-messages' && (reasoning.budgetTokens ?? 0) > 0 ? true : undefined;
}

interface Amount {
  readonly thinkingLevel?: string;
  readonly thinkingBudget?: number;
}

function asAsked(reasoning: Reasoning): Amount {
  if (reasoning.budgetTokens !== undefined) return { thinkingBudget: reasoning.budgetTokens };
  const effort = reasoning.effort;
  return effort === undefined
    ? {}
    : effort === 'none'
      ? { thinkingBudget: 0 }
      : { thinkingLevel: atLeast(EFFORTS.slice(1, 5), effort).toUpperCase() };
}

/** Gemini 3 still takes a budget, but is better with levels; a Gemini client's own words are kept. */
function asLevel(wish: ThinkingWish, version: number): Amount {
  const { reasoning, request } = wish;
  const budget = reasoning.budgetTokens;
  if (request.origin === 'gemini' && budget !== undefined) return { thinkingBudget: budget };
  const effort = effortOf(reasoning);
  if (effort === undefined) return {};
  const level = atLeast(levelsOf(wish.model, version), effort);
  const isBudget = reasoning.effort === undefined;
  if (isBudget || level !== effort) {
    const why = isBudget ? `The budget of ${budget} tokens` : `The effort "${effort}"`;
    wish.lose({
      code: isBudget ? 'reasoning-budget' : 'reasoning-effort',
      field: fieldName(request, reasoningField(reasoning)),
      weight: 'hint',
      why: `${why} is sent as the nearest level of this model: ${level}.`,
    });
  }
  return { thinkingLevel: level.toUpperCase() };
}

/** Levels by model, as docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking lists them in November 2026. */
function levelsOf(model: string, version: number): readonly Effort[] {
  if (/pro/.test(model)) return version < 3.1 ? ['low', 'high'] : ['low', 'medium', 'high'];
  return /lite/.test(model) || version <= 3.6 ? ['minimal', 'low', 'medium', 'high'] : ['low', 'medium', 'high'];
}

function atLeast(levels: readonly Effort[], effort: Effort): Effort {
  const wanted = EFFORTS.indexOf(effort);
  return levels.find((level) => EFFORTS.indexOf(level) >= wanted) ?? 'high';
}

/** Least and most thinking tokens of the 2.5 models (same page); 0 turns thinking off where `canStop`. */
function rangeOf(model: string): { readonly min: number; readonly max: number; readonly canStop: boolean } {
  if (/pro/.test(model)) return { min: 128, max: 32_768, canStop: false };
  return { min: /lite/.test(model) ? 512 : 1, max: 24_576, canStop: true };
}

function asBudget(wish: ThinkingWish): Amount {
  const asked = budgetOf(wish.reasoning);
  if (asked === undefined) return {};
  const range = rangeOf(wish.model);
  const isFree = asked < 0 || (asked === 0 && range.canStop);
  const budget = isFree ? asked : Math.min(Math.max(asked, range.min), range.max);
  if (budget !== asked) {
    wish.lose({
      code: 'reasoning-budget',
      field: fieldName(wish.request, reasoningField(wish.reasoning)),
      weight: 'hint',
      why: `This model thinks with ${range.min} to ${range.max} tokens; it is asked for ${budget} instead of ${asked}.`,
    });
  }
  return { thinkingBudget: budget };
}
