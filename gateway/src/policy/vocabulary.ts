/** What rules can speak of: the facts of a request under the names that CEL sees, with type, bounds, and the values that there are. */
import { LANGUAGES } from './languages.ts';

/** What a request is about, as far as its text tells. */
export const TASKS = [
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

/** Where an agent's run stands. */
export const STAGES = ['single', 'chat', 'agent-start', 'agent-step', 'agent-stuck'] as const;

/** Kinds of data that must not go everywhere. */
export const SENSITIVE = [
  'email',
  'phone',
  'card',
  'iban',
  'national-id',
  'health',
  'secret',
  'ip-address',
  'address',
  'person',
  /** Not all of the text could be looked at. A rule then sees all kinds at once, so that none is missed. */
  'unread',
] as const;

/** A request as a rule sees it: `facts.NAME`. What is not known is empty: `""`, 0, an empty list. */
export interface RuleFacts {
  readonly model: string;
  readonly task: string;
  readonly difficulty: number;
  readonly language: string;
  readonly intent: string;
  readonly intent_confidence: number;
  readonly topics: readonly string[];
  readonly sensitive: readonly string[];
  readonly region: string;
  readonly tags: readonly string[];
  readonly tools: boolean;
  readonly schema: boolean;
  readonly stream: boolean;
  readonly image: boolean;
  readonly audio: boolean;
  readonly document: boolean;
  readonly reasoning: boolean;
  readonly input_tokens: number;
  readonly output_tokens_max: number;
  readonly turns: number;
  readonly stage: string;
  readonly tool_results: number;
  readonly failed_calls: number;
  readonly repeated_calls: number;
  readonly code: number;
  readonly math: number;
  readonly list_items: number;
  readonly questions: number;
  readonly characters: number;
  readonly system_characters: number;
  readonly text: string;
}

export type FactName = keyof RuleFacts;

/** Why a fact is not told. */
export interface Untold {
  readonly why: string;
  /** Its value is a part of it: what is true of the part is taken for true. */
  readonly isPart?: boolean;
}

/** The facts of one request, with those whose value says nothing, or not all. */
export interface SeenFacts extends RuleFacts {
  readonly untold?: ReadonlyMap<FactName, Untold>;
}

export interface Fact {
  readonly type: 'bool' | 'int' | 'double' | 'string' | 'list';
  readonly about: string;
  /** The least and the greatest value of a number. Whole numbers begin at 0. */
  readonly min?: number;
  readonly max?: number;
  /** All values there are, of a text or of a list's items; absent where anything goes. */
  readonly values?: readonly string[];
}

const share = { type: 'double', min: 0, max: 1 } as const;
const count = { type: 'int', min: 0 } as const;

export const FACTS: Readonly<Record<FactName, Fact>> = {
  model: { type: 'string', about: 'the name that the caller asked for' },
  task: { type: 'string', about: 'what the request is about', values: TASKS },
  difficulty: { ...share, about: 'how hard it looks, from 0 to 1' },
  language: {
    type: 'string',
    about: 'language of the last user turn (ISO 639-1); "" where unsure',
    values: LANGUAGES,
  },
  intent: {
    type: 'string',
    about: 'the nearest of your `intents`; "" where none is near',
  },
  intent_confidence: { ...share, about: 'how sure that intent is, from 0 to 1' },
  topics: { type: 'list', about: 'which of your `topics` its words belong to' },
  sensitive: { type: 'list', about: 'kinds of sensitive data in it', values: SENSITIVE },
  region: { type: 'string', about: 'where the caller is: a region or a zone; "" where unknown' },
  tags: { type: 'list', about: 'tags that the request brings (`x-turnout-tags`)' },
  tools: { type: 'bool', about: 'it has tools' },
  schema: { type: 'bool', about: 'it wants JSON under a schema' },
  stream: { type: 'bool', about: 'it wants a stream' },
  image: { type: 'bool', about: 'it has a picture' },
  audio: { type: 'bool', about: 'it has sound' },
  document: { type: 'bool', about: 'it has a document' },
  reasoning: { type: 'bool', about: 'it asks for reasoning' },
  input_tokens: { ...count, about: 'estimate of its input tokens' },
  output_tokens_max: { ...count, about: 'the most output tokens it allows; 0 where it sets no limit' },
  turns: { ...count, about: 'turns of the user so far' },
  stage: { type: 'string', about: 'where an agent’s run stands', values: STAGES },
  tool_results: { ...count, about: 'results of tools in it' },
  failed_calls: { ...count, about: 'results of tools that are errors' },
  repeated_calls: { ...count, about: 'calls that repeat an earlier one' },
  code: { ...share, about: 'share of code in the last user turn, from 0 to 1' },
  math: { ...share, about: 'share of mathematics in it, from 0 to 1' },
  list_items: { ...count, about: 'items of lists in it' },
  questions: { ...count, about: 'questions in it' },
  characters: { ...count, about: 'characters of all turns' },
  system_characters: { ...count, about: 'characters of the system prompt' },
  text: { type: 'string', about: 'the last user turn, at most 32,768 characters of it' },
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `keys` gives the object's own names.
export const FACT_NAMES = Object.keys(FACTS) as readonly FactName[];

/** What only this configuration knows of the values of some facts: its own intents, topics, tags. */
export type OwnValues = Partial<Readonly<Record<FactName, readonly string[]>>>;

export function isFactName(name: string): name is FactName {
  return Object.hasOwn(FACTS, name);
}

/** The values that a fact can have, or undefined where anything goes. Empty text (“unknown”) is always possible beside them. */
export function valuesOf(name: FactName, own: OwnValues): readonly string[] | undefined {
  return own[name] ?? FACTS[name].values;
}
