/** What kind of work is asked for: by words in ten languages, by structure, by the stage of a run. Rules are data, each with its reason. */
import type { TASKS } from '../policy/vocabulary.ts';
import type { Stage } from './stage.ts';
import type { Structure } from './structure.ts';
import { TASK_WORDS, type WordTask } from './task-words.ts';
import { lexicon } from './words.ts';

/** What a request is about. */
export type Task = (typeof TASKS)[number];

export interface TaskFact {
  readonly task: Task;
  /** Why, in our own words and never in the caller's. */
  readonly because: string;
}

export interface TaskClues {
  /** The last user turn without its code. */
  readonly prose: string;
  readonly system: string;
  readonly structure: Structure;
  readonly stage: Stage;
  readonly hasTools: boolean;
  readonly hasSchema: boolean;
}

/** What one sure word is worth, and one that is also said of other things. */
const POINTS = { sure: 3, likely: 1 } as const;
/** An instruction stands at the beginning or at the end; in between stands what it is about. */
const HEAD = 320;
const TAIL = 240;
/** The first word that names a task is the instruction itself; later ones may be what it is about. */
const FIRST_BONUS = 2;
/** Of likely words only so many count: a text about a thing is no order to do it. */
const LIKELY_MAX = 3;
/** Below this nothing was asked for that has a name here. */
const POINTS_MIN = 2;
/** The system prompt decides only where the user's words do not. */
const SYSTEM_SHARE = 0.5;

interface Clue {
  readonly task: WordTask;
  readonly weight: keyof typeof POINTS;
  readonly phrase: string;
}

const WORDS = lexicon<Clue>(
  TASK_WORDS.flatMap(({ task, weight, phrases }) =>
    phrases.split('|').map((phrase) => [phrase, { task, weight, phrase }] as const),
  ),
);

interface ShapeRule {
  readonly task: WordTask;
  readonly points: number;
  readonly because: string;
  readonly holds: (clues: TaskClues) => boolean;
}

/** What structure alone says. */
const SHAPES: readonly ShapeRule[] = [
  { task: 'code', points: 3, because: 'a fenced block', holds: ({ structure }) => structure.fences > 0 },
  { task: 'code', points: 3, because: 'lines of code', holds: ({ structure }) => structure.codeShare >= 0.3 },
  { task: 'math', points: 3, because: 'formulas', holds: ({ structure }) => structure.mathShare >= 0.12 },
  {
    task: 'math',
    points: 2,
    because: 'numbers and a question',
    holds: ({ structure: { numbers, questions, words, codeShare } }) =>
      numbers >= 3 && questions >= 1 && words <= 200 && codeShare === 0,
  },
  { task: 'extraction', points: 1, because: 'a schema for the reply', holds: ({ hasSchema }) => hasSchema },
];

/** The task, and why. Nothing in a prompt can name a target: words are counted, not obeyed. */
export function taskOf(clues: TaskClues): TaskFact {
  const { stage, hasTools, prose, system } = clues;
  if (stage.kind === 'agent-step' || stage.kind === 'agent-stuck')
    return { task: 'agent', because: 'tools have answered, and the run goes on' };
  const scores = new Map<WordTask, Score>();
  addWords(instructionOf(prose), 1, scores);
  for (const rule of SHAPES) if (rule.holds(clues)) add(scores, rule.task, rule);
  // “How much does it cost?” is no sum as long as there is no number.
  if (clues.structure.numbers === 0 && isUnsure(scores.get('math'))) scores.delete('math');
  const said = best(scores);
  if (said !== undefined) return said;
  addWords(system.slice(0, HEAD), SYSTEM_SHARE, scores);
  if (hasTools) return { task: 'agent', because: 'tools are offered, and no other task is asked for' };
  return best(scores) ?? { task: 'chat', because: 'no word and no shape of another task' };
}

interface Score {
  points: number;
  likely: number;
  because: string;
}

function isUnsure(score: Score | undefined): boolean {
  return score !== undefined && score.points === score.likely;
}

/** Each phrase counts once, where it stands first. */
function addWords(text: string, share: number, scores: Map<WordTask, Score>): void {
  const seen = new Set<Clue>();
  let isFirst = true;
  for (const { value: clue } of WORDS.find(text)) {
    if (seen.has(clue)) continue;
    seen.add(clue);
    const { task, weight, phrase } = clue;
    if (weight === 'sure') {
      const points = POINTS.sure + (isFirst ? FIRST_BONUS : 0);
      isFirst = false;
      add(scores, task, { points: points * share, because: `the words "${phrase}"` });
    } else if ((scores.get(task)?.likely ?? 0) < LIKELY_MAX) {
      add(scores, task, { points: POINTS.likely * share, because: `words like "${phrase}"` });
      const score = scores.get(task);
      if (score !== undefined) score.likely++;
    }
  }
}

function add(
  scores: Map<WordTask, Score>,
  task: WordTask,
  { points, because }: { readonly points: number; readonly because: string },
): void {
  const score = scores.get(task);
  if (score === undefined) scores.set(task, { points, likely: 0, because });
  else score.points += points;
}

/** The highest score; of two that are equal, the one that was found first. */
function best(scores: ReadonlyMap<WordTask, Score>): TaskFact | undefined {
  let winner: readonly [WordTask, Score] | undefined;
  for (const entry of scores) if (winner === undefined || entry[1].points > winner[1].points) winner = entry;
  if (winner === undefined || winner[1].points < POINTS_MIN) return undefined;
  return { task: winner[0], because: winner[1].because };
}

function instructionOf(prose: string): string {
  return prose.length <= HEAD + TAIL ? prose : `${prose.slice(0, HEAD)}\n${prose.slice(-TAIL)}`;
}
