/**
 * What each protocol calls a field of a `ChatRequest`, so that errors and lists of losses speak the caller's language.
 * For every encoder: `fieldName(request, 'maxOutputTokens')`. Parts and tools say where they stood themselves (`at`).
 */
import type { Origin } from './part.ts';
import type { ChatRequest, Reasoning } from './request.ts';

const CHAT_FIELDS = [
  'model',
  'messages',
  'system',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'logitBias',
  'stop',
  'n',
  'logprobs',
  'reasoning',
  'reasoningEffort',
  'reasoningBudget',
  'reasoningShown',
  'format',
  'modalities',
  'audio',
  'stream',
  'user',
] as const;

export type ChatField = (typeof CHAT_FIELDS)[number];
type Names = Readonly<Partial<Record<ChatField, string>>>;

/** Names that most protocols share, snake case as OpenAI writes them. */
const COMMON: Readonly<Record<ChatField, string>> = {
  model: 'model',
  messages: 'messages',
  system: 'messages',
  tools: 'tools',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  maxOutputTokens: 'max_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  seed: 'seed',
  logitBias: 'logit_bias',
  stop: 'stop',
  n: 'n',
  logprobs: 'logprobs',
  reasoning: 'reasoning_effort',
  reasoningEffort: 'reasoning_effort',
  reasoningBudget: 'reasoning.max_tokens',
  reasoningShown: 'include_reasoning',
  format: 'response_format',
  modalities: 'modalities',
  audio: 'audio',
  stream: 'stream',
  user: 'user',
};

const OWN: Readonly<Record<Origin, Names>> = {
  'openai-chat': {},
  'openai-responses': {
    messages: 'input',
    system: 'instructions',
    maxOutputTokens: 'max_output_tokens',
    logprobs: 'top_logprobs',
    reasoning: 'reasoning',
    reasoningEffort: 'reasoning.effort',
    reasoningShown: 'reasoning.summary',
    format: 'text.format',
  },
  'anthropic-messages': {
    system: 'system',
    stop: 'stop_sequences',
    parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
    reasoning: 'thinking',
    reasoningEffort: 'output_config.effort',
    reasoningBudget: 'thinking.budget_tokens',
    reasoningShown: 'thinking.display',
    format: 'output_config.format',
    user: 'metadata.user_id',
  },
  gemini: {
    messages: 'contents',
    system: 'systemInstruction',
    toolChoice: 'toolConfig',
    maxOutputTokens: 'generationConfig.maxOutputTokens',
    temperature: 'generationConfig.temperature',
    topP: 'generationConfig.topP',
    topK: 'generationConfig.topK',
    frequencyPenalty: 'generationConfig.frequencyPenalty',
    presencePenalty: 'generationConfig.presencePenalty',
    seed: 'generationConfig.seed',
    stop: 'generationConfig.stopSequences',
    n: 'generationConfig.candidateCount',
    logprobs: 'generationConfig.responseLogprobs',
    reasoning: 'generationConfig.thinkingConfig',
    reasoningEffort: 'generationConfig.thinkingConfig.thinkingLevel',
    reasoningBudget: 'generationConfig.thinkingConfig.thinkingBudget',
    reasoningShown: 'generationConfig.thinkingConfig.includeThoughts',
    format: 'generationConfig.responseSchema',
    modalities: 'generationConfig.responseModalities',
    audio: 'generationConfig.speechConfig',
  },
  'bedrock-converse': {
    system: 'system',
    tools: 'toolConfig.tools',
    toolChoice: 'toolConfig.toolChoice',
    maxOutputTokens: 'inferenceConfig.maxTokens',
    temperature: 'inferenceConfig.temperature',
    topP: 'inferenceConfig.topP',
    stop: 'inferenceConfig.stopSequences',
    reasoning: 'additionalModelRequestFields',
  },
  'bedrock-invoke': { messages: 'prompt', system: 'prompt' },
  replicate: {
    messages: 'input.prompt',
    system: 'input.system_prompt',
    maxOutputTokens: 'input.max_tokens',
    stop: 'input.stop_sequences',
  },
  cohere: {
    stop: 'stop_sequences',
    topP: 'p',
    topK: 'k',
    reasoning: 'thinking',
    reasoningBudget: 'thinking.token_budget',
  },
  ollama: {
    maxOutputTokens: 'options.num_predict',
    temperature: 'options.temperature',
    topP: 'options.top_p',
    topK: 'options.top_k',
    minP: 'options.min_p',
    repetitionPenalty: 'options.repeat_penalty',
    seed: 'options.seed',
    stop: 'options.stop',
    reasoning: 'think',
    reasoningEffort: 'think',
    format: 'format',
  },
};

/** The field in which a caller said how much to think: an effort, a budget, or thinking as such (on, off, as the model likes). */
export function reasoningField(reasoning: Reasoning): ChatField {
  if (reasoning.effort !== undefined) return 'reasoningEffort';
  return (reasoning.budgetTokens ?? 0) > 0 ? 'reasoningBudget' : 'reasoning';
}

/** Where a field of a tool's declaration stands, `at` being the tool's place: OpenAI wraps declarations into `function`. */
export function toolFieldName(origin: Origin, at: string, field: string): string {
  // One switch of Cohere's holds for all tools.
  if (origin === 'cohere' && field === 'strict') return 'strict_tools';
  return origin === 'openai-chat' && at.startsWith('tools[') ? `${at}.function.${field}` : `${at}.${field}`;
}

/** The caller's own name of a field: the one it wrote where it had a choice, else the usual one of its protocol. */
export function fieldName({ origin, names }: Pick<ChatRequest, 'origin' | 'names'>, field: ChatField): string {
  return names?.[field] ?? OWN[origin][field] ?? COMMON[field];
}
