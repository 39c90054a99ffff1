/** Effort and thinking budget, each from the other, for dialects that know only one of the two. */
import type { Reasoning } from './request.ts';

type Effort = NonNullable<Reasoning['effort']>;

/**
 * Thinking tokens for each effort. Google states these equivalences for its OpenAI-compatible endpoint
 * (ai.google.dev/gemini-api/docs/openai: low 1,024, medium 8,192, high 24,576); the others continue the series.
 */
const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 32_768,
  max: 65_536,
};

/** Thinking tokens asked for, from the budget or else the effort; undefined where neither is given; -1 leaves it to the model. */
export function budgetOf(reasoning: Reasoning): number | undefined {
  if (reasoning.budgetTokens !== undefined) return reasoning.budgetTokens;
  return reasoning.effort === undefined ? undefined : BUDGETS[reasoning.effort];
}

/** Whether thinking is asked for, or that there be none; not only that it be shown. */
export function asksToThink({ effort, budgetTokens }: Reasoning): boolean {
  return effort !== undefined || budgetTokens !== undefined;
}

/** Effort asked for, from the effort or else the nearest to the budget; undefined where neither is given or it is left to the model. */
export function effortOf(reasoning: Reasoning): Effort | undefined {
  if (reasoning.effort !== undefined) return reasoning.effort;
  const budget = reasoning.budgetTokens;
  if (budget === undefined || budget < 0) return undefined;
  if (budget === 0) return 'none';
  if (budget <= 2048) return 'low';
  return budget <= 12_288 ? 'medium' : 'high';
}
