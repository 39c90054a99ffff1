/** Joins a text with another that goes on from it, and may begin by repeating its last words. Pieces in, pieces out. */

/** Repetitions are looked for in so much of the text before, in UTF-16 code units: a few sentences. */
const OVERLAP_MAX = 400;
/** A shorter repetition counts only if it begins with a word of the text, and not with the space before it: "bye bye" is no mistake. */
const CHANCE_MAX = 12;
/** Two letters alike are nothing. */
const OVERLAP_MIN = 3;

export interface SeamOptions {
  /** The text before. */
  readonly said: string;
  /** The shortest repetition that is taken for one. Default 3. */
  readonly overlapMin?: number;
  /** The other side was told the text without the space at its end, and may say that again. */
  readonly isTrimmed?: boolean;
}

export interface Seam {
  /** What of the piece is new, as soon as that is known; what may be a repetition is kept back. */
  push(piece: string): string;
  /** Nothing more comes: what was kept back. */
  end(): string;
}

export function createSeam(options: SeamOptions): Seam {
  const tail = options.said.slice(-OVERLAP_MAX);
  let kept = '';
  let isJoined = false;

  function join(): string {
    isJoined = true;
    return kept.slice(overlapOf(tail, kept, options));
  }

  return {
    push(piece) {
      if (isJoined) return piece;
      kept += piece;
      return isOpen(tail, kept) ? '' : join();
    },
    end: () => (isJoined ? '' : join()),
  };
}

/** Whether more of `head` could make a longer repetition: it stands somewhere in `tail`, and not only at its end. */
function isOpen(tail: string, head: string): boolean {
  return head.length < tail.length && tail.lastIndexOf(head, tail.length - head.length - 1) !== -1;
}

/** How much of `head` repeats the end of `tail`: the longest that counts. */
function overlapOf(tail: string, head: string, { overlapMin = OVERLAP_MIN, isTrimmed = false }: SeamOptions): number {
  for (let length = Math.min(tail.length, head.length); length >= overlapMin; length -= 1) {
    if (tail.endsWith(head.slice(0, length)) && isRepetition(tail, length)) return length;
  }
  return isTrimmed ? spaceInCommon(tail, head) : 0;
}

function isRepetition(tail: string, length: number): boolean {
  const repeated = tail.slice(-length);
  if (!/[\p{L}\p{N}]/u.test(repeated)) return false;
  if (length >= CHANCE_MAX) return true;
  const before = tail.at(-length - 1) ?? ' ';
  return /^[\p{L}\p{N}]/u.test(repeated) && !/[\p{L}\p{N}]/u.test(before);
}

function spaceInCommon(tail: string, head: string): number {
  const space = /\s*$/.exec(tail)?.[0] ?? '';
  let length = 0;
  while (length < space.length && space[length] === head[length]) length += 1;
  return length;
}
