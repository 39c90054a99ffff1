/** The facts as rules see them: flat, and empty where something is not known. */
import { NO_FACTS } from '../policy/expression.ts';
import {
  FACT_NAMES,
  SENSITIVE,
  type FactName,
  type RuleFacts,
  type SeenFacts,
  type Untold,
} from '../policy/vocabulary.ts';
import type { ContentFact, ContentFacts } from './content.ts';
import type { Facts } from './facts.ts';

export interface Around {
  readonly tags: readonly string[];
  /** The last user turn, where a rule matches on it. */
  readonly text?: string | undefined;
  /** Why that is not all of it. */
  readonly textGap?: string | undefined;
}

export function ruleFacts(facts: Facts, around: Around): SeenFacts {
  const { content, needs } = facts;
  const { tags, text = '' } = around;
  const untold = untoldOf(content, around);
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
    ...(untold.size === 0 ? {} : { untold }),
  };
}

/** What rules must not go by. Sensitive data is told all the same: it may be of any kind. */
function untoldOf(content: ContentFacts | undefined, { text = '', textGap }: Around): ReadonlyMap<FactName, Untold> {
  if (content?.unread === undefined)
    return new Map(textGap === undefined ? [] : [['text', { why: textGap, isPart: text !== '' }]]);
  const { origins, unread } = content;
  const names = FACT_NAMES.filter((name) => {
    const fact = contentFactOf(name);
    return name === 'text' || (fact !== undefined && origins[fact] === undefined);
  });
  return new Map(names.map((name) => [name, { why: unread }]));
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
