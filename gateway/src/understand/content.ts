/** What is understood of a request's text: each fact computed only where a policy reads it, and told with its origin. Pure: no clock, no network. */
import type { ChatRequest } from '../chat/request.ts';
import { structureDifficulty, type DifficultyModel } from './difficulty.ts';
import type { Intent } from './intents/intents.ts';
import type { DetectLanguage } from './language.ts';
import { sensitiveIn, type Sensitive } from './sensitive/find.ts';
import { SINGLE, stageOf, type Stage } from './stage.ts';
import { shapeOf, type Shape, type Structure } from './structure.ts';
import { taskOf, type Task, type TaskFact } from './task.ts';
import { lastUserText, plainTexts, textsOf, type Plain, type Texts, type Writer } from './texts.ts';
import { topicsIn, type Topics } from './topics.ts';

/** UTF-16 code units. */
export interface Lengths {
  /** Of what user, model and tools have said. */
  readonly characters: number;
  /** Of system and developer messages. */
  readonly systemCharacters: number;
}

/** What the text of a request tells. Kinds, counts and names of ours only: nothing of the text itself. */
export interface ContentFacts {
  /** ISO 639-1 (`de`); absent where unsure. */
  readonly language?: string;
  readonly task: Task;
  /** 0 (any model does it) to 1. */
  readonly difficulty: number;
  /** The operator's own; absent where unsure. */
  readonly intent?: Intent;
  /** The operator's lists of words that were found. */
  readonly topics: readonly string[];
  /** Kinds only, never values. */
  readonly sensitive: readonly Sensitive[];
  /** Absent: not asked for, like `stage`. */
  readonly structure?: Structure & Lengths;
  readonly stage?: Stage;
  /** Why no text was looked at at all. */
  readonly unread?: string;
  /** Fact → where it came from, in a few words. What is not here was not asked for, and has a value that says nothing. */
  readonly origins: Readonly<Record<string, string>>;
}

export const CONTENT_FACTS = [
  'language',
  'task',
  'difficulty',
  'intent',
  'topics',
  'sensitive',
  'structure',
  'stage',
] as const;
export type ContentFact = (typeof CONTENT_FACTS)[number];

/** What facts are told by, beside rules of ours. */
export interface ContentOptions {
  /** What a policy reads; absent: all. */
  readonly wanted?: ReadonlySet<ContentFact> | undefined;
  /** Absent: no language is told. */
  readonly detectLanguage?: DetectLanguage | undefined;
  /** The operator's intents, trained; absent: none are told. */
  readonly classify?: ((text: string) => Intent | undefined) | undefined;
  readonly topics?: Topics | undefined;
  /** Absent: by structure. */
  readonly difficulty?: DifficultyModel;
}

/** Rules see so much of the last user turn. */
const RULE_TEXT_MAX = 32 * 1024;

/** What is understood of a chat. */
export function contentFacts(request: ChatRequest, options: ContentOptions = {}): ContentFacts {
  const hasTools = (request.tools?.length ?? 0) > 0;
  const hasSchema = request.format !== undefined && request.format.kind !== 'text';
  return understood({ texts: textsOf(request), stage: () => stageOf(request), hasTools, hasSchema }, options);
}

/** The same of what is no chat: texts to embed, to draw or to speak. */
export function textFacts(plain: Plain, options: ContentOptions = {}): ContentFacts {
  return understood({ texts: plainTexts(plain), stage: () => SINGLE, hasTools: false, hasSchema: false }, options);
}

/** What a rule's `facts.text` is: the last user turn, at most 32 KB. Not among the facts, because those are recorded and this never is. */
export function ruleText(request: ChatRequest): string {
  return lastUserText(request.messages).slice(0, RULE_TEXT_MAX);
}

/** Why that is not all of it; undefined where it is. */
export function ruleTextGap(request: ChatRequest): string | undefined {
  return gapIn(lastUserText(request.messages));
}

/** The same of what is no chat. */
export function plainRuleText(texts: readonly string[]): string {
  return texts.join('\n').slice(0, RULE_TEXT_MAX);
}

export function plainRuleTextGap(texts: readonly string[]): string | undefined {
  return gapIn(texts.join('\n'));
}

function gapIn({ length }: string): string | undefined {
  return length > RULE_TEXT_MAX ? `of its text of ${length} characters rules read ${RULE_TEXT_MAX}` : undefined;
}

interface Subject {
  readonly texts: Texts;
  readonly stage: () => Stage;
  readonly hasTools: boolean;
  readonly hasSchema: boolean;
}

/** What facts are made of, each made once and only where a fact asks for it. */
interface Reading {
  readonly texts: Texts;
  readonly shape: () => Shape;
  readonly stage: () => Stage;
  readonly task: () => TaskFact;
}

interface Told {
  readonly facts: Partial<ContentFacts>;
  readonly origin: string;
}

const LAST_TURN = 'last user turn';
const NOT_CONFIGURED: Told = { facts: {}, origin: 'not configured' };

/** How each fact is told. */
const TELL: Readonly<Record<ContentFact, (reading: Reading, options: ContentOptions) => Told>> = {
  language: ({ shape }, { detectLanguage }) => {
    if (detectLanguage === undefined) return NOT_CONFIGURED;
    const language = detectLanguage(shape().prose);
    return language === undefined
      ? { facts: {}, origin: `eld, ${LAST_TURN} without code: unsure` }
      : { facts: { language }, origin: `eld, ${LAST_TURN} without code` };
  },
  task: ({ task }) => ({ facts: { task: task().task }, origin: `${task().because}; ${LAST_TURN}, then system` }),
  difficulty: ({ shape, task, stage }, { difficulty = structureDifficulty }) => ({
    facts: {
      difficulty: difficulty.score({ ...shape(), task: task().task, stage: stage() }),
    },
    origin: `${difficulty.name}, ${LAST_TURN}`,
  }),
  intent: ({ texts }, { classify }) => {
    if (classify === undefined) return NOT_CONFIGURED;
    const intent = classify(texts.lastUser);
    return intent === undefined
      ? { facts: {}, origin: `trained on the operator's examples, ${LAST_TURN}: unsure` }
      : { facts: { intent }, origin: `trained on the operator's examples, ${LAST_TURN}` };
  },
  topics: ({ texts }, { topics }) =>
    topics === undefined
      ? NOT_CONFIGURED
      : { facts: { topics: topicsIn(texts.lastUser, topics) }, origin: `lists of words, ${LAST_TURN}` },
  sensitive: ({ texts }) => ({
    facts: { sensitive: sensitiveIn(texts.pieces, texts.isWhole) },
    origin: 'forms, check digits and words; all text',
  }),
  structure: ({ shape, texts }) => ({
    facts: {
      structure: {
        ...shape().structure,
        characters: charactersOf(texts, ['user', 'assistant', 'tool']),
        systemCharacters: charactersOf(texts, ['system']),
      },
    },
    origin: `counted, ${LAST_TURN}; characters in all turns`,
  }),
  stage: ({ stage }) => ({ facts: { stage: stage() }, origin: 'counted, all messages' }),
};

/** What stands where a fact was not asked for. */
const NOTHING: ContentFacts = {
  task: 'chat',
  difficulty: 0,
  topics: [],
  sensitive: [],
  origins: {},
};

/** Text that could not be read, or must not be: whoever has to be sure takes it for every kind of sensitive data. */
export function unreadContent(why: string): ContentFacts {
  return { ...NOTHING, sensitive: ['unread'], unread: why, origins: { sensitive: why } };
}

function understood(subject: Subject, options: ContentOptions): ContentFacts {
  const reading = readingOf(subject);
  const wanted = CONTENT_FACTS.filter((fact) => options.wanted?.has(fact) ?? true);
  const told = wanted.map((fact) => ({ fact, ...TELL[fact](reading, options) }));
  const origins = Object.fromEntries(told.map(({ fact, origin }) => [fact, origin]));
  return Object.assign({}, NOTHING, ...told.map(({ facts }) => facts), { origins });
}

function readingOf({ texts, stage, hasTools, hasSchema }: Subject): Reading {
  const shape = once(() => shapeOf(texts.lastUser));
  const stageOnce = once(stage);
  const task = once(() => taskOf({ ...shape(), system: texts.system, stage: stageOnce(), hasTools, hasSchema }));
  return { texts, shape, stage: stageOnce, task };
}

function charactersOf({ pieces }: Texts, writers: readonly Writer[]): number {
  return pieces.reduce((sum, { writer, text }) => sum + (writers.includes(writer) ? text.length : 0), 0);
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
