/** Health of a person: words that say so by themselves, or a term of medicine beside a word for a person in the same sentence. */
import { OTHER_WORDS, OWN_WORDS } from './health-words.ts';
import { lexicon, type Hit } from '../words.ts';
import { countBefore, type Detector, type Span } from './scan.ts';

type Whose = 'own' | 'other';

/** A term and a person belong together within this many characters and one sentence. */
const NEAR = 72;
const SENTENCE_END = /[.!?。！？]\s|\n/;
/** Between a term and the person so many words of persons are looked at. */
const PERSONS_MAX = 8;

const PERSONS = lexicon<Whose>([...phrases(OWN_WORDS, 'own'), ...phrases(OTHER_WORDS, 'other')]);

export const health: Detector = function* find({ text, words }) {
  yield* words('healthSure');
  const terms = words('healthTerm');
  const weak = words('healthWeak');
  if (terms.length === 0 && weak.length === 0) return;
  // Persons stand in every text: they are looked for only where a term asks for one.
  const persons = PERSONS.find(text);
  const own = persons.filter(({ value }) => value === 'own');
  for (const term of terms) if (hasNear(text, term, persons)) yield term;
  for (const term of weak) if (hasNear(text, term, own)) yield term;
};

function hasNear(text: string, term: Span, persons: readonly Hit<Whose>[]): boolean {
  const from = countBefore(persons, term.start - NEAR);
  return persons.slice(from, from + PERSONS_MAX).some((person) => isOneSentence(text, term, person));
}

function isOneSentence(text: string, term: Span, person: Span): boolean {
  const start = Math.min(term.end, person.end);
  const end = Math.max(term.start, person.start);
  return end - start <= NEAR && !SENTENCE_END.test(text.slice(start, Math.max(start, end)));
}

function phrases(lists: Readonly<Record<string, string>>, value: Whose): readonly (readonly [string, Whose])[] {
  return Object.values(lists).flatMap((list) => list.split('|').map((phrase) => [phrase, value] as const));
}
