/** The least that a target must be able to do. */
import { knownQualityAt } from '../quality.ts';
import { ofEach, type Requirement } from './requirement.ts';

/** The floor that strategies choose above. Callers' ratings do not move it: those of one tenant would move it for all. */
export const quality: Requirement = ofEach('quality', (target, { quality: floor }, { facts }) => {
  if (floor === undefined) return undefined;
  const task = floor.task ?? facts.content?.task;
  const at = knownQualityAt(target, task);
  const place = task === undefined ? 'quality' : `quality at ${task}`;
  if (at === undefined) return `its ${place} is not known, at least ${floor.min} is required`;
  return at >= floor.min ? undefined : `${place} ${rounded(at)}, at least ${floor.min} is required`;
});

function rounded(score: number): number {
  return Math.round(score * 1000) / 1000;
}
