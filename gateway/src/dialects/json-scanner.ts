/** Tells when a JSON object that comes in pieces is complete, without keeping it. */

export interface JsonScanner {
  push(text: string): void;
  /** True once the first object (or list) was closed. */
  isComplete(): boolean;
}

export function jsonScanner(): JsonScanner {
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let isDone = false;

  function see(character: string): void {
    if (inString) {
      if (isEscaped) isEscaped = false;
      else if (character === '\\') isEscaped = true;
      else if (character === '"') inString = false;
      return;
    }
    if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth <= 0) isDone = true;
    }
  }

  return {
    push(text) {
      for (const character of text) {
        if (isDone) return;
        see(character);
      }
    },
    isComplete: () => isDone,
  };
}
