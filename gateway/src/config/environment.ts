/** References to the environment inside texts: `${NAME}`, `${NAME:-default}`, and `$${` for a plain `${`. */

/** Longest text after filling in: nothing in a configuration is longer, and a loop of defaults cannot fill the memory. */
const EXPANDED_LENGTH_MAX = 64 * 1024;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  readonly text: string;
  /** Whether anything came from the environment, or would have. */
  readonly hasReference: boolean;
  readonly problems: readonly ExpansionProblem[];
}

export interface ExpansionProblem {
  /** The reference as it is written, as far as it can be shown: never a default, which may be a secret. */
  readonly reference: string;
  /** What is wrong, after the path of the field. */
  readonly message: string;
}

/**
 * Fills in the references of one text, once: what comes from the environment is not read again. A variable that is set but
 * empty counts as missing (as in the shell's `:-`), so that an empty key is found at the start and not at the first request.
 */
export function expand(text: string, env: Environment): Expansion {
  if (!text.includes('${')) return { text, hasReference: false, problems: [] };
  const problems: ExpansionProblem[] = [];
  let filled = '';
  let hasReference = false;
  let at = 0;
  for (let open = text.indexOf('${'); open !== -1; open = text.indexOf('${', at)) {
    if (text[open - 1] === '$' && open > at) {
      filled += text.slice(at, open - 1) + '${';
      at = open + 2;
      continue;
    }
    const close = text.indexOf('}', open);
    const inner = text.slice(open + 2, close === -1 ? undefined : close);
    const value = close === -1 ? unclosed() : lookUp(inner, env);
    hasReference = true;
    if (typeof value !== 'string') problems.push(value);
    filled += text.slice(at, open) + (typeof value === 'string' ? value : '');
    at = close === -1 ? text.length : close + 1;
  }
  filled += text.slice(at);
  if (filled.length > EXPANDED_LENGTH_MAX) {
    problems.push({ reference: '${', message: `is longer than ${EXPANDED_LENGTH_MAX} characters once filled in` });
  }
  return { text: filled, hasReference, problems };
}

function unclosed(): ExpansionProblem {
  return { reference: '${', message: 'has a `${` without its `}`; write `$${` for the characters themselves' };
}

function lookUp(inner: string, env: Environment): string | ExpansionProblem {
  const mark = inner.indexOf(':-');
  const name = mark === -1 ? inner : inner.slice(0, mark);
  if (!NAME.test(name)) {
    const message =
      'has a reference that is not `${NAME}` or `${NAME:-default}`; write `$${` for the characters themselves';
    return { reference: '${', message };
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && value !== '') return value;
  if (mark !== -1) return inner.slice(mark + 2);
  const state = value === '' ? 'is set but empty' : 'is not set';
  return {
    reference: `\${${name}`,
    message: `needs the environment variable ${name}, which ${state}; set it, or give a default: \`\${${name}:-…}\``,
  };
}
