/** Areas that rules speak of: groups of countries, by law (`eu`, `eea`) or by the map (`apac`), beside each country itself. */

const EU = 'at be bg cy cz de dk ee es fi fr gr hr hu ie it lt lu lv mt nl pl pt ro se si sk';
const EEA = `${EU} is li no`;
const EUROPE = `${EEA} ad al ba by ch fo gb gg gi im je mc md me mk rs sm ua va xk`;
const NORTH_AMERICA = 'bm ca gl mx us';
const SOUTH_AMERICA = 'ar bo br cl co ec gy pe py sr uy ve';
const APAC = 'au bd bn bt cn fj hk id in jp kh kr la lk mm mn mo mv my nc np nz pf pg ph pk sb sg th tl to tw vn vu ws';
const MIDDLE_EAST = 'ae bh eg il iq ir jo kw lb om ps qa sa sy tr ye';
const AFRICA =
  'ao bf bi bj bw cd cf cg ci cm cv dj dz eg er et ga gh gm gn gq gw ke km lr ls ly ma mg ml mr mu mw mz na ne ng rw sc sd sl sn so ss st sz td tg tn tz ug za zm zw';

export interface Zone {
  /** ISO 3166-1 alpha-2, in small letters. */
  readonly countries: ReadonlySet<string>;
  /** A region that stands for it where distances are asked for: its busiest place. Absent: it is everywhere. */
  readonly centre?: string;
}

function zone(countries: string, centre: string): Zone {
  return { countries: new Set(countries.split(' ')), centre };
}

const WORLD = `${EUROPE} ${NORTH_AMERICA} ${SOUTH_AMERICA} ${APAC} ${MIDDLE_EAST} ${AFRICA}`;

/**
 * `eu`: the 27 members (https://european-union.europa.eu/principles-countries-history/eu-countries_en), so neither London nor Zurich.
 * `eea`: with Iceland, Liechtenstein and Norway (EEA Agreement). `uk`: the ISO code is `gb`, which means the same here.
 * The others go by the map, roughly as the United Nations divide it (M49); `apac` is Asia from Pakistan on, and Oceania.
 * `global` is what clouds call an address that may be answered anywhere.
 */
export const ZONES: ReadonlyMap<string, Zone> = new Map([
  ['eu', zone(EU, 'eu-central-1')],
  ['eea', zone(EEA, 'eu-central-1')],
  ['europe', zone(EUROPE, 'eu-central-1')],
  ['uk', zone('gb', 'eu-west-2')],
  ['north-america', zone(NORTH_AMERICA, 'us-central1')],
  ['south-america', zone(SOUTH_AMERICA, 'sa-east-1')],
  ['americas', zone(`${NORTH_AMERICA} ${SOUTH_AMERICA}`, 'us-central1')],
  ['apac', zone(APAC, 'ap-southeast-1')],
  ['middle-east', zone(MIDDLE_EAST, 'me-central-1')],
  ['africa', zone(AFRICA, 'af-south-1')],
  ['global', { countries: new Set(WORLD.split(' ')) }],
]);

/** All countries of the lists above: those that can be named. */
export const COUNTRIES: ReadonlySet<string> = new Set([...ZONES.values()].flatMap(({ countries }) => [...countries]));
