/** From the text of turnout.yaml to a configuration, or to all that is wrong with it. Pure: the text and the environment come in. */
import { z } from 'zod';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import type { CheckOptions } from './checks.ts';
import { check, checkIntents, checkModels } from './checks.ts';
import type { Environment } from './environment.ts';
import type { ConfigError, Finding } from './finding.ts';
import { toErrors } from './finding.ts';
import { findingsOf, placeOf } from './issues.ts';
import { pathText, type PathStep } from './path.ts';
import type { Config } from './schema.ts';
import { peopleSchema } from './people-schema.ts';
import { configSchema } from './schema.ts';
import { readSource } from './source.ts';
import { readTree } from './tree.ts';

export interface ParseOptions extends CheckOptions {
  /** Name of the file, for the errors. */
  readonly file: string;
  readonly env: Environment;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly ConfigError[];
  /** What others find in the configuration, at its place in the text. */
  readonly placed: (findings: readonly PathFinding[]) => readonly ConfigError[];
}

/** Something about the value at a path; the message goes behind the path. */
export interface PathFinding {
  readonly path: readonly PathStep[];
  readonly message: string;
}

/** More errors than this are the wrong file, not a hundred slips. */
const ERRORS_MAX = 100;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Reads a whole configuration. Gives every error there is (at most 100), in the order of the text, each with its line and
 * column; never throws, whatever the text. The configuration is frozen, defaults and environment filled in.
 */
export function parseConfig(text: string, options: ParseOptions): Result<LoadedConfig, readonly ConfigError[]> {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const source = readSource(plain);
  const inWords = (findings: readonly Finding[]): readonly ConfigError[] =>
    toErrors(findings, options.file, source.lines).slice(0, ERRORS_MAX);
  if (source.findings.length > 0) return err(inWords(source.findings));
  const tree = readTree(source, plain, options.env);
  // Our own words are put in by `findingsOf`; an empty text marks the issues for which the schema has none.
  const parsed = configSchema.safeParse(tree.root, { error: () => '' });
  const found = [
    ...tree.findings,
    ...(parsed.success ? [] : findingsOf(parsed.error.issues, tree)),
    ...check(tree, options),
  ];
  const isWhole = parsed.success && !found.some((finding) => finding.level === 'error');
  if (isWhole && options.known !== undefined) {
    found.push(...checkModels(tree, parsed.data, options.known), ...checkIntents(tree, parsed.data, options.known));
  }
  const errors = found.filter((finding) => finding.level === 'error');
  if (!parsed.success || errors.length > 0) return err(inWords(errors));
  const warnings = inWords(found);
  const placed = (findings: readonly PathFinding[]): readonly ConfigError[] =>
    inWords(
      findings.map(({ path, message }) => ({
        path: pathText(path),
        message,
        level: 'warning',
        ...placeOf(tree, path).value,
      })),
    );
  return ok({ config: frozen(parsed.data), warnings, placed });
}

/** Where a gateway is and keeps its data: what commands beside it must know. */
const whereSchema = z.object({
  data: configSchema.shape.data,
  store: configSchema.shape.store,
  server: configSchema.shape.server,
  people: z.object({ url: peopleSchema.shape.url }).prefault({}),
});
export type Whereabouts = z.output<typeof whereSchema>;
const WHERE = /^(?:|data|store|server(?:\..*)?|people(?:\.url)?)$/;

/**
 * Reads only that of a configuration. Other parts may be wrong: the shell of a command has not the variables that its gateway has, above all its
 * providers' keys.
 */
export function parseWhereabouts(
  text: string,
  { file, env }: Pick<ParseOptions, 'file' | 'env'>,
): Result<Whereabouts, readonly ConfigError[]> {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const source = readSource(plain);
  const tree = readTree(source, plain, env);
  const parsed = whereSchema.safeParse(tree.root ?? {}, { error: () => '' });
  const findings = [
    ...source.findings,
    ...tree.findings.filter(({ path, level }) => level === 'error' && WHERE.test(path)),
    ...(parsed.success ? [] : findingsOf(parsed.error.issues, tree)),
  ];
  if (parsed.success && findings.length === 0) return ok(parsed.data);
  return err(toErrors(findings, file, source.lines).slice(0, ERRORS_MAX));
}

/** Freezes a value and all below it: a running request must never see half of a change. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
