/** Something found in the document, at an offset; and the same for a reader, at a line and column. */
import type { LineCounter } from 'yaml';
import { compact } from '../lib/json.ts';

export interface Finding {
  /** `providers.openai.base_url`; empty for the document as a whole. */
  readonly path: string;
  /** Where it begins and ends in the text, in UTF-16 code units. */
  readonly offset: number;
  readonly end: number;
  /** With a path: what goes behind it ("must be …"). Without: a whole sentence. */
  readonly message: string;
  /** What would be right. */
  readonly allowed?: string;
  /** The known name that was probably meant. */
  readonly suggestion?: string;
  readonly level: 'error' | 'warning';
}

/** One error or warning of the configuration, for a person or for `--json`. Never holds a value that came from the environment. */
export interface ConfigError {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** How many columns the marked text has on that line, at least 1. */
  readonly length: number;
  readonly path: string;
  readonly message: string;
  readonly allowed?: string;
  readonly suggestion?: string;
}

/** Puts findings into lines and columns, in the order of the text. */
export function toErrors(findings: readonly Finding[], file: string, lines: LineCounter): readonly ConfigError[] {
  const inOrder = findings.toSorted((a, b) => a.offset - b.offset);
  return inOrder.map(({ offset, end, path, message, allowed, suggestion }) => {
    const start = lines.linePos(offset);
    const stop = lines.linePos(end);
    const length = stop.line === start.line ? Math.max(1, stop.col - start.col) : 1;
    const place = { file, line: Math.max(1, start.line), column: Math.max(1, start.col), length };
    return compact({ ...place, path, message, allowed, suggestion });
  });
}
