/** Finds the JSON in what a model wrote around it: words before it, code fences, words behind it. */

export interface JsonText {
  /** What may be handed on: nothing but JSON, as far as it has come. */
  push(text: string): string;
  /** Nothing more comes: what was kept back because no JSON had begun. */
  end(): string;
}

const OPENER = /[[{]/;
/** Begins and ends a code block of Markdown. */
const FENCE = /^\s*```\w*\s*\n([\s\S]*?)\n?\s*```\s*$/;

/**
 * Text goes on from the first bracket to the one that closes it, whichever it is: what is no object where one was asked for is
 * for the check to say. Where a value may be neither object nor list, all is kept back to the end, and only a fence is taken off.
 */
export function jsonText(isBracketed: boolean): JsonText {
  let held = '';
  let depth = 0;
  let isInside = false;
  let isOver = false;
  let isString = false;
  let isEscaped = false;

  /** Where the value ends in `text`; its length where it goes on. */
  function endIn(text: string): number {
    for (let index = 0; index < text.length; index += 1) {
      step(text[index] ?? '');
      if (depth === 0) return index + 1;
    }
    return text.length;
  }

  function step(character: string): void {
    if (isEscaped) isEscaped = false;
    else if (isString && character === '\\') isEscaped = true;
    else if (character === '"') isString = !isString;
    else if (isString) return;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
  }

  function inside(text: string): string {
    const end = endIn(text);
    isOver = depth === 0;
    return text.slice(0, end);
  }

  return {
    push(text) {
      if (isOver) return '';
      if (isInside) return inside(text);
      const from = held.length;
      held += text;
      // A bracket in what was looked through before would have been found there.
      const at = isBracketed ? text.search(OPENER) : -1;
      if (at === -1) return '';
      const begun = held.slice(from + at);
      isInside = true;
      held = '';
      return inside(begun);
    },
    end() {
      const rest = held;
      held = '';
      return (FENCE.exec(rest)?.[1] ?? rest).trim();
    },
  };
}
