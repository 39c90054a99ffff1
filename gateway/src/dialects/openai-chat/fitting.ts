/** Wishes of another protocol, fitted to what a model of OpenAI takes: the same for its chat completions and its responses. */
import { fieldName, reasoningField } from '../../chat/field-names.ts';
import { effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest, Loss } from '../../chat/request.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { nearestEffort, type Effort, type ModelTraits } from './model.ts';

type Lose = (loss: Loss) => void;

/** Models that think sample in their own way, and refuse these two but for the value that changes nothing. */
export function fitTemperature(request: ChatRequest, traits: ModelTraits, lose: Lose): JsonRecord {
  const { sampling, reasoning } = request;
  if (traits.takesTemperature(reasoning === undefined ? undefined : effortOf(reasoning)))
    return { temperature: sampling.temperature, top_p: sampling.topP };
  for (const field of ['temperature', 'topP'] as const) {
    if (sampling[field] === undefined || sampling[field] === 1) continue;
    const why = 'This model takes no such setting while it thinks.';
    lose({ code: 'sampling', weight: 'hint', field: fieldName(request, field), why });
  }
  return {};
}

/** The effort to ask for; undefined where none was wanted, or the model takes none. */
export function fitEffort(request: ChatRequest, traits: ModelTraits, lose: Lose): Effort | undefined {
  const { reasoning } = request;
  const asked = reasoning === undefined ? undefined : effortOf(reasoning);
  if (reasoning === undefined || asked === undefined) return undefined;
  const { efforts } = traits;
  if (efforts?.length === 0) {
    const why = 'The effort of this model cannot be chosen.';
    if (asked !== 'none')
      lose({ code: 'reasoning', weight: 'hint', field: fieldName(request, reasoningField(reasoning)), why });
    return undefined;
  }
  const effort = efforts === undefined ? asked : nearestEffort(asked, efforts);
  loseEffort(request, { asked, effort }, lose);
  return effort;
}

function loseEffort(request: ChatRequest, sent: { readonly asked: Effort; readonly effort: Effort }, lose: Lose): void {
  const { reasoning } = request;
  const { asked, effort } = sent;
  const isBudget = reasoning?.effort === undefined && (reasoning?.budgetTokens ?? 0) > 0;
  if (isBudget) {
    const why = `The budget was sent as the effort ${effort}: this protocol has no budget.`;
    lose({ code: 'reasoning-budget', weight: 'hint', field: fieldName(request, 'reasoningBudget'), why });
  } else if (effort !== asked) {
    const why = `This model has no effort ${asked}; it was given ${effort}.`;
    lose({ code: 'reasoning-effort', weight: 'hint', field: fieldName(request, reasoningField(reasoning ?? {})), why });
  }
}
