/**
 * What a model takes on Converse, read out of its id. The service has one form for all, but each model takes only a part of
 * it, and a request beyond that part is a 400. From the service's own description (ToolChoice, ToolResultBlock, OutputConfig
 * in its model of 2026-11), the user guide's table of models and features, and the recordings.
 */
import { traitsOf as claudeTraits, type ModelTraits } from '../anthropic-messages/model.ts';

export type Reasons =
  /** `thinking` as on the Messages API, effort in `outputConfig`. */
  | 'claude'
  /** Nova 2: `reasoningConfig`. */
  | 'nova'
  /** gpt-oss: `reasoning_effort`. */
  | 'effort'
  /** Reasons, and cannot be told how much (DeepSeek R1, Kimi K2 Thinking). */
  | 'always'
  | 'never'
  /** Nothing is known of it. */
  | 'unknown';

export interface BedrockTraits {
  /** What Claude takes on any wire; undefined for models of others. */
  readonly claude?: ModelTraits;
  readonly reasons: Reasons;
  readonly takesCache: boolean;
  /** `toolChoice` beyond `auto`. */
  readonly takesForcedTool: boolean;
  readonly takesVideo: boolean;
  /** `outputConfig.textFormat`, and strict tools. */
  readonly takesFormat: boolean;
  /** `toolResult.status`. */
  readonly takesStatus: boolean;
  /** `inferenceConfig.topK` among the model's own fields. Claude has another name for it. */
  readonly takesTopK: boolean;
}

/** Where a profile sends a request, before the model's own id. */
const PROFILE = /^(?:global|us|us-gov|eu|apac|jp|au|ca)\.(?=[a-z0-9-]+\.)/;

/** The model behind a profile's id (`eu.anthropic.claude-…`). Tokens are counted for models alone: a profile was refused (recorded). */
export function modelOfProfile(id: string): string {
  return id.replace(PROFILE, '');
}

const CLAUDE = /\bclaude\b|anthropic\./;
const NOVA = /\bnova-/;
/** Models of which the guide lists neither structured output nor a forced call. */
const PLAIN = /(?:meta\.llama|amazon\.titan|cohere\.|ai21\.)/;
const ALWAYS = /deepseek[.-]r1|thinking|minimax/;

/** The traits of a model by its id, whatever stands around it (`eu.anthropic.claude-sonnet-4-5-20250929-v1:0`, an ARN). */
export function bedrockTraits(model: string): BedrockTraits {
  const id = model.toLowerCase();
  if (CLAUDE.test(id)) return claudeOnBedrock(claudeTraits(id));
  if (NOVA.test(id)) return novaTraits(id);
  const isPlain = PLAIN.test(id);
  return {
    reasons: reasonsOf(id, isPlain),
    takesCache: false,
    takesForcedTool: !isPlain,
    takesVideo: !isPlain,
    takesFormat: !isPlain,
    takesStatus: false,
    takesTopK: false,
  };
}

function claudeOnBedrock(claude: ModelTraits): BedrockTraits {
  return {
    claude,
    reasons: claude.thinking === 'none' ? 'never' : 'claude',
    takesCache: true,
    takesForcedTool: claude.takesForcedTool,
    // Recorded: "This model doesn't support the video content block that you provided."
    takesVideo: false,
    takesFormat: claude.takesFormat,
    takesStatus: true,
    takesTopK: false,
  };
}

function novaTraits(id: string): BedrockTraits {
  return {
    reasons: id.includes('nova-2') ? 'nova' : 'never',
    takesCache: true,
    takesForcedTool: true,
    takesVideo: true,
    takesFormat: false,
    takesStatus: true,
    takesTopK: true,
  };
}

function reasonsOf(id: string, isPlain: boolean): Reasons {
  if (id.includes('gpt-oss')) return 'effort';
  if (ALWAYS.test(id)) return 'always';
  return isPlain ? 'never' : 'unknown';
}
