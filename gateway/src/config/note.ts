/** What a check has to say, at a path; and the sections of a file that may hold anything yet. */
import { asRecord } from '../lib/json.ts';
import type { Finding } from './finding.ts';
import type { PathStep } from './path.ts';

export type Note = Omit<Finding, 'path' | 'offset' | 'end' | 'level'> & {
  readonly level?: 'warning';
  readonly isAboutKey?: boolean;
  /** Where inside a text, in characters from its beginning. */
  readonly inside?: number;
};

export type Found = readonly [readonly PathStep[], Note];
export type Root = Readonly<Record<string, unknown>>;

export function entries(root: Root, section: string): readonly (readonly [string, unknown])[] {
  return Object.entries(asRecord(root[section]) ?? {});
}
