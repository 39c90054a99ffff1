/**
 * Regular expressions of rules: RE2's syntax, and time that grows with the text alone. What callers write may be made to hurt, so a
 * pattern is taken only where its whole deterministic automaton is small: it is built when the file is read, not while a request waits.
 */
import { RE2JS, RE2JSException } from 're2js';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';

/** Nobody reads a longer one. Word lists belong in `topics`. */
export const PATTERN_CHARACTERS_MAX = 1000;
/** Instructions of the compiled program: `x{1000}` has 1,000. RE2 itself refuses more repetitions than that. */
const PROGRAM_SIZE_MAX = 1000;
/**
 * Positions looked at while the automaton is built: 100 ms at most on one core. A list of 60 words takes 30,000,
 * `[ab]*a[ab]{14}c` would take 800,000.
 */
const BUILD_WORK_MAX = 400_000;

/** RE2's flags of a search's first place: the text and a line begin here. */
const AT_BEGIN = 0b101;
const UNANCHORED = 0;
const END_OF_TEXT = -1;

export interface Pattern {
  /** Whether the text has a match anywhere. Some 10 ns a character, whatever the pattern. */
  isIn(text: string): boolean;
}

/** Compiles RE2 syntax (https://github.com/google/re2/wiki/Syntax): no look-around, no back references. The error says what to change. */
export function compilePattern(source: string): Result<Pattern, string> {
  if (source.length > PATTERN_CHARACTERS_MAX)
    return err(`the pattern has ${source.length} characters; at most ${PATTERN_CHARACTERS_MAX} are taken`);
  const compiled = compile(source);
  if (!compiled.ok) return compiled;
  const { value } = compiled;
  if (value.programSize() > PROGRAM_SIZE_MAX)
    return err(`the pattern is too large once its repetitions are written out. Use smaller counts than {…}`);
  if (!isBuilt(value))
    return err(
      'the pattern could be slow: it has to keep too many possibilities in mind at once. Use fewer or smaller {…}, and plainer words',
    );
  return ok({ isIn: (text) => value.test(text) });
}

function compile(source: string): Result<RE2JS, string> {
  try {
    return ok(RE2JS.compile(source));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return err(`the pattern is no RE2 expression: ${error.message.replace(/^error parsing regexp: /, '')}`);
  }
}

/**
 * Builds every state that any text can lead to, and says whether they are few. The library builds them one by one as texts need
 * them, and falls back to a slower engine where they are too many: both cost up to 300 ms for 32 KB of a text made for it.
 */
function isBuilt(pattern: RE2JS): boolean {
  const program = pattern.re2();
  // Neither of these forms uses the automaton: a plain word, and a pattern that never has a choice.
  if (program.prefixComplete || program.onepass !== null) return true;
  const automaton = program.dfa;
  const characters = [0, ...automaton.classBounds, END_OF_TEXT];
  const queue = [automaton.makeState([program.prog.start], AT_BEGIN, [])];
  const seen = new Set(queue);
  let work = 0;
  for (const state of queue) {
    for (const [index, character] of characters.entries()) {
      work += 1 + state.nfaStates.length;
      const next = work > BUILD_WORK_MAX ? null : automaton.step(state, index, character, UNANCHORED);
      if (next === null) return false;
      // A search ends with its first match.
      if (next.isMatch || seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return true;
}
