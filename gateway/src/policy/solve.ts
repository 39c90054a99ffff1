/** Whether any request could meet a set of formulas: a walk over their cases, each kept as what it says of every fact. */
import type { Claim, Formula } from './claims.ts';

/** Cases looked at for one question. Rules that people write have a few dozen; beyond this we say nothing. */
const CASES_MAX = 4000;
/** Cases of all questions about one list of rules: a second of work at most, where an ordinary list takes a millisecond. */
const ALL_CASES_MAX = 400_000;
/** Whole numbers tried one by one between two bounds. */
const NUMBERS_TRIED_MAX = 64;

/** What a case says of a number. */
interface NumberState {
  readonly min: number;
  readonly max: number;
  readonly isMinOpen: boolean;
  readonly isMaxOpen: boolean;
  readonly isWhole: boolean;
  readonly not: readonly number[];
}

/** What a case says of a text: all it may still be (undefined: anything), and what it is not. */
interface TextState {
  readonly among: readonly string[] | undefined;
  readonly not: readonly string[];
}

interface Case {
  readonly numbers: ReadonlyMap<string, NumberState>;
  readonly texts: ReadonlyMap<string, TextState>;
  readonly truths: ReadonlyMap<string, boolean>;
}

const ANYTHING: Case = { numbers: new Map(), texts: new Map(), truths: new Map() };

/** Work done so far for one list of rules. */
export interface Effort {
  cases: number;
}

/** False where no facts meet all of them. True also where we cannot tell: claims about the same thing in other words, too many cases. */
export function canHold(formulas: readonly Formula[], effort: Effort): boolean {
  return search(formulas, ANYTHING, { effort, end: Math.min(effort.cases + CASES_MAX, ALL_CASES_MAX) });
}

function search(formulas: readonly Formula[], before: Case, limit: { effort: Effort; end: number }): boolean {
  limit.effort.cases++;
  if (limit.effort.cases > limit.end) return true;
  let now: Case | undefined = before;
  const choices: (readonly Formula[])[] = [];
  const queue = [...formulas];
  for (const formula of queue) {
    if (formula.kind === 'constant' && !formula.value) return false;
    if (formula.kind === 'all') queue.push(...formula.of);
    if (formula.kind === 'any') choices.push(formula.of);
    if (formula.kind === 'claim') now = take(now, formula.claim, formula.holds);
    if (now === undefined) return false;
  }
  // The narrowest choice first: most of its cases end at once.
  const [choice, ...others] = choices.toSorted((a, b) => a.length - b.length);
  if (choice === undefined) return true;
  const rest = others.map((of): Formula => ({ kind: 'any', of }));
  const known = now;
  return choice.some((formula) => search([formula, ...rest], known, limit));
}

/** The case with one claim more; undefined where they contradict. */
function take(now: Case, claim: Claim, holds: boolean): Case | undefined {
  if (claim.about === 'number') return takeNumber(now, claim, holds);
  if (claim.about === 'text') return takeText(now, claim, holds);
  const known = now.truths.get(claim.key);
  if (known !== undefined) return known === holds ? now : undefined;
  return { ...now, truths: new Map([...now.truths, [claim.key, holds]]) };
}

function takeNumber(now: Case, claim: Claim & { readonly about: 'number' }, holds: boolean): Case | undefined {
  const { min, max, isWhole } = claim.bounds;
  const known = now.numbers.get(claim.key) ?? { min, max, isWhole, isMinOpen: false, isMaxOpen: false, not: [] };
  const next = narrowed(known, claim, holds);
  return isEmpty(next) ? undefined : { ...now, numbers: new Map([...now.numbers, [claim.key, next]]) };
}

function narrowed(
  known: NumberState,
  { operator, value }: Claim & { readonly about: 'number' },
  holds: boolean,
): NumberState {
  if (operator === '==') {
    if (!holds) return { ...known, not: [...known.not, value] };
    return below(above(known, value, false), value, false);
  }
  if (holds) return below(known, value, operator === '<');
  return above(known, value, operator === '<=');
}

function below(known: NumberState, max: number, isOpen: boolean): NumberState {
  if (max > known.max || (max === known.max && !isOpen)) return known;
  return { ...known, max, isMaxOpen: isOpen };
}

function above(known: NumberState, min: number, isOpen: boolean): NumberState {
  if (min < known.min || (min === known.min && !isOpen)) return known;
  return { ...known, min, isMinOpen: isOpen };
}

function isEmpty({ min, max, isMinOpen, isMaxOpen, isWhole, not }: NumberState): boolean {
  if (isWhole) {
    const first = isMinOpen ? Math.floor(min) + 1 : Math.ceil(min);
    const last = isMaxOpen ? Math.ceil(max) - 1 : Math.floor(max);
    const count = last - first + 1;
    if (count > NUMBERS_TRIED_MAX) return false;
    for (let value = first; value <= last; value++) if (!not.includes(value)) return false;
    return true;
  }
  if (min < max) return false;
  return min > max || isMinOpen || isMaxOpen || not.includes(min);
}

function takeText(
  now: Case,
  { key, values, all }: Claim & { readonly about: 'text' },
  holds: boolean,
): Case | undefined {
  const known = now.texts.get(key) ?? { among: all === undefined ? undefined : ['', ...all], not: [] };
  const among = holds ? values.filter((value) => known.among?.includes(value) ?? true) : known.among;
  const not = holds ? known.not : [...known.not, ...values];
  if (among?.every((value) => not.includes(value)) === true) return undefined;
  return { ...now, texts: new Map([...now.texts, [key, { among, not }]]) };
}
