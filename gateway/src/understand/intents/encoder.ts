/** Texts as sparse vectors over what the examples contain: n-grams by TF-IDF, and the words' vectors beside them. */
import { gramsOf } from './grams.ts';
import { Tally } from './tally.ts';
import { wordsOf } from './words.ts';
import type { WordVectors } from './word-vectors.ts';

/** Length of each part of a vector. The words' vectors count a little less than what stands in the text; by cross-validation. */
const WORDS_LENGTH = 1;
const CHARACTERS_LENGTH = 1;
const VECTORS_LENGTH = 0.7;

/** Indices into the weights, each once, and the values there. */
export interface Sparse {
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

export interface Encoder {
  /** Every index that `encode` gives is below. */
  readonly size: number;
  encode(text: string): Sparse;
}

interface Fitted {
  /** The place of an n-gram's hash is its index. */
  readonly indices: Tally;
  /** Inverse document frequency by index. */
  readonly idf: Float32Array;
  readonly idfUnseen: number;
  readonly vectors: WordVectors | undefined;
  /** Mean vector of the examples: what all of them share tells none apart. */
  readonly mean: Float32Array;
}

/** Learns which n-grams there are, how rare each is, and the mean of the words' vectors. Pauses after each text. */
export function* fitEncoder(texts: readonly string[], vectors: WordVectors | undefined): Generator<undefined, Encoder> {
  // How many examples have it.
  const indices = new Tally();
  const mean = new Float32Array(vectors?.dimensions ?? 0);
  for (const text of texts) {
    const words = wordsOf(text);
    const grams = gramsOf(words);
    for (const { keys, size } of [grams.words, grams.characters])
      for (const key of keys.subarray(0, size)) indices.add(key, 1);
    if (vectors !== undefined) addScaled(mean, unit(vectors.sum(words)), 1 / texts.length);
    yield;
  }
  const idfOf = (count: number): number => Math.log((1 + texts.length) / (1 + count)) + 1;
  const fitted = {
    indices,
    idf: Float32Array.from(indices.counts.subarray(0, indices.size), idfOf),
    idfUnseen: idfOf(0),
    vectors,
    mean,
  };
  return { size: indices.size + mean.length, encode: (text) => encode(fitted, text) };
}

/**
 * What no example has is left out, but counts towards the length that its part is scaled by: a text of new words is
 * short, and scores low for every intent. That is what a refusal goes by.
 */
function encode(fitted: Fitted, text: string): Sparse {
  const words = wordsOf(text);
  const grams = gramsOf(words);
  const vector = vectorOf(fitted, words);
  const most = grams.words.size + grams.characters.size + vector.length;
  const into: Filling = { indices: new Int32Array(most), values: new Float32Array(most), size: 0 };
  put(grams.words, { length: WORDS_LENGTH, fitted, into });
  put(grams.characters, { length: CHARACTERS_LENGTH, fitted, into });
  for (const [at, value] of vector.entries()) {
    into.indices[into.size] = fitted.idf.length + at;
    into.values[into.size] = value * VECTORS_LENGTH;
    into.size += 1;
  }
  return { indices: into.indices.subarray(0, into.size), values: into.values.subarray(0, into.size) };
}

/** A vector that is being written. */
interface Filling extends Sparse {
  size: number;
}

/** One part of it, scaled to its length. */
function put(
  { keys, counts, size }: Tally,
  { length, fitted, into }: { readonly length: number; readonly fitted: Fitted; readonly into: Filling },
): void {
  const first = into.size;
  let squares = 0;
  for (let place = 0; place < size; place += 1) {
    const count = counts[place] ?? 0;
    const index = fitted.indices.placeOf(keys[place] ?? 0);
    const idf = index === -1 ? fitted.idfUnseen : (fitted.idf[index] ?? 0);
    const value = (count === 1 ? 1 : 1 + Math.log(count)) * idf;
    squares += value * value;
    if (index === -1) continue;
    into.indices[into.size] = index;
    into.values[into.size] = value;
    into.size += 1;
  }
  const scale = length / Math.sqrt(squares);
  for (let at = first; at < into.size; at += 1) into.values[at] = (into.values[at] ?? 0) * scale;
}

/** Of unit length, from the examples' mean; empty where no word is known. */
function vectorOf({ vectors, mean }: Fitted, words: readonly string[]): Float32Array {
  const sum = vectors?.sum(words);
  if (sum === undefined || sum.every((value) => value === 0)) return new Float32Array(0);
  unit(sum);
  addScaled(sum, mean, -1);
  return unit(sum);
}

function addScaled(to: Float32Array, from: Float32Array, scale: number): void {
  for (let at = 0; at < to.length; at += 1) to[at] = (to[at] ?? 0) + scale * (from[at] ?? 0);
}

/** Scales to length 1, in place. A vector of zeros stays one. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (length > 0) for (let at = 0; at < vector.length; at += 1) vector[at] = (vector[at] ?? 0) / length;
  return vector;
}
