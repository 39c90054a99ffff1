/** Writes a text that a regular expression of the common kind accepts. The expression is read, never run: it came with a request. */
import type { Dice } from '../../lib/dice.ts';
import { between, pick } from './dice.ts';

/** Repeats beyond what the pattern demands (`a*`, `a{2,}`). */
const EXTRA_REPEATS = 2;
/** Longest text made, and deepest nesting read, whatever the pattern says. */
const LENGTH_MAX = 1_000;
const DEPTH_MAX = 50;

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const WORD = `${LOWER}${LOWER.toUpperCase()}${DIGITS}_`;
const PRINTABLE = `${WORD} !#$%&*+,-./:;=?@`;
const CLASSES: Readonly<Record<string, string>> = {
  d: DIGITS,
  w: WORD,
  s: ' ',
  D: LOWER,
  W: ' -',
  S: WORD,
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' };

type Node = (dice: Dice) => string;

/**
 * A text for `pattern`: literals, classes, groups, alternatives, quantifiers and anchors at the rim.
 * Undefined where the pattern holds what is not read here (look-around, back references, Unicode classes).
 */
export function sampleOf(pattern: string, dice: Dice): string | undefined {
  const reader: Reader = { text: pattern, at: 0, depth: 0, isFailed: false };
  const node = readAlternatives(reader);
  if (reader.isFailed || reader.at < pattern.length) return undefined;
  return node(dice).slice(0, LENGTH_MAX);
}

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
  isFailed: boolean;
}

function readAlternatives(reader: Reader): Node {
  const options: Node[] = [readSequence(reader)];
  while (reader.text[reader.at] === '|') {
    reader.at += 1;
    options.push(readSequence(reader));
  }
  return options.length === 1 ? (options[0] ?? nothing) : (dice) => (pick(dice, options) ?? nothing)(dice);
}

function nothing(): string {
  return '';
}

function readSequence(reader: Reader): Node {
  const nodes: Node[] = [];
  while (reader.at < reader.text.length && !reader.isFailed) {
    const character = reader.text.charAt(reader.at);
    if (character === '|' || character === ')') break;
    nodes.push(readRepeated(reader, readAtom(reader)));
  }
  return (dice) => {
    let text = '';
    for (const node of nodes) if (text.length <= LENGTH_MAX) text += node(dice);
    return text;
  };
}

function readAtom(reader: Reader): Node {
  const character = reader.text.charAt(reader.at);
  reader.at += 1;
  if (character === '^' || character === '$') return nothing;
  if (character === '.') return (dice) => oneOf(dice, WORD);
  if (character === '\\') return readEscape(reader);
  if (character === '[') return readClass(reader);
  if (character === '(') return readGroup(reader);
  if ('*+?{'.includes(character)) reader.isFailed = true;
  return () => character;
}

function readGroup(reader: Reader): Node {
  if (reader.text.startsWith('?:', reader.at)) reader.at += 2;
  else if (reader.text[reader.at] === '?') {
    const name = /^\?<[A-Za-z_]\w{0,50}>/.exec(reader.text.slice(reader.at, reader.at + 60))?.[0];
    reader.at += name?.length ?? 0;
    if (name === undefined) reader.isFailed = true;
  }
  reader.depth += 1;
  if (reader.depth > DEPTH_MAX) reader.isFailed = true;
  const node = reader.isFailed ? nothing : readAlternatives(reader);
  reader.depth -= 1;
  if (reader.text[reader.at] !== ')') reader.isFailed = true;
  reader.at += 1;
  return node;
}

function readEscape(reader: Reader): Node {
  const character = reader.text.charAt(reader.at);
  reader.at += 1;
  const set = CLASSES[character];
  if (set !== undefined) return (dice) => oneOf(dice, set);
  if (character === 'b') return nothing;
  const literal = CONTROLS[character] ?? character;
  // \p, \u, \x, \1 and the like.
  if (literal === '' || (/[A-Za-z0-9]/.test(character) && CONTROLS[character] === undefined)) reader.isFailed = true;
  return () => literal;
}

/** `[…]`: the set of characters it names, of those that can be printed. */
function readClass(reader: Reader): Node {
  const isNegated = reader.text[reader.at] === '^';
  if (isNegated) reader.at += 1;
  let set = '';
  while (reader.at < reader.text.length && reader.text[reader.at] !== ']') set += readClassItem(reader);
  if (reader.text[reader.at] !== ']') reader.isFailed = true;
  reader.at += 1;
  const named = set;
  const allowed = isNegated
    ? Array.from(PRINTABLE)
        .filter((character) => !named.includes(character))
        .join('')
    : named;
  if (allowed === '') reader.isFailed = true;
  return (dice) => oneOf(dice, allowed);
}

function readClassItem(reader: Reader): string {
  const first = readClassCharacter(reader);
  const isRange = reader.text[reader.at] === '-' && reader.text[reader.at + 1] !== ']' && first.length === 1;
  if (!isRange) return first;
  reader.at += 1;
  const last = readClassCharacter(reader);
  const low = first.charCodeAt(0);
  // Ranges over whole scripts need no more than a few of their letters.
  const high = Math.min(last.charCodeAt(0), low + 100);
  let set = '';
  for (let code = low; code <= high; code += 1) set += String.fromCharCode(code);
  return set;
}

function readClassCharacter(reader: Reader): string {
  const character = reader.text.charAt(reader.at);
  reader.at += 1;
  if (character !== '\\') return character;
  const escaped = reader.text.charAt(reader.at);
  reader.at += 1;
  const set = CLASSES[escaped] ?? CONTROLS[escaped];
  if (set === undefined && /[A-Za-z0-9]/.test(escaped)) reader.isFailed = true;
  return set ?? escaped;
}

function readRepeated(reader: Reader, node: Node): Node {
  const [low, high] = readQuantifier(reader) ?? [1, 1];
  if (reader.text[reader.at] === '?' && low !== high) reader.at += 1;
  if (low === 1 && high === 1) return node;
  return (dice) => {
    const count = between(dice, low, high);
    let text = '';
    for (let made = 0; made < count && text.length <= LENGTH_MAX; made += 1) text += node(dice);
    return text;
  };
}

function readQuantifier(reader: Reader): readonly [number, number] | undefined {
  const match = /^(?:[*+?]|\{(\d{1,4})(,(\d{0,4}))?\})/.exec(reader.text.slice(reader.at, reader.at + 12));
  if (match === null) return undefined;
  reader.at += match[0].length;
  if (match[0] === '*') return [0, EXTRA_REPEATS];
  if (match[0] === '+') return [1, 1 + EXTRA_REPEATS];
  if (match[0] === '?') return [0, 1];
  const low = Number(match[1]);
  if (match[2] === undefined) return [low, low];
  return [low, match[3] === '' || match[3] === undefined ? low + EXTRA_REPEATS : Number(match[3])];
}

function oneOf(dice: Dice, set: string): string {
  return set.charAt(between(dice, 0, set.length - 1));
}
