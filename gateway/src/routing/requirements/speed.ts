/** How soon a target must begin to answer. */
import { ofEach, type Requirement } from './requirement.ts';

/** Fewer answers than this say nothing of the slowest twentieth. */
const COUNT_MIN = 20;

/** A promise on the time to first content. What has not been measured yet may try, else it never would be. */
export const speed: Requirement = ofEach('speed', (target, { ttftMsP95: most }, { seen }) => {
  const { ttftMs } = seen(target);
  if (most === undefined || ttftMs === undefined || ttftMs.count < COUNT_MIN || ttftMs.p95 <= most) return undefined;
  return `its first token takes ${Math.round(ttftMs.p95)} ms in 95 of 100 answers, at most ${most} is required`;
});
