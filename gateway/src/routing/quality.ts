/** How good a target is at a task: what is known before, moved by what its users say. */
import { GENERAL } from '../catalog/quality.ts';
import type { Sighting } from './observation.ts';
import type { Target } from './target.ts';

/** How many ratings the score known before counts for, where it is not known how sure it is. */
const PRIOR_COUNT = 10;

/** What is known before anybody rated an answer: figures, or the operator's own rating. 0..1; undefined where there is none. */
export function knownQualityAt(target: Target, task: string | undefined): number | undefined {
  return scoreOf(target.quality, task);
}

/** The same, moved by ratings: strategies order by it. Unknown is not zero. */
export function qualityAt(target: Target, task: string | undefined, { rating }: Sighting): number | undefined {
  const known = knownQualityAt(target, task);
  if (rating === undefined || rating.count === 0) return known;
  if (known === undefined) return rating.count < PRIOR_COUNT ? undefined : rating.mean;
  const prior = (task === undefined ? undefined : target.qualityCounts?.[task]) ?? PRIOR_COUNT;
  return (known * prior + rating.mean * rating.count) / (prior + rating.count);
}

/** The score at the task, else in general, else the mean of what is known. */
function scoreOf(scores: Readonly<Record<string, number>>, task: string | undefined): number | undefined {
  const own = task === undefined ? undefined : scores[task];
  const known = own ?? scores[GENERAL];
  if (known !== undefined) return known;
  const all = Object.values(scores);
  return all.length === 0 ? undefined : all.reduce((sum, score) => sum + score, 0) / all.length;
}
