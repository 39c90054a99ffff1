/**
 * How hard a request is, 0..1, for choosing between a weak and a strong model. A first version from structure: length, clauses, negations, conditions.
 * A trained model takes its place through the same interface.
 */
import type { Stage } from './stage.ts';
import type { Structure } from './structure.ts';
import type { Task } from './task.ts';
import { lexicon } from './words.ts';

export interface DifficultyClues {
  /** The last user turn without its code. */
  readonly prose: string;
  readonly structure: Structure;
  readonly task: Task;
  readonly stage: Stage;
}

export interface DifficultyModel {
  /** For the fact's origin. */
  readonly name: string;
  /** 0 (any model does it) to 1. Pure, and bounded by the length of what it looks at. */
  score(clues: DifficultyClues): number;
}

/** Words that turn a question around, or tie its parts together, in the main languages. */
const NEGATIONS =
  'not|except|least|false|incorrect|never|cannot|without|unless|neither|nicht|kein|keine|niemals|außer|ohne|falsch|weder|ne|pas|jamais|sauf|sans|faux|' +
  'nunca|excepto|sin|falso|salvo|non|mai|tranne|senza|não|exceto|sem|niet|geen|nooit|behalve|zonder|nie|nigdy|oprócz|bez|不|没有|除了|错误|ない|以外|誤';
const CONDITIONS =
  'if|then|each|every|than|twice|half|remaining|rest|after|before|statement|because|therefore|however|although|while|which|following|best|most likely|' +
  'wenn|dann|jede|jeder|jedes|weil|daher|obwohl|während|folgende|falls|si|alors|chaque|parce que|donc|bien que|pendant|suivant|' +
  'entonces|cada|porque|aunque|mientras|siguiente|se|allora|ogni|perché|sebbene|mentre|seguente|então|embora|enquanto|' +
  'als|dan|elke|omdat|hoewel|terwijl|jeśli|każdy|ponieważ|chociaż|podczas|如果|因为|所以|虽然|每|もし|なぜなら|ながら|それぞれ';
/** A prompt says the words of its question at the beginning or the end. */
const LOOK_MAX = 4096;

type Turn = 'negation' | 'condition';
const TURNS = lexicon<Turn>([
  ...NEGATIONS.split('|').map((word) => [word, 'negation'] as const),
  ...CONDITIONS.split('|').map((word) => [word, 'condition'] as const),
]);

/** What kind of work it is moves the score: of two prompts alike, writing a program needs more than a greeting. */
const BY_TASK: Readonly<Record<Task, number>> = {
  chat: 0,
  translation: -0.6,
  summary: -0.4,
  classification: -0.6,
  extraction: -0.4,
  creative: 0,
  math: 0,
  code: 0.5,
  analysis: 0.6,
  agent: 0.5,
};
/** Where the text is the material and not the question, more of it is not harder. */
const MATERIAL: ReadonlySet<Task> = new Set(['translation', 'summary', 'classification', 'extraction']);
const MATERIAL_WORDS_MAX = 40;
/** An agent that is stuck needs more than the one that got it there. */
const STUCK = 2;
/** Puts a question of 20 words near 0.35 and a page of conditions near 0.9. */
const MIDDLE = 4.4;
const SPREAD = 1.2;

/**
 * Weights chosen on strong-weak-dev (MMLU, GSM8K: mixtral-8x7b against gpt-4) and looked at on multimodel-dev. APGR, against length alone:
 * MMLU 0.612 (0.570), GSM8K 0.624 (0.607), both 0.600 (0.568), multimodel 0.659 (0.597).
 */
export const structureDifficulty: DifficultyModel = {
  name: 'structure',
  score: ({ prose, structure, task, stage }) => {
    const isMaterial = MATERIAL.has(task);
    const words = isMaterial ? Math.min(structure.words, MATERIAL_WORDS_MAX) : structure.words;
    const clauses = isMaterial ? Math.min(structure.clauses, 2) : structure.clauses;
    const turns = Array.from(TURNS.find(lookedAt(prose)), ({ value }) => value);
    const negations = turns.filter((turn) => turn === 'negation').length;
    const weight =
      Math.log1p(words) +
      0.4 * Math.log1p(clauses) +
      0.8 * Math.log1p(Math.min(negations, 3)) +
      0.3 * Math.log1p(turns.length - negations) -
      2 * structure.mathShare +
      BY_TASK[task] +
      (stage.kind === 'agent-stuck' ? STUCK : 0);
    return Math.round(1000 / (1 + Math.exp(-(weight - MIDDLE) / SPREAD))) / 1000;
  },
};

function lookedAt(prose: string): string {
  return prose.length <= LOOK_MAX ? prose : `${prose.slice(0, LOOK_MAX / 2)}\n${prose.slice(-LOOK_MAX / 2)}`;
}
