/** The facts as rules see them: flat, and empty where something is not known. */
import { NO_FACTS } from '../policy/expression.ts';
import { SENSITIVE, type FactName, type RuleFacts } from '../policy/vocabulary.ts';
import type { ContentFact, ContentFacts } from './content.ts';
import type { Facts } from './facts.ts';

export interface Around {
  readonly tags: readonly string[];
  /** The last user turn, where a rule matches on it. */
  readonly text?: string | undefined;
}

export function ruleFacts(facts: Facts, { tags, text = '' }: Around): RuleFacts {
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
    text,
    ...(content === undefined ? {} : contentView(content)),
  };
}

function contentView(content: ContentFacts): Partial<RuleFacts> {
  const { structure, stage, intent } = content;
  return {
    task: content.task,
    difficulty: content.difficulty,
    language: content.language ?? '',
    intent: intent?.name ?? '',
    intent_confidence: intent?.confidence ?? 0,
    topics: content.topics,
    // What was not read may hold anything: every rule that asks for some kind holds, and none that asks for none.
    sensitive: content.sensitive.includes('unread') ? SENSITIVE : content.sensitive,
    ...(stage === undefined
      ? {}
      : {
          stage: stage.kind,
          turns: stage.turns,
          tool_results: stage.toolResults,
          failed_calls: stage.failedCalls,
          repeated_calls: stage.repeatedCalls,
        }),
    ...(structure === undefined
      ? {}
      : {
          code: structure.codeShare,
          math: structure.mathShare,
          list_items: structure.listItems,
          questions: structure.questions,
          characters: structure.characters,
          system_characters: structure.systemCharacters,
        }),
  };
}

/** The facts that must be computed for a rule that reads `facts.NAME`; undefined where it stands in the request itself, or is the text. */
const CONTENT_OF: Readonly<Partial<Record<FactName, ContentFact>>> = {
  task: 'task',
  difficulty: 'difficulty',
  language: 'language',
  intent: 'intent',
  intent_confidence: 'intent',
  topics: 'topics',
  sensitive: 'sensitive',
  stage: 'stage',
  turns: 'stage',
  tool_results: 'stage',
  failed_calls: 'stage',
  repeated_calls: 'stage',
  code: 'structure',
  math: 'structure',
  list_items: 'structure',
  questions: 'structure',
  characters: 'structure',
  system_characters: 'structure',
};

export function contentFactOf(name: FactName): ContentFact | undefined {
  return CONTENT_OF[name];
}
