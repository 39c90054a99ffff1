/** Regions, countries and zones: what lies in what, what was meant by a name, and how far two of them are apart. */
import { nearest } from '../lib/nearest.ts';
import type { Place } from './places.ts';
import { REGIONS } from './places.ts';
import { COUNTRIES, ZONES } from './zones.ts';

/** Every name that a region can have: of a cloud's region, of a country (ISO 3166-1, small letters), of a zone. */
export const REGION_NAMES: readonly string[] = [...REGIONS.keys(), ...ZONES.keys(), ...COUNTRIES];

export function isKnownRegion(name: string): boolean {
  return REGIONS.has(name) || ZONES.has(name) || COUNTRIES.has(name);
}

/** The known region that was most likely meant. */
export function nearRegion(name: string): string | undefined {
  const bare = name.trim().toLowerCase();
  const joined = bare.replaceAll(/[\s_]/g, '');
  return [bare, joined].find(isKnownRegion) ?? nearest(name, REGION_NAMES);
}

/** The countries that a name may stand for; undefined for a name that we do not know. */
function countriesOf(name: string): ReadonlySet<string> | undefined {
  const country = REGIONS.get(name)?.country ?? (COUNTRIES.has(name) ? name : undefined);
  return country === undefined ? ZONES.get(name)?.countries : new Set([country]);
}

/**
 * Whether everything at `region` is certainly in `zone`. A zone lies in another where all its countries do: `eu` in `eea`, not the
 * other way. A name that we do not know lies in nothing but itself, so that a requirement fails closed.
 */
export function isWithin(region: string, zone: string): boolean {
  if (region === zone) return true;
  // A zone is made of countries: it never lies in one region of a cloud, though that be all there is in the country.
  if (REGIONS.has(zone)) return false;
  const inner = countriesOf(region);
  const outer = countriesOf(zone);
  return inner !== undefined && outer !== undefined && [...inner].every((country) => outer.has(country));
}

/** All that a region lies in: itself, its country, its zones. */
export function zonesOf(region: string): readonly string[] {
  const countries = [...(countriesOf(region) ?? [])].slice(0, 1);
  return [...new Set([region, ...countries, ...ZONES.keys()])].filter((zone) => isWithin(region, zone));
}

const EARTH_RADIUS_KM = 6371;
/** Light in glass: 204,000 km/s (refractive index 1.47, ITU-T G.652). */
const KM_PER_MS = 204;
/** Cables follow coasts and roads. Between large regions they are about 1.4 times as long as the straight way; some pairs have up to 2.5. */
const DETOUR = 1.4;
/** Both last miles, switches and the name of the host being known already. */
const BASE_MS = 2;

/**
 * The typical round trip between two regions in ms: `2 + 2 · 1.4 · great circle / 204 km/ms` (haversine). Frankfurt to Virginia: 91.
 * Undefined where one of them is not known. An estimate to begin with; what is measured replaces it.
 */
export function distanceMs(from: string, to: string): number | undefined {
  const [a, b] = [placeOf(from), placeOf(to)];
  if (a === undefined || b === undefined) return undefined;
  return BASE_MS + (2 * DETOUR * distanceKm(a, b)) / KM_PER_MS;
}

/** A zone stands at its busiest place, a country at the first that we know there. */
function placeOf(name: string): Place | undefined {
  const centre = ZONES.get(name)?.centre ?? name;
  return REGIONS.get(centre) ?? [...REGIONS.values()].find(({ country }) => country === name);
}

/** Haversine: the great circle on a sphere. */
function distanceKm(a: Place, b: Place): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const north = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2;
  const east = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  const chord = north + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * east;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, chord)));
}
