/**
 * What a Claude model takes on this wire, read out of its name. The forms changed with the versions, and a request in the
 * wrong form is a 400. Measured on the recordings; beyond them the model table of @ai-sdk/anthropic 4.0.105 and the
 * provider's pages (thinking, effort, mid-conversation system messages) are the source.
 */

export type Effort = 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface ModelTraits {
  /** `budget`: `enabled` with a budget; `adaptive`: only without; `both` (Claude 4.6). */
  readonly thinking: 'none' | 'budget' | 'both' | 'adaptive';
  readonly canStopThinking: boolean;
  /** `thinking: between_tools`, the least of models that cannot stop. */
  readonly hasBetweenTools: boolean;
  /** Values of `output_config.effort`; empty where the field is refused. */
  readonly efforts: readonly Effort[];
  /** `temperature`, `top_p`, `top_k`: refused from Claude 4.7 on, even with default values where the caller asks for the new version. */
  readonly takesSampling: boolean;
  /** From Claude 4.1 on only one of `temperature` and `top_p` may be given. */
  readonly takesBothSamplings: boolean;
  readonly takesForcedTool: boolean;
  /** A last message of the assistant that the reply goes on from: refused from Claude 4.6 on. */
  readonly takesPrefill: boolean;
  /** `role: system` after a user turn: from Claude 4.8 on (recorded: anthropicMidConversationSystemMessage and its like). */
  readonly takesLaterSystem: boolean;
  /** `output_config.format`: from Claude 4.5 on, and Opus 4.1. */
  readonly takesFormat: boolean;
}

/** A model of somebody else who speaks this wire: the oldest forms, which all of them took over. */
const FOREIGN: ModelTraits = {
  thinking: 'budget',
  canStopThinking: true,
  hasBetweenTools: false,
  efforts: [],
  takesSampling: true,
  takesBothSamplings: true,
  takesForcedTool: true,
  takesPrefill: true,
  takesLaterSystem: false,
  takesFormat: true,
};

const NAME = /claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2})(?!\d))?(?:-(opus|sonnet|haiku))?/;

/** The traits of a model by its name, whatever stands around it (`us.anthropic.claude-opus-4-6-v1:0`, `claude-haiku-4-5@20251001`). */
export function traitsOf(model: string): ModelTraits {
  const match = NAME.exec(model.toLowerCase());
  if (match === null) return FOREIGN;
  const family = match[1] ?? match[4] ?? '';
  const version = Number(match[2]) * 100 + Number(match[3] ?? 0);
  return {
    thinking: thinkingOf(version),
    ...willOf(version, family),
    efforts: effortsOf(version, family),
    takesSampling: version < 407,
    takesBothSamplings: version < 401,
    takesPrefill: version < 406,
    takesLaterSystem: version >= 408,
    takesFormat: version >= 405 || (family === 'opus' && version >= 401),
  };
}

/** The newest ones decide for themselves whether to think, and which tool to call. */
function willOf(
  version: number,
  family: string,
): Pick<ModelTraits, 'canStopThinking' | 'hasBetweenTools' | 'takesForcedTool'> {
  const isFable = family === 'fable' || family === 'mythos';
  const isLate = version >= 505 && (family === 'opus' || family === 'sonnet');
  return {
    canStopThinking: !isFable && !isLate,
    hasBetweenTools: isLate && family === 'sonnet',
    takesForcedTool: !isLate && !(isFable && version >= 501),
  };
}

function thinkingOf(version: number): ModelTraits['thinking'] {
  if (version < 307) return 'none';
  if (version < 406) return 'budget';
  return version === 406 ? 'both' : 'adaptive';
}

function effortsOf(version: number, family: string): readonly Effort[] {
  if (version >= 407) return ['low', 'medium', 'high', 'xhigh', 'max'];
  if (version === 406) return ['low', 'medium', 'high', 'max'];
  return family === 'opus' && version === 405 ? ['low', 'medium', 'high'] : [];
}
