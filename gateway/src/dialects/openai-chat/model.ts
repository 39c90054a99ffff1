/**
 * What OpenAI's own models take on this wire, read out of their names: a request in the wrong form is a 400. Only requests
 * that are translated are fitted to it. Efforts and temperatures are those of the catalogue (models.dev), corrected by
 * recordings: GPT-5.6 takes `max` and refuses a temperature, GPT-5.4 takes one, GPT-5 refuses one, and one output token.
 */
import type { Reasoning } from '../../chat/request.ts';

export type Effort = NonNullable<Reasoning['effort']>;

export interface ModelTraits {
  /** Values of `reasoning_effort`, least first; none where the field is refused; absent where nothing is known. */
  readonly efforts?: readonly Effort[];
  /** Whether `temperature` and `top_p` are taken by a request of this effort. */
  readonly takesTemperature: (effort: Effort | undefined) => boolean;
  /** Least number of output tokens that is taken. */
  readonly outputTokensMin: number;
  readonly stopMax: number;
  /** Whether the end of a cached prefix can be marked (OpenAI's OpenAPI, `PromptCacheBreakpointParam`: from GPT-5.6 on). */
  readonly takesBreakpoints: boolean;
}

/** Documented for `stop` (OpenAI's OpenAPI, `StopConfiguration`). */
const OPENAI_STOP_MAX = 4;
/** Recorded: a limit of 1 is a 400 ("max_tokens or model output limit was reached"), one of 16 is answered. */
const THINKING_TOKENS_MIN = 16;
const ORDER: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** A model of another maker: nobody knows better than the caller. */
const FOREIGN: ModelTraits = {
  takesTemperature: () => true,
  outputTokensMin: 1,
  stopMax: Number.POSITIVE_INFINITY,
  takesBreakpoints: false,
};
const NAME = /(?:^|[/.])(?:gpt-(\d+)(?:\.(\d+))?|o(\d))(o)?(?![\w.])((?:-\w+)*)/i;

/** The traits of a model by its name, whatever stands before it (`openai/gpt-5.4-mini`). `canReason` is what the catalog knows of it. */
export function traitsOf(model: string, canReason: boolean | undefined): ModelTraits {
  const match = NAME.exec(model);
  const known = match === null ? FOREIGN : openaiTraits(match);
  return canReason === false ? { ...known, efforts: [] } : known;
}

/** The least of `efforts` that is at least `asked`, or the greatest. */
export function nearestEffort(asked: Effort, efforts: readonly Effort[]): Effort {
  const wanted = ORDER.indexOf(asked);
  return efforts.find((effort) => ORDER.indexOf(effort) >= wanted) ?? efforts.at(-1) ?? asked;
}

function openaiTraits(match: RegExpExecArray): ModelTraits {
  const [, major = '', minor = '0', line, , rest = ''] = match;
  // Azure writes gpt-35-turbo.
  const version = line === undefined ? (major === '35' ? 305 : Number(major) * 100 + Number(minor)) : 0;
  const takesBreakpoints = version >= 506;
  const plain = { takesTemperature: () => true, outputTokensMin: 1, stopMax: OPENAI_STOP_MAX, takesBreakpoints };
  if (line === undefined && version < 500) return { ...plain, efforts: [] };
  // Models of ChatGPT think as they like, or not at all.
  if (rest.startsWith('-chat'))
    return { ...plain, efforts: [], takesTemperature: () => version === 500 || version === 503 };
  const efforts = line === undefined ? effortsOf(version, rest) : (['low', 'medium', 'high'] as const);
  return {
    efforts,
    takesTemperature: (effort = 'none') => effort === 'none' && efforts.includes('none') && version < 506,
    outputTokensMin: THINKING_TOKENS_MIN,
    stopMax: Number(line) >= 3 ? 0 : OPENAI_STOP_MAX,
    takesBreakpoints,
  };
}

function effortsOf(version: number, rest: string): readonly Effort[] {
  const isPro = /-pro\b/.test(rest);
  if (version === 500) {
    if (isPro) return ['high'];
    return rest.startsWith('-codex') ? ['low', 'medium', 'high'] : ['minimal', 'low', 'medium', 'high'];
  }
  const most: readonly Effort[] =
    version >= 506 ? ['xhigh', 'max'] : version >= 502 || rest.includes('-max') ? ['xhigh'] : [];
  if (isPro) return ['medium', 'high', ...most];
  const isCodex = rest.startsWith('-codex') && version < 503;
  return [...(isCodex ? [] : (['none'] as const)), 'low', 'medium', 'high', ...most];
}
