/** What becomes of every recorded exchange: the suite that replays it through a real gateway, or why none does. */
import { isAside } from './asides.ts';
import { readOperations } from './operation-recordings.ts';
import { isSpoken, type IndexRow } from './recordings.ts';

/** Chats that no client can ask, by id, and why. `replay.test.ts` holds that they are all that it leaves out. */
export const NEVER_ASKED: Readonly<Record<string, string>> = {
  'openai-60b707be172f': 'work in the background is not offered',
  'openai-8759df9e61c1': 'work in the background is not offered',
};

interface Share {
  readonly name: string;
  readonly takes: (row: IndexRow) => boolean;
}

export interface Shares {
  /** The suites that replay, each with the choice by which it takes its rows. */
  readonly suites: readonly Share[];
  /** Why a row is replayed by none. */
  readonly leftOut: readonly Share[];
}

export function sharesOf(corpus: string): Shares {
  const operations = readOperations(corpus);
  const own = new Set(operations.recordings.map(({ id }) => id));
  return {
    suites: [
      { name: 'replay', takes: (row) => isSpoken(row) && NEVER_ASKED[row.id] === undefined },
      { name: 'operations-replay', takes: ({ id }) => own.has(id) },
      { name: 'asides-replay', takes: isAside },
    ],
    leftOut: [...named(NEVER_ASKED), ...named(operations.leftOut), ...OTHERS],
  };
}

function named(reasons: Readonly<Record<string, string>>): readonly Share[] {
  return [...new Set(Object.values(reasons))].map((name) => ({ name, takes: ({ id }) => reasons[id] === name }));
}

const OTHERS: readonly Share[] = [
  {
    name: "Google's Interactions API is a wire of its own, which neither clients nor providers are asked in here",
    takes: ({ wire }) => wire === 'gemini-interactions',
  },
  { name: 'reading documents (OCR) is no operation here', takes: ({ wire }) => wire === 'mistral-ocr' },
  {
    name: "an older address of Hugging Face's, a model a path, that is not found any more",
    takes: ({ wire, provider }) => wire === 'models' && provider === 'huggingface',
  },
  {
    name: 'a list or a page of models: the gateway lists its own catalog, and asks only servers on this machine',
    takes: (row) => row.wire === 'models' && row.provider !== 'huggingface' && !isAside(row),
  },
  {
    name: "Mistral's completions (filling in the middle, agents) are wires of their own; and one page of what was used",
    takes: (row) => row.wire === 'openai-completions' && !isSpoken(row),
  },
];
