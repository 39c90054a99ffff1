/** Vectors of words that were learned elsewhere: words that mean the same are near each other, though no example has both. */
import { countsOf } from './grams.ts';

/**
 * The file, little endian: `TWV1`, then as uint32 the number of pieces, the dimensions and the size of the pieces'
 * text in bytes; the pieces (UTF-8, a line each); padding to four bytes; float32 log probability of each piece; float32
 * scale of each; int8 rows. Made by scripts/intents-vectors.ts; origin and licence in NOTICE beside it.
 */
const MAGIC = 'TWV1';
const HEADER_BYTES = 16;
/** SentencePiece's mark of a word's beginning. */
const WORD_BEGINNING = '▁';
/** Log probability of a character that is in no piece: below that of any piece. */
const UNKNOWN = -20;
/** Frequent pieces say little: weight a / (a + p) (Arora, Liang, Ma 2017, "A simple but tough-to-beat baseline"). Chosen by cross-validation. */
const FREQUENCY = 0.0003;

export interface WordVectors {
  readonly dimensions: number;
  /** The sum of the words' vectors, frequent ones weighing less. All zero where no word is known. */
  sum(words: readonly string[]): Float32Array;
}

interface Table {
  readonly ids: ReadonlyMap<string, number>;
  readonly logProbabilities: Float32Array;
  readonly weights: Float32Array;
  readonly rows: Int8Array;
  readonly dimensions: number;
  readonly pieceLengthMax: number;
}

/** Reads the file; undefined where it is not one. */
export function parseWordVectors(bytes: Uint8Array): WordVectors | undefined {
  const table = tableOf(bytes);
  if (table === undefined) return undefined;
  return { dimensions: table.dimensions, sum: (words) => sumOf(table, words) };
}

function tableOf(bytes: Uint8Array): Table | undefined {
  if (bytes.length < HEADER_BYTES || new TextDecoder().decode(bytes.subarray(0, 4)) !== MAGIC) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieceCount = view.getUint32(4, true);
  const dimensions = view.getUint32(8, true);
  const textEnd = HEADER_BYTES + view.getUint32(12, true);
  const numbersAt = Math.ceil(textEnd / 4) * 4;
  const rowsAt = numbersAt + pieceCount * 8;
  if (bytes.length !== rowsAt + pieceCount * dimensions) return undefined;
  const pieces = new TextDecoder().decode(bytes.subarray(HEADER_BYTES, textEnd)).split('\n');
  if (pieces.length !== pieceCount) return undefined;
  const float = (at: number): number => view.getFloat32(at, true);
  const logProbabilities = Float32Array.from(pieces, (_, id) => float(numbersAt + id * 4));
  const weights = logProbabilities.map(
    (log, id) => float(numbersAt + (pieceCount + id) * 4) / (1 + Math.exp(log) / FREQUENCY),
  );
  return {
    ids: new Map(pieces.map((piece, id) => [piece, id])),
    logProbabilities,
    weights,
    rows: new Int8Array(bytes.buffer, bytes.byteOffset + rowsAt, pieceCount * dimensions),
    dimensions,
    pieceLengthMax: pieces.reduce((most, piece) => Math.max(most, piece.length), 0),
  };
}

function sumOf(table: Table, words: readonly string[]): Float32Array {
  const { dimensions, weights, rows } = table;
  const sum = new Float32Array(dimensions);
  for (const [word, count] of countsOf(words)) {
    for (const id of piecesOf(table, WORD_BEGINNING + word)) {
      const weight = count * (weights[id] ?? 0);
      const row = id * dimensions;
      for (let at = 0; at < dimensions; at += 1) sum[at] = (sum[at] ?? 0) + weight * (rows[row + at] ?? 0);
    }
  }
  return sum;
}

/** The likeliest pieces that make up `word` (Kudo 2018, unigram model, by Viterbi). One that is a piece itself is taken whole. */
function piecesOf(table: Table, word: string): readonly number[] {
  const whole = table.ids.get(word);
  if (whole !== undefined) return [whole];
  const best = new Float64Array(word.length + 1).fill(-Infinity);
  const cameFrom = new Int32Array(word.length + 1);
  const pieceTo = new Int32Array(word.length + 1).fill(-1);
  best[0] = 0;
  const offer = (from: number, to: number, id: number): void => {
    const score = (best[from] ?? 0) + (table.logProbabilities[id] ?? UNKNOWN);
    if (score <= (best[to] ?? 0)) return;
    best[to] = score;
    cameFrom[to] = from;
    pieceTo[to] = id;
  };
  for (let from = 0; from < word.length; from += 1) {
    offer(from, from + 1, -1);
    for (let to = from + 1; to <= Math.min(word.length, from + table.pieceLengthMax); to += 1) {
      const id = table.ids.get(word.slice(from, to));
      if (id !== undefined) offer(from, to, id);
    }
  }
  const pieces: number[] = [];
  for (let to = word.length; to > 0; to = cameFrom[to] ?? 0) {
    const id = pieceTo[to] ?? -1;
    if (id !== -1) pieces.push(id);
  }
  return pieces.toReversed();
}
