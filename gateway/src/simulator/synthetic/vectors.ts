/** Made-up embeddings: the same text gives the same direction, of length one. */
import { between, diceOf } from './dice.ts';

export const DIMENSIONS = 256;
const DIMENSIONS_MAX = 8_192;

/** A unit vector for `text`. Texts that share words point the same way a little, so that a search over them finds something. */
export function vectorOf(text: string, dimensions: number = DIMENSIONS): number[] {
  const length = Math.min(Math.max(1, Math.floor(dimensions)), DIMENSIONS_MAX);
  const vector = Array.from({ length }, () => 0);
  const words =
    text
      .slice(0, 10_000)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of ['', ...words]) {
    const dice = diceOf(`vector|${word}`);
    for (let times = 0; times < 8; times += 1) {
      const index = between(dice, 0, length - 1);
      vector[index] = (vector[index] ?? 0) + dice() - 0.5;
    }
  }
  const norm = Math.hypot(...vector) || 1;
  return vector.map((value) => value / norm);
}
