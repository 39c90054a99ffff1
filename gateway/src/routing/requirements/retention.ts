/** How long a provider keeps what it is sent. */
import { ofEach, type Requirement } from './requirement.ts';

/** For how long a provider may keep what it is sent. What nobody knows is too long. */
export const retention: Requirement = ofEach('retention', ({ retentionDays }, { retentionDaysMax }) => {
  if (retentionDaysMax === undefined) return undefined;
  const wanted = retentionDaysMax === 0 ? 'nothing may be kept' : `at most ${retentionDaysMax} are allowed`;
  if (retentionDays === undefined) return `how long it keeps data is not known, ${wanted}`;
  return retentionDays <= retentionDaysMax ? undefined : `it keeps data for ${retentionDays} days, ${wanted}`;
});
