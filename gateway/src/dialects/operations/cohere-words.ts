/** Cohere's errors (docs.cohere.com/reference/errors): an id and a message, and nothing else. */
import type { Dialect } from '../dialect.ts';

export const cohereWords: Pick<Dialect, 'encodeFault'> = {
  encodeFault: (of, { requestId }) => ({ id: requestId, message: of.message }),
};
