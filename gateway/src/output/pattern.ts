/** Regular expressions of a caller's schema: used only where it is known beforehand how long the longest search can take. */

/** A pattern with a bound on its search. */
export interface Pattern {
  readonly matches: (text: string) => boolean;
  /** Steps of the slowest search through a text of that many UTF-16 units. */
  readonly cost: (length: number) => number;
}

/** Longer patterns are nobody's check of a field. */
const LENGTH_MAX = 512;
/** Ways through alternatives that are tried at each place at most. */
const BRANCHES_MAX = 256;
/** `\d{4}` is one way; a repetition of more than this is counted as one of any length. */
const EXACT_MAX = 64;

/** Backreferences and lookarounds: their search has no simple bound. */
const UNBOUNDED = /\\[1-9k]|\(\?(?:[=!]|<[=!])/;
/** Escapes and classes are one character each, whatever stands in them. */
const ATOMS = /\\(?:u\{[0-9a-f]+\}|[pP]\{[^}]*\}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|[^])|\[(?:\\[^]|[^\]\\])*\]/gi;
const QUANTIFIER = /([*+]|\{(\d*)(,?)(\d*)\})\??|\?\??/g;

/** The pattern as JSON Schema means it (unanchored, ECMA-262 with `u`); undefined where it is none, or can take too long. */
export function patternOf(source: string): Pattern | undefined {
  if (source.length > LENGTH_MAX || UNBOUNDED.test(source)) return undefined;
  const shape = shapeOf(source);
  const expression = shape === undefined ? undefined : compiled(source);
  if (shape === undefined || expression === undefined) return undefined;
  const { branches, repeats } = shape;
  const degree = repeats + (source.startsWith('^') ? 0 : 1);
  return {
    matches: (text) => expression.test(text),
    cost: (length) => branches * Math.max(1, length) ** degree,
  };
}

/** How many ways there are through the pattern, and how many of its pieces can be of any length. Undefined: groups that repeat. */
function shapeOf(source: string): { readonly branches: number; readonly repeats: number } | undefined {
  const plain = source.replaceAll(ATOMS, 'x').replaceAll(/\(\?(?:<\w+>|:)/g, '(');
  if (/\)(?:[*+]|\{)/.test(plain)) return undefined;
  let repeats = 0;
  let branches = 1;
  for (const [text, , least = '', comma, most] of plain.matchAll(QUANTIFIER)) {
    const isExact = text.startsWith('{') && (comma === '' || most === least) && Number(least) <= EXACT_MAX;
    if (text.startsWith('?')) branches *= 2;
    else if (!isExact) repeats += 1;
  }
  branches *= plain
    .split(/[()]/)
    .map((piece) => piece.split('|').length)
    .reduce((product, count) => product * count, 1);
  return branches > BRANCHES_MAX ? undefined : { branches, repeats };
}

function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'u');
  } catch {
    return undefined;
  }
}
