/** Where a target computes. */
import { isWithin } from '../../policy/regions.ts';
import { ofEach, type Requirement } from './requirement.ts';

/** Where a target must compute. A region that is not known lies nowhere: it fails closed. */
export const region: Requirement = ofEach('region', (target, { regions }, { facts }) => {
  if (regions === undefined) return undefined;
  const named = regions.map((zone) => (zone === 'caller' ? facts.callerRegion : zone));
  const zones = named.filter((zone) => zone !== undefined);
  if (zones.length === 0) return 'it must be in the caller’s region, and that is not known';
  const wanted = `${regions.includes('caller') ? 'the caller requires' : 'required is'} ${zones.join(' or ')}`;
  if (target.region === undefined) return `its region is not known, ${wanted}`;
  const at = target.region;
  return zones.some((zone) => isWithin(at, zone)) ? undefined : `region ${at}, ${wanted}`;
});
