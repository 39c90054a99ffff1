/** The operator's topics: lists of words and phrases, each found as whole words in what the user said. */
import { lexicon, type Lexicon } from './words.ts';

export type Topics = Lexicon<string>;

/** Lists by name, as in the configuration: `{legal: ['contract', 'clause']}`. Case and accents do not matter; any script. */
export function topicsOf(lists: Readonly<Record<string, readonly string[]>>): Topics {
  return lexicon(Object.entries(lists).flatMap(([name, words]) => words.map((word) => [word, name] as const)));
}

/** Names of the topics that stand in the text, in the order in which they appear. */
export function topicsIn(text: string, topics: Topics): readonly string[] {
  return [...new Set(Array.from(topics.find(text), ({ value }) => value))];
}
