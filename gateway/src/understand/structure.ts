/** The shape of what the user said: code, maths, lists, questions, length. One pass over a bounded text; no word is understood. */

export interface Structure {
  /** Words of the last user turn between spaces; a character of Chinese, Japanese or Thai counts as half a word. */
  readonly words: number;
  readonly lines: number;
  /** Share of the characters that stand in lines of code, 0..1. */
  readonly codeShare: number;
  /** Share of the words that are formulas, 0..1. */
  readonly mathShare: number;
  readonly listItems: number;
  /** Lines that begin with `A.`, `B)` and so on: choices to pick from. */
  readonly choices: number;
  /** Question marks of any script that end a sentence. */
  readonly questions: number;
  /** Commas, colons and semicolons between words, of any script: how many pieces the sentences have. */
  readonly clauses: number;
  /** Numbers, whole or decimal. */
  readonly numbers: number;
  /** Fenced blocks of code. */
  readonly fences: number;
}

/** Of longer texts the beginning and the end are looked at: instructions stand there, and the middle is more of the same. */
const LOOK_MAX = 12 * 1024;
/** What begins a line of code in the languages that people ask about most. */
const OPENERS = new Set(
  (
    'def class function func fn import from export const let var public private protected static return if elif else for ' +
    'while switch case try catch except finally package use using namespace struct enum interface impl async await ' +
    '#include #define SELECT INSERT UPDATE DELETE CREATE ALTER FROM WHERE JOIN print println console type val'
  ).split(' '),
);
/** Openers that prose begins with as well: a line needs a sign of code beside them. */
const PROSE_OPENERS = new Set(
  (
    'import from use using for while if else return try case switch print let class type package static public private ' +
    'interface await'
  ).split(' '),
);
const CODE_END = /[;{}]$|\)\s*[:{]$|^\s*(?:\/\/|@\w|\$ \w|>>> )|^\s*(?:END|BEGIN)\b/;
const CODE_SIGN =
  /=>|->|::|==|!=|\+=|&&|\|\||\w\(\)|\w\.\w{1,40}\(|\w\[[\w'"-]{1,40}\]|^\s*[\w.]{1,60} = |\w\([^)]{0,200}\)[:;]/;
/** A tag of HTML. Others (`<document>`) are how people set parts of a prompt apart. */
const HTML =
  /<\/?(?:a|body|br|button|div|form|h[1-6]|head|html|img|input|li|link|meta|ol|option|p|script|select|span|style|svg|table|td|th|tr|ul)(?:\s[^>]{0,200})?>/i;
const LIST_ITEM = /^\s{0,12}(?:[-*•‣–]|\d{1,3}[.)、]|\(\d{1,2}\)|[a-z]\))\s/;
const CHOICE = /^\s{0,8}\(?[A-H][.):]\s/;
const FENCE = /^\s{0,12}(?:`{3}|~{3})/;
/** A formula: a LaTeX command, an operator between values, a power, a sign of mathematics, `f(x)`, a single letter as a variable beside one of these. */
const FORMULA =
  /^[("[]*(?:\$.*|\\[a-zA-Z]+.*|.*[\d)a-z][\^_][\d{(a-z-].*|.*[∑∫√∏∂∞≤≥≠≈±×÷πθ∈∉⊂∪∩∀∃→⇒²³].*|-?\d*[a-z]?[+*/=<>-]+\d*[a-z]?|-?\d+(?:\.\d+)?[+*/=<>-]-?[\da-z].*|\d+[a-z]|[a-z]\([a-z0-9]\).{0,3}|=|\+|<|>|<=|>=)[)"\].,;:?]*$/;
/** No word without one of these is a formula. */
const SIGN = /[$\\^_∑∫√∏∂∞≤≥≠≈±×÷πθ∈∉⊂∪∩∀∃→⇒²³+*/=<>(\d]/;
/** Nor is a number by itself. */
const FIGURE = /^[\d.,%]+$/;
/** Words longer than this are data, and only their first characters are looked at. */
const WORD_MAX = 64;
const UNSPACED = /[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]/g;
const QUESTION = /[?？؟;](?=[\s"'”»)\]]|$)/g;
const CLAUSE = /[,;:](?=\s)|[，；：、،]/g;
const NUMBER = /\d+(?:[.,]\d+)*/g;

interface Tally {
  codeCharacters: number;
  listItems: number;
  choices: number;
  fences: number;
  lines: number;
  isFenced: boolean;
}

export interface Shape {
  readonly structure: Structure;
  /** The text without its lines of code: what a language or a task is told by. At most 12 KB of it. */
  readonly prose: string;
}

/** Counts what can be counted of the last user turn, and takes its code out. */
export function shapeOf(text: string): Shape {
  const looked = lookedAt(text);
  const tally = { codeCharacters: 0, listItems: 0, choices: 0, fences: 0, lines: 0, isFenced: false };
  const prose = looked
    .split('\n')
    .filter((line) => !countLine(line, tally))
    .join('\n');
  const { words, formulas } = countWords(prose);
  const structure = {
    words: words + Math.round(count(prose, UNSPACED) / 2),
    lines: tally.lines,
    codeShare: share(tally.codeCharacters, looked.length),
    mathShare: share(formulas, words),
    listItems: tally.listItems,
    choices: tally.choices,
    questions: count(prose, QUESTION),
    clauses: count(prose, CLAUSE),
    numbers: count(prose, NUMBER),
    fences: Math.ceil(tally.fences / 2),
  };
  // A text that is code alone still has words: its comments and names.
  return { structure, prose: prose.trim() === '' ? looked : prose };
}

function lookedAt(text: string): string {
  if (text.length <= LOOK_MAX) return text;
  return `${text.slice(0, LOOK_MAX / 2)}\n${text.slice(-LOOK_MAX / 2)}`;
}

/** Whether the line is code; counts it in any case. */
function countLine(line: string, tally: Tally): boolean {
  tally.lines++;
  if (FENCE.test(line)) tally.fences++;
  const code = isCode(line, tally);
  if (code) tally.codeCharacters += line.length + 1;
  else if (CHOICE.test(line)) tally.choices++;
  else if (LIST_ITEM.test(line)) tally.listItems++;
  return code;
}

/** Inside a fence everything is code; outside, what begins or ends as code does. */
function isCode(line: string, state: { isFenced: boolean }): boolean {
  if (FENCE.test(line)) {
    state.isFenced = !state.isFenced;
    return true;
  }
  if (state.isFenced) return true;
  const start = line.slice(0, LINE_LOOK_MAX);
  const first = /^\s*(#?[A-Za-z]+)/.exec(start)?.[1] ?? '';
  if (HTML.test(start)) return true;
  if (CODE_END.test(start.trimEnd())) return !LATEX.test(start);
  if (!OPENERS.has(first)) return CODE_SIGN.test(start) && !LATEX.test(start);
  return !PROSE_OPENERS.has(first) || CODE_SIGN.test(start);
}

/** A line is judged by its beginning: longer ones are data or minified code. */
const LINE_LOOK_MAX = 240;
const LATEX = /\\[a-z]+\{|\$[^$]{1,200}\$/;

function countWords(prose: string): { readonly words: number; readonly formulas: number } {
  let words = 0;
  let formulas = 0;
  for (const word of prose.split(/\s+/)) {
    if (word === '') continue;
    words++;
    if (SIGN.test(word) && !FIGURE.test(word) && FORMULA.test(word.slice(0, WORD_MAX))) formulas++;
  }
  return { words, formulas };
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) found++;
  return found;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round(Math.min(1, part / whole) * 1000) / 1000;
}
