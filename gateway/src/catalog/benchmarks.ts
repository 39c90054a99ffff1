/** The benchmarks whose published figures we know: how each is scaled, and what it tells of which task. */

/** What a request is about, as far as a model's quality depends on it. */
export const QUALITY_TASKS = [
  'chat',
  'code',
  'math',
  'translation',
  'summary',
  'extraction',
  'classification',
  'creative',
  'analysis',
  'agent',
] as const;

export type QualityTask = (typeof QUALITY_TASKS)[number];

export interface Benchmark {
  readonly name: string;
  /** `percent`: right answers in a hundred. `rating`: Elo, where 400 points are ten wins to one. `score`: log odds of a win. */
  readonly scale: 'percent' | 'rating' | 'score';
  /** How much it tells of a task, from 0 to 1. A task that is missing: nothing. */
  readonly tells: Readonly<Partial<Record<QualityTask, number>>>;
}

/**
 * By id, as scripts/quality-figures.ts names them. A figure of LiveBench is the mean of the columns named here; LiveBench
 * changed its questions, so that those of 2025 are a benchmark of their own.
 */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  'swe-bench-verified': percent('SWE-bench Verified, with the maker’s tools', { code: 1, agent: 0.25 }),
  'swe-bench-openhands': percent('SWE-bench Verified, with OpenHands', { code: 1, agent: 0.25 }),
  'swe-bench-multilingual': percent('SWE-bench Multilingual', { code: 0.75 }),
  'swt-bench': percent('SWT-bench, with OpenHands', { code: 0.5 }),
  'livecodebench-v6': percent('LiveCodeBench v6', { code: 1 }),
  'aider-polyglot': percent('Aider polyglot', { code: 1 }),
  'terminal-bench-2': percent('Terminal-Bench 2.0', { code: 0.5, agent: 0.75 }),
  humaneval: percent('HumanEval', { code: 0.5 }),
  'livebench-coding': percent('LiveBench: code generation and completion', { code: 0.75 }),
  'livebench-2025-coding': percent('LiveBench 2025: code generation and completion', { code: 0.75 }),
  'livebench-agentic': percent('LiveBench: javascript, python, typescript', { code: 0.75, agent: 0.5 }),
  'livebench-agentic-2026-01': percent('LiveBench January 2026: the same', { code: 0.75, agent: 0.5 }),
  'livebench-2025-agentic': percent('LiveBench 2025: the same', { code: 0.75, agent: 0.5 }),
  'aime-2025': percent('AIME 2025', { math: 1 }),
  'aime-2026': percent('AIME 2026', { math: 1 }),
  'hmmt-feb-2025': percent('HMMT February 2025', { math: 1 }),
  'math-500': percent('MATH', { math: 1 }),
  mgsm: percent('MGSM', { math: 0.25, translation: 0.5 }),
  'livebench-math': percent('LiveBench: AMPS hard, integrals, competitions, olympiad', { math: 1 }),
  'livebench-2025-math': percent('LiveBench 2025: AMPS hard, competitions, olympiad', { math: 1 }),
  'gpqa-diamond': percent('GPQA Diamond', { analysis: 1, classification: 0.25 }),
  'mmlu-pro': percent('MMLU-Pro', { analysis: 1, classification: 0.75 }),
  mmlu: percent('MMLU', { analysis: 0.5, classification: 0.5 }),
  'livebench-reasoning': percent('LiveBench: logic, space, theory of mind, zebra', {
    analysis: 1,
    classification: 0.5,
  }),
  'livebench-2025-reasoning': percent('LiveBench 2025: space, lies, zebra', { analysis: 1, classification: 0.5 }),
  'livebench-data': percent('LiveBench: events, joins and forms of tables', { analysis: 0.5, extraction: 1 }),
  'livebench-2025-data': percent('LiveBench 2025: joins and forms of tables', { analysis: 0.5, extraction: 1 }),
  'longbench-v2': percent('LongBench v2', { analysis: 0.5, summary: 1, extraction: 0.25 }),
  'aa-lcr': percent('AA-LCR (long context)', { analysis: 0.5, summary: 1, extraction: 0.5 }),
  'livebench-language': percent('LiveBench: connections, plots, typos', {
    chat: 0.5,
    summary: 0.25,
    classification: 0.5,
    translation: 0.25,
  }),
  'livebench-2025-language': percent('LiveBench 2025: connections, plots, typos', {
    chat: 0.5,
    summary: 0.25,
    classification: 0.5,
    translation: 0.25,
  }),
  'livebench-instructions': percent('LiveBench: paraphrase, simplify, story, summary', {
    chat: 0.5,
    summary: 0.75,
    extraction: 0.5,
    creative: 0.25,
  }),
  'livebench-2025-instructions': percent('LiveBench 2025: paraphrase, simplify, story, summary', {
    chat: 0.5,
    summary: 0.75,
    extraction: 0.5,
    creative: 0.25,
  }),
  ifeval: percent('IFEval', { chat: 0.5, extraction: 0.75, classification: 0.5 }),
  ifbench: percent('IFBench', { chat: 0.5, extraction: 0.5 }),
  multichallenge: percent('MultiChallenge', { chat: 0.75 }),
  'arena-text': {
    name: 'Arena, text',
    scale: 'rating',
    tells: { chat: 1, creative: 0.5, summary: 0.5, translation: 0.25 },
  },
  'story-writing': { name: 'LLM Creative Story-Writing', scale: 'score', tells: { creative: 1 } },
  mmmlu: percent('MMMLU', { translation: 1 }),
  'mmlu-prox': percent('MMLU-ProX', { translation: 0.75 }),
  'wmt24-plus': percent('WMT24++', { translation: 1 }),
  'bfcl-v3': percent('BFCL v3', { agent: 0.75, extraction: 0.25 }),
  'bfcl-v4': percent('BFCL v4', { agent: 0.75, extraction: 0.25 }),
  'tau2-bench': percent('τ²-bench, as makers run it', { agent: 1 }),
  'tau2-sierra': percent('τ²-bench: airline, retail, telecom, run by Sierra', { agent: 1 }),
  'tau2-banking': percent('τ²-bench: banking, run by Sierra', { agent: 1 }),
  gaia: percent('GAIA, with OpenHands', { agent: 1 }),
};

function percent(name: string, tells: Benchmark['tells']): Benchmark {
  return { name, scale: 'percent', tells };
}

/** A figure further out than this says no more: a question or two decide. */
const PERCENT_EDGE = 0.5;
/** Elo points that make the odds e times as good. */
const ELO_PER_LOGIT = 400 / Math.LN10;

/** A figure as log odds, on which models of very different strength stand in a line. Rises with the figure. */
export function logOdds(scale: Benchmark['scale'], figure: number): number {
  if (scale === 'rating') return figure / ELO_PER_LOGIT;
  if (scale === 'score') return figure;
  const share = Math.min(Math.max(figure, PERCENT_EDGE), 100 - PERCENT_EDGE) / 100;
  return Math.log(share / (1 - share));
}
