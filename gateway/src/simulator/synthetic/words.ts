/** Plain English that means nothing in particular: enough to look at, to stream and to count. */
import type { Dice } from '../../lib/dice.ts';
import { between, pick } from './dice.ts';

/** Said first in every reply, so that nobody takes one for a model's. */
export const NOTICE = 'This is the simulator of Turnout; no provider was called.';
/** Characters a token: the usual rule of thumb for English, and easy to check by hand. */
export const CHARACTERS_PER_TOKEN = 4;
const EXCERPT_MAX = 80;
/** Words of the prompt that are looked at for topics; a prompt may be 30 MB. */
const TOPIC_TEXT_MAX = 500;

const OPENINGS = [
  'In short,',
  'On the whole,',
  'As a first step,',
  'In practice,',
  'Looking closer,',
  'Put simply,',
  'By contrast,',
];
const SUBJECTS = [
  'the answer',
  'a careful reading',
  'the usual approach',
  'this example',
  'the second part',
  'a small test',
  'the evidence',
];
const VERBS = [
  'depends on',
  'points to',
  'begins with',
  'leads back to',
  'makes room for',
  'is measured by',
  'has little to do with',
];
const OBJECTS = [
  'the details',
  'what was asked',
  'a few clear steps',
  'the order of things',
  'time and patience',
  'the larger picture',
];
export const NOUNS: readonly string[] = [
  'signal',
  'track',
  'station',
  'lantern',
  'timber',
  'harbor',
  'meadow',
  'ledger',
  'copper',
  'garden',
  'window',
  'river',
];

/** Tokens of a text by the rule that all the simulator's usage follows. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/** The notice, a look back at the prompt, then sentences up to about `tokens` tokens. */
export function speak(dice: Dice, prompt: string, tokens: number): string {
  const topics = topicsOf(prompt);
  let text = prompt === '' ? `${NOTICE}\n\n` : `${NOTICE}\n\nYou wrote: "${excerpt(prompt)}".`;
  while (tokensOf(text) < tokens) text += ` ${sentence(dice, topics)}`;
  return text;
}

/** Reasoning as a model would show it, about `tokens` tokens long. */
export function ponder(dice: Dice, prompt: string, tokens: number): string {
  const topics = topicsOf(prompt);
  let text = 'Simulated reasoning: first I read the request.';
  while (tokensOf(text) < tokens) text += ` ${sentence(dice, topics)}`;
  return text;
}

/** The text cut to so many tokens, never inside a surrogate pair. */
export function clip(text: string, tokens: number): string {
  const length = tokens * CHARACTERS_PER_TOKEN;
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return isHighSurrogate(cut.charCodeAt(cut.length - 1)) ? cut.slice(0, -1) : cut;
}

/** A text in the pieces in which it is streamed: about a word each. Joined they are the text. */
export function pieces(text: string): readonly string[] {
  return text.match(/\s*\S{1,16}|\s+/gu) ?? [];
}

export function excerpt(prompt: string): string {
  const line = prompt
    .slice(0, EXCERPT_MAX * 2)
    .replace(/\s+/g, ' ')
    .trim();
  const cut = Array.from(line).slice(0, EXCERPT_MAX).join('');
  return cut.length < prompt.trim().length ? `${cut}…` : cut;
}

function sentence(dice: Dice, topics: readonly string[]): string {
  const object = topics.length > 0 && dice() < 0.5 ? (pick(dice, topics) ?? '') : (pick(dice, OBJECTS) ?? '');
  const words = `${pick(dice, SUBJECTS)} ${pick(dice, VERBS)} ${object}`;
  if (between(dice, 0, 2) > 0) return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  return `${pick(dice, OPENINGS)} ${words}.`;
}

/** The longer words of the prompt, so that the reply seems to be about it. */
function topicsOf(prompt: string): readonly string[] {
  const words = prompt.slice(0, TOPIC_TEXT_MAX).match(/\p{L}{6,20}/gu) ?? [];
  return [...new Set(words.map((word) => word.toLowerCase()))].slice(0, 8);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
