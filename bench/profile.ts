/** Where Turnout's CPU time goes, from V8's own profiles: self time, added up by room of the house. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One `.cpuprofile`, as far as it is read (Chrome DevTools Protocol, `Profiler.Profile`). */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before it. */
  readonly timeDeltas: readonly number[];
  /** Microseconds on the machine's monotonic clock. */
  readonly startTime: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

export interface Share {
  readonly name: string;
  /** 0 to 1, of the time that was not idle. */
  readonly share: number;
}

export interface ProfileShares {
  readonly rooms: readonly Share[];
  readonly functions: readonly Share[];
}

const FUNCTIONS_SHOWN = 25;
/** A room below this is told under `other`. */
const SHARE_MIN = 0.01;

/** Monotonic time as profiles count it. */
export function profileClockUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Reads all profiles of a folder (one a thread) and adds up what was sampled between two moments. */
export function readShares(dir: string, fromUs: number, toUs: number): ProfileShares {
  const rooms = new Map<string, number>();
  const functions = new Map<string, number>();
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile: Profile = JSON.parse(readFileSync(join(dir, file), 'utf8'));
    addUp(profile, { fromUs, toUs, rooms, functions });
  }
  return { rooms: withRest(shares(rooms)), functions: shares(functions).slice(0, FUNCTIONS_SHOWN) };
}

interface Sums {
  readonly fromUs: number;
  readonly toUs: number;
  readonly rooms: Map<string, number>;
  readonly functions: Map<string, number>;
}

function addUp(profile: Profile, { fromUs, toUs, rooms, functions }: Sums): void {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  );
  const isStoreThread = profile.nodes.some((node) => node.callFrame.url.endsWith('/store/books/thread.ts'));
  const labels = new Map<number, Label>();
  let atUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const deltaUs = profile.timeDeltas[index] ?? 0;
    atUs += deltaUs;
    if (atUs < fromUs || atUs > toUs) continue;
    const label = labels.get(id) ?? labelOf(id, nodes, parents);
    labels.set(id, label);
    if (label.room === 'idle') continue;
    const room = isStoreThread ? 'store (thread of the database)' : label.room;
    rooms.set(room, (rooms.get(room) ?? 0) + deltaUs);
    const name = `${room}: ${label.name}`;
    functions.set(name, (functions.get(name) ?? 0) + deltaUs);
  }
}

interface Label {
  readonly room: string;
  readonly name: string;
}

/** A built-in (`JSON.parse`, a system call of a socket) counts for whoever called it. */
function labelOf(id: number, nodes: ReadonlyMap<number, ProfileNode>, parents: ReadonlyMap<number, number>): Label {
  const leaf = nodes.get(id)?.callFrame.functionName ?? '';
  if (leaf === '(idle)') return { room: 'idle', name: leaf };
  if (leaf === '(garbage collector)') return { room: 'garbage collection', name: leaf };
  if (leaf === '(program)') return { room: 'V8 and Node outside JavaScript (system calls, event loop)', name: leaf };
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = nodes.get(at)?.callFrame;
    if (frame === undefined || frame.url === '') continue;
    const caller = frame.functionName === '' ? `line ${frame.lineNumber + 1}` : frame.functionName;
    const file = frame.url.replace(/^.*\//, '');
    return { room: roomOf(frame.url), name: at === id ? `${caller} (${file})` : `${leaf} in ${caller} (${file})` };
  }
  return { room: 'V8 and Node outside JavaScript (system calls, event loop)', name: leaf };
}

function roomOf(url: string): string {
  const room = /\/gateway\/src\/(?:([\w-]+)\/)?[^?]+\.ts$/.exec(url);
  if (room !== null) return room[1] ?? 'wire';
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  if (/^node:(internal\/)?_?http/.test(url)) return 'node:http';
  if (/^node:(internal\/)?(streams?|net|stream_base_commons|tls|_stream)/.test(url)) return 'node: sockets and streams';
  return 'node: the rest';
}

function shares(sums: ReadonlyMap<string, number>): readonly Share[] {
  const total = [...sums.values()].reduce((sum, one) => sum + one, 0);
  return [...sums].map(([name, sum]) => ({ name, share: sum / total })).toSorted((a, b) => b.share - a.share);
}

function withRest(all: readonly Share[]): readonly Share[] {
  const shown = all.filter((one) => one.share >= SHARE_MIN);
  const rest = all.filter((one) => one.share < SHARE_MIN).reduce((sum, one) => sum + one.share, 0);
  return rest === 0 ? shown : [...shown, { name: 'other', share: rest }];
}
