/** Which step answers a request: the first that matches and is not used up. */
import { readFile } from 'node:fs/promises';
import { glob } from '../lib/glob.ts';
import { parseJson } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { err } from '../lib/result.ts';
import type { Match, Step } from './step.ts';
import { parseSteps } from './step.ts';

/** What a step can look at. The body is read only if some step asks for it. */
export interface MatchFacts {
  readonly method: string;
  readonly path: string;
  readonly provider: string | undefined;
  model(): string | undefined;
  isStreaming(): boolean;
  bodyText(): string;
}

export interface Script {
  /** The step for this request; it is used up by the asking. */
  forRequest(facts: MatchFacts): Step | undefined;
  forConnection(): Step | undefined;
  /** Replaces all steps. They must have been checked by `parseSteps`. */
  set(steps: readonly Step[]): void;
}

interface Running {
  readonly step: Step;
  left: number;
  /** Requests that met `match` but for `nth`. */
  met: number;
}

/** A script without steps. */
export function createScript(): Script {
  let requests: Running[] = [];
  let connections: Running[] = [];
  const start = (step: Step): Running => ({
    step,
    left: step.times === 'forever' ? Number.POSITIVE_INFINITY : (step.times ?? 1),
    met: 0,
  });
  return {
    forRequest: (facts) => (requests.length === 0 ? undefined : take(requests, (match) => meets(match, facts))),
    forConnection: () => (connections.length === 0 ? undefined : take(connections, () => true)),
    set(steps) {
      requests = steps.filter((step) => step.on !== 'connection').map(start);
      connections = steps.filter((step) => step.on === 'connection').map(start);
    },
  };
}

/** Reads a script file: YAML, of which JSON is a part. Errors name file, line or field. */
export async function readScript(path: string): Promise<Result<readonly Step[], string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return err(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const value = parseJson(text) ?? (await readYaml(text));
  if (value instanceof Error) return err(`${path}: ${value.message}`);
  const steps = parseSteps(value);
  return steps.ok ? steps : err(`${path}: ${steps.error}`);
}

async function readYaml(text: string): Promise<unknown> {
  // Loaded only here: the simulator must start in a few milliseconds where no script is given.
  const { parse } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Every step counts what it meets, also behind one that answers: so `nth` means the nth request, whoever answered the others. */
function take(running: Running[], matches: (match: Match) => boolean): Step | undefined {
  let chosen: Running | undefined;
  for (const item of running) {
    const match = item.step.match;
    if (match !== undefined && !matches(match)) continue;
    item.met += 1;
    const isTurn = match?.nth === undefined || match.nth === item.met;
    if (chosen === undefined && item.left > 0 && isTurn) chosen = item;
  }
  if (chosen === undefined) return undefined;
  chosen.left -= 1;
  return chosen.step;
}

function meets(match: Match, facts: MatchFacts): boolean {
  return CONDITIONS.every((condition) => condition(match, facts));
}

/** Each is true where the match says nothing of it. The dear ones, which read the body, come last. */
const CONDITIONS: readonly ((match: Match, facts: MatchFacts) => boolean)[] = [
  ({ method }, facts) => method === undefined || method.toUpperCase() === facts.method,
  ({ path }, facts) => path === undefined || meetsPath(path, facts.path),
  ({ provider }, facts) => provider === undefined || glob(provider, facts.provider ?? ''),
  ({ model }, facts) => model === undefined || glob(model, facts.model() ?? ''),
  ({ stream }, facts) => stream === undefined || stream === facts.isStreaming(),
  ({ contains }, facts) => contains === undefined || facts.bodyText().includes(contains),
];

function meetsPath(pattern: string, path: string): boolean {
  return pattern.includes('*') ? glob(pattern, path) : path.endsWith(pattern);
}
