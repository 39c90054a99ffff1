/** Reads the chaos header: what shall go wrong with one request, said by whoever sends it. */
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';
import type { Effects, Place } from './step.ts';

/** Longest header that is read; every directive once is shorter. */
const HEADER_MAX = 1_000;
type Directive = (value: string | undefined) => Effects | string;

const CODE = /^\d{3}$/;
const MS = /^(\d{1,7})(?:ms)?$/;
/** A field value of one line. */
const LINE = /^[\t\x20-\x7e]*$/;

const flag =
  (effects: Effects): Directive =>
  (value) =>
    value === undefined ? effects : 'takes no value';

function milliseconds(make: (ms: number) => Effects): Directive {
  return (value) => {
    const ms = MS.exec(value ?? '')?.[1];
    return ms === undefined ? 'wants milliseconds, like 500 or 500ms' : make(Number(ms));
  };
}

const WITH_VALUE: Readonly<Record<string, Directive>> = {
  delay: milliseconds((ms) => ({ delay_ms: ms })),
  slow: milliseconds((ms) => ({ chunk_delay_ms: ms })),
  bytes: (value) =>
    /^[1-9]\d{0,6}$/.test(value ?? '') ? { bytes_each: Number(value) } : 'wants a number of bytes, 1 or more',
  status: (value) =>
    CODE.test(value ?? '') && Number(value) >= 200 && Number(value) < 600
      ? { status: Number(value) }
      : 'wants a status from 200 to 599',
  'retry-after': (value) =>
    value !== undefined && LINE.test(value) ? { headers: { 'retry-after': value } } : 'wants a value',
  garbage: flag({ not_http: true }),
  close: flag({ close_before_reply: true }),
  silence: flag({ never_reply: true }),
  unfinished: flag({ framing: 'unfinished' }),
};

const AT: Readonly<Record<string, (place: Place) => Effects>> = {
  cut: (place) => ({ cut_at: place }),
  reset: (place) => ({ reset_at: place }),
  stall: (place) => ({ stall_at: place }),
  end: (place) => (typeof place === 'object' && 'head' in place ? {} : { end_at: place }),
};

/**
 * Reads the chaos header: directives separated by `;`, each at most once. `cut@12` `reset@12` `stall@12` `end@12` (bytes of the body;
 * `@head:12` bytes of the whole reply, `@event:3` events of a stream; one of the four), `delay=500`, `slow=10ms`, `bytes=1`, `status=429`,
 * `retry-after=1`, `garbage`, `close`, `silence`, `unfinished`. Anything else is an error that names the directive.
 */
export function parseChaos(header: string): Result<Effects, string> {
  if (header.length > HEADER_MAX) return err(`x-turnout-chaos: is longer than ${HEADER_MAX} characters`);
  let effects: Effects = {};
  const seen = new Set<string>();
  for (const part of header.split(';')) {
    const text = part.trim();
    const read = readDirective(text);
    if (typeof read === 'string') return err(`x-turnout-chaos: "${text}" ${read}`);
    if (seen.has(read.name)) return err(`x-turnout-chaos: "${read.name}" is said twice`);
    seen.add(read.name);
    effects = { ...effects, ...read.effects };
  }
  const breaks = Object.keys(AT).filter((name) => seen.has(name));
  if (breaks.length > 1) return err(`x-turnout-chaos: ${breaks.join(' and ')} exclude each other`);
  return ok(effects);
}

interface Read {
  readonly name: string;
  readonly effects: Effects;
}

function readDirective(text: string): Read | string {
  return readBreak(text) ?? readValue(text);
}

/** `cut@12`, `reset@head:40`, `stall@event:3`. */
function readBreak(text: string): Read | undefined {
  const [, name = '', unit, at] = /^([a-z]+)@(?:(head|event):)?(\d{1,12})$/.exec(text) ?? [];
  const make = Object.hasOwn(AT, name) ? AT[name] : undefined;
  // A head that ends early in good form is no head.
  if (name === 'end' && unit === 'head') return undefined;
  return make === undefined ? undefined : { name, effects: make(placeOf(unit, Number(at))) };
}

function readValue(text: string): Read | string {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const directive = Object.hasOwn(WITH_VALUE, name) ? WITH_VALUE[name] : undefined;
  if (directive === undefined) {
    const known = [...Object.keys(AT).map((key) => `${key}@N`), ...Object.keys(WITH_VALUE)];
    return `is not known; known are ${known.join(', ')}`;
  }
  const effects = directive(equals < 0 ? undefined : text.slice(equals + 1));
  return typeof effects === 'string' ? effects : { name, effects };
}

function placeOf(unit: string | undefined, at: number): Place {
  if (unit === 'head') return { head: at };
  return unit === 'event' ? { event: at } : at;
}
