/** The text of a rule as a tree: CEL's grammar, read by a library within our limits, its complaints put in a reader's words. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { Environment, ParseError } from '@marcbachmann/cel-js';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';

/** A rule of 4,096 characters is a page of text; what is longer was made by a machine, or to hurt. */
export const SOURCE_CHARACTERS_MAX = 4096;
/** Brackets within brackets. Each level is a call on the stack, here and while it runs. */
export const DEPTH_MAX = 32;
/** Names, values and operators of one rule. */
export const NODES_MAX = 1000;

/** Why an expression is not taken, and where in its text (UTF-16 code units from 0). */
export interface ExpressionError {
  readonly message: string;
  readonly offset: number;
}

const grammar = new Environment({
  unlistedVariablesAreDyn: true,
  limits: {
    maxDepth: DEPTH_MAX,
    maxAstNodes: NODES_MAX,
    maxListElements: NODES_MAX,
    maxMapEntries: 1,
    maxCallArguments: 4,
  },
});

/** The library's names of marks, as one writes them. */
const MARKS: Readonly<Record<string, string>> = {
  LPAREN: '`(`',
  RPAREN: '`)`',
  LBRACKET: '`[`',
  RBRACKET: '`]`',
  LBRACE: '`{`',
  RBRACE: '`}`',
  COMMA: '`,`',
  COLON: '`:`',
  IDENTIFIER: 'a name',
  EOF: 'the end',
};

/** What people write who know other languages. */
const HABITS: readonly (readonly [RegExp, string])[] = [
  [/^=/, 'To compare, write `==`'],
  [/^and\b/i, 'Write `&&` for “and”'],
  [/^or\b/i, 'Write `||` for “or”'],
  [/^not\b/i, 'Write `!` for “not”'],
  [/^[&|]/, 'Write `&&` for “and”, `||` for “or”'],
  [/^(contains|matches|startsWith|endsWith)\b/, 'Write it as a call: `facts.text.contains("…")`'],
];

/** Reads CEL. An error says what is wrong at which place. */
export function parseExpression(source: string): Result<ASTNode, ExpressionError> {
  if (source.length > SOURCE_CHARACTERS_MAX)
    return err({
      message: `has ${source.length} characters; at most ${SOURCE_CHARACTERS_MAX} are taken. Long lists of words belong in \`topics\``,
      offset: SOURCE_CHARACTERS_MAX,
    });
  if (source.trim() === '') return err({ message: 'is empty. Leave `when` out where a rule is for all', offset: 0 });
  try {
    return ok(grammar.parse(source).ast);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return err(explained(source, error));
  }
}

function explained(source: string, { code, summary, range }: ParseError): ExpressionError {
  const offset = Math.min(range?.start ?? 0, source.length);
  const rest = source.slice(offset);
  if (code === 'limit_exceeded') return { message: overLimit(summary), offset };
  const habit = HABITS.find(([pattern]) => pattern.test(rest));
  if (habit !== undefined) return { message: `is no CEL at \`${shown(rest)}\`. ${habit[1]}`, offset };
  if (!MISPLACED.has(code)) return { message: `is no CEL: ${summary}`, offset };
  const wanted = /^Expected (\w+)/.exec(summary)?.[1];
  const what = wanted === undefined ? '' : `: ${MARKS[wanted] ?? wanted.toLowerCase()} is missing`;
  return { message: rest === '' ? `ends too early${what}` : `is no CEL at \`${shown(rest)}\`${what}`, offset };
}

const MISPLACED: ReadonlySet<string> = new Set(['expected_token', 'unexpected_token', 'unexpected_character']);

function overLimit(summary: string): string {
  const what = summary.includes('maxDepth')
    ? `has more than ${DEPTH_MAX} brackets within brackets`
    : `is too large: at most ${NODES_MAX} names, values and operators are taken`;
  return `${what}. Make several rules of it`;
}

function shown(rest: string): string {
  return /^(\w+|\W)/.exec(rest)?.[0].slice(0, 30) ?? '';
}
