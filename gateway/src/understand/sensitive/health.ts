/** Health of a person: words that say so by themselves, or a term of medicine beside a word for a person in the same sentence. */
import { OTHER_WORDS, OWN_WORDS } from './health-words.ts';
import { lexicon, type Hit } from '../words.ts';
import { countBefore, type Detector, type Span } from './scan.ts';

type Whose = 'own' | 'other';

/** A term and a person belong together within this many characters and one sentence. */
const NEAR = 72;
const SENTENCE_END = /[.!?。！？]\s|\n/;
/** So much around a term is looked at: what is near, and a word more. */
const AROUND = NEAR + 24;
/** Between a term and the person so many words of persons are looked at. */
const PERSONS_MAX = 8;

const PERSONS = lexicon<Whose>([...phrases(OWN_WORDS, 'own'), ...phrases(OTHER_WORDS, 'other')]);

export const health: Detector = function* find({ text, words }) {
  yield* words.healthSure;
  const terms = words.healthTerm;
  const weak = words.healthWeak;
  // Persons stand in every text: they are looked for around terms, or once in all of it where terms are many.
  const isDense = (terms.length + weak.length) * AROUND * 2 > text.length;
  const everywhere = isDense ? PERSONS.find(text) : undefined;
  const near = (term: Span): readonly Hit<Whose>[] =>
    everywhere === undefined ? personsAround(text, term) : personsAmong(everywhere, term);
  for (const term of terms) if (near(term).some((person) => isOneSentence(text, term, person))) yield term;
  for (const term of weak)
    if (near(term).some((person) => person.value === 'own' && isOneSentence(text, term, person))) yield term;
};

function personsAmong(persons: readonly Hit<Whose>[], term: Span): readonly Hit<Whose>[] {
  const from = countBefore(persons, term.start - NEAR);
  return persons.slice(from, from + PERSONS_MAX);
}

function personsAround(text: string, term: Span): readonly Hit<Whose>[] {
  const from = Math.max(0, term.start - AROUND);
  // What is cut off at both sides may be half a word; it is too far away to count.
  return PERSONS.find(text.slice(from, term.end + AROUND)).map(({ value, start, end }) => ({
    value,
    start: start + from,
    end: end + from,
  }));
}

function isOneSentence(text: string, term: Span, person: Span): boolean {
  const start = Math.min(term.end, person.end);
  const end = Math.max(term.start, person.start);
  return end - start <= NEAR && !SENTENCE_END.test(text.slice(start, Math.max(start, end)));
}

function phrases(lists: Readonly<Record<string, string>>, value: Whose): readonly (readonly [string, Whose])[] {
  return Object.values(lists).flatMap((list) => list.split('|').map((phrase) => [phrase, value] as const));
}
