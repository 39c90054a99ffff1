/** Whether a provider learns from what it is sent. */
import { ofEach, type Requirement } from './requirement.ts';

/** Whether a provider may learn from what it is sent. */
export const training: Requirement = ofEach('training', ({ trains }, { training: wanted }) => {
  if (wanted === undefined || trains === false) return undefined;
  return trains === true ? 'its provider trains on requests' : 'whether its provider trains on requests is not known';
});
