/** How much to think, in the fields of each maker: Converse itself has only `outputConfig.effort`, and hands the rest through. */
import type { LossCode } from '../../chat/loss-codes.ts';
import { reasoningField, type ChatField } from '../../chat/field-names.ts';
import { effortOf } from '../../chat/reasoning.ts';
import type { ChatRequest } from '../../chat/request.ts';
import { compact, type JsonRecord } from '../../lib/json.ts';
import { encodeThinking, type ThinkingFacts } from '../anthropic-messages/encode-request.ts';
import type { EncodeTarget } from '../dialect.ts';
import type { BedrockTraits } from './model.ts';

export interface ReasoningDraft {
  readonly request: ChatRequest;
  readonly target: EncodeTarget;
  readonly traits: BedrockTraits;
  readonly maxTokens: number;
  readonly hint: (code: LossCode, field: ChatField, why: string) => void;
  readonly meaning: (code: LossCode, field: ChatField, why: string) => void;
}

export interface EncodedReasoning {
  /** Among the model's own fields. */
  readonly fields?: JsonRecord;
  /** `outputConfig.effort`. */
  readonly effort?: string;
  /** Claude's `thinking`, which its sampling depends on. */
  readonly thinking?: JsonRecord;
}

/** Another protocol's wish to reason, in the form that this model takes. */
export function encodeReasoning(draft: ReasoningDraft, facts: ThinkingFacts): EncodedReasoning {
  const { request, traits } = draft;
  const reasoning = request.reasoning ?? {};
  if (reasoning.effort === undefined && reasoning.budgetTokens === undefined) return {};
  if (traits.claude !== undefined) {
    const { field, effort } = encodeThinking({ ...draft, traits: traits.claude }, facts);
    return compact({ fields: field === undefined ? undefined : { thinking: field }, effort, thinking: field });
  }
  if (draft.target.canReason === false) return without(draft, 'never');
  if (traits.reasons === 'nova') return novaReasoning(draft);
  return traits.reasons === 'effort' ? plainEffort(draft) : without(draft, traits.reasons);
}

function isOff({ request: { reasoning } }: ReasoningDraft): boolean {
  return reasoning?.effort === 'none' || reasoning?.budgetTokens === 0;
}

function without(draft: ReasoningDraft, reasons: BedrockTraits['reasons']): EncodedReasoning {
  if (reasons !== 'always' && isOff(draft)) return {};
  const why =
    reasons === 'always'
      ? 'This model always reasons, as much as it likes.'
      : reasons === 'never'
        ? 'This model does not reason.'
        : 'How this model is told to reason is not known.';
  draft.hint('reasoning', reasoningField(draft.request.reasoning ?? {}), why);
  return {};
}

/** Of Nova 2. The guide: with high effort neither a limit nor sampling may be given, so that is never asked for beside them. */
function novaReasoning(draft: ReasoningDraft): EncodedReasoning {
  if (isOff(draft)) return { fields: { reasoningConfig: { type: 'disabled' } } };
  const { request } = draft;
  const wanted = effortOf(request.reasoning ?? {}) ?? 'medium';
  const given = wanted === 'minimal' || wanted === 'low' ? 'low' : 'medium';
  if (wanted !== given)
    draft.hint(
      'reasoning-effort',
      reasoningField(request.reasoning ?? {}),
      `Nova was given the effort ${given}: it takes a higher one only without any limit.`,
    );
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: given } } };
}

/** Of gpt-oss: low, medium, high. */
function plainEffort(draft: ReasoningDraft): EncodedReasoning {
  const wanted = effortOf(draft.request.reasoning ?? {});
  if (wanted === undefined) return {};
  const given =
    wanted === 'medium' ? 'medium' : wanted === 'none' || wanted === 'minimal' || wanted === 'low' ? 'low' : 'high';
  if (wanted !== given)
    draft.hint(
      'reasoning-effort',
      reasoningField(draft.request.reasoning ?? {}),
      `This model has no effort ${wanted}; it was given ${given}.`,
    );
  return { fields: { reasoning_effort: given } };
}
