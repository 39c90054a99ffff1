/** Texts as sparse vectors over what the examples contain: n-grams by TF-IDF, and the words' vectors beside them. */
import { gramsOf } from './grams.ts';
import type { Counts } from './grams.ts';
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
  /** Hash of an n-gram → its index. */
  readonly indices: ReadonlyMap<number, number>;
  /** Inverse document frequency by index. */
  readonly idf: Float32Array;
  readonly idfUnseen: number;
  readonly vectors: WordVectors | undefined;
  /** Mean vector of the examples: what all of them share tells none apart. */
  readonly mean: Float32Array;
}

/** Learns which n-grams there are, how rare each is, and the mean of the words' vectors. Pauses after each text. */
export function* fitEncoder(texts: readonly string[], vectors: WordVectors | undefined): Generator<undefined, Encoder> {
  const indices = new Map<number, number>();
  const documents: number[] = [];
  const mean = new Float32Array(vectors?.dimensions ?? 0);
  for (const text of texts) {
    const words = wordsOf(text);
    const grams = gramsOf(words);
    for (const key of [...grams.words.keys(), ...grams.characters.keys()]) {
      const index = indices.get(key) ?? documents.length;
      indices.set(key, index);
      documents[index] = (documents[index] ?? 0) + 1;
    }
    if (vectors !== undefined) addScaled(mean, unit(vectors.sum(words)), 1 / texts.length);
    yield;
  }
  const idfOf = (count: number): number => Math.log((1 + texts.length) / (1 + count)) + 1;
  const fitted = { indices, idf: Float32Array.from(documents, idfOf), idfUnseen: idfOf(0), vectors, mean };
  return { size: documents.length + mean.length, encode: (text) => encode(fitted, text) };
}

/**
 * What no example has is left out, but counts towards the length that its part is scaled by: a text of new words is
 * short, and scores low for every intent. That is what a refusal goes by.
 */
function encode(fitted: Fitted, text: string): Sparse {
  const words = wordsOf(text);
  const grams = gramsOf(words);
  const indices: number[] = [];
  const values: number[] = [];
  const put = (counts: Counts, length: number): void => {
    const first = values.length;
    let squares = 0;
    for (const [key, count] of counts) {
      const index = fitted.indices.get(key);
      const value = (1 + Math.log(count)) * (index === undefined ? fitted.idfUnseen : (fitted.idf[index] ?? 0));
      squares += value * value;
      if (index === undefined) continue;
      indices.push(index);
      values.push(value);
    }
    const scale = length / Math.sqrt(squares);
    for (let at = first; at < values.length; at += 1) values[at] = (values[at] ?? 0) * scale;
  };
  put(grams.words, WORDS_LENGTH);
  put(grams.characters, CHARACTERS_LENGTH);
  const vector = vectorOf(fitted, words);
  for (const [at, value] of vector.entries()) {
    indices.push(fitted.idf.length + at);
    values.push(value * VECTORS_LENGTH);
  }
  return { indices: Int32Array.from(indices), values: Float32Array.from(values) };
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
