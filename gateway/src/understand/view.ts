/** The facts as rules see them: flat, and empty where something is not known. */
import { NO_FACTS } from '../policy/expression.ts';
import type { RuleFacts } from '../policy/vocabulary.ts';
import type { Facts } from './facts.ts';

export function ruleFacts(facts: Facts, { tags }: { readonly tags: readonly string[] }): RuleFacts {
  const { content, needs } = facts;
  return {
    ...NO_FACTS,
    model: facts.model,
    stream: facts.isStreaming,
    tools: needs.includes('tools'),
    schema: needs.includes('json-schema'),
    image: needs.includes('image'),
    audio: needs.includes('audio'),
    document: needs.includes('document'),
    reasoning: needs.includes('reasoning'),
    input_tokens: facts.inputTokensEstimate,
    output_tokens_max: facts.outputTokensLimit ?? 0,
    region: facts.callerRegion ?? '',
    tags,
    ...(content === undefined
      ? {}
      : {
          task: content.task,
          difficulty: content.difficulty,
          language: content.language ?? '',
          intent: content.intent?.name ?? '',
          intent_confidence: content.intent?.confidence ?? 0,
          topics: content.topics,
          sensitive: content.sensitive,
        }),
  };
}
