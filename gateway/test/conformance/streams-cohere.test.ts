/** Recorded streams of the `cohere` wire, for every client. One of them has 2,634 events. */
import { holdStreams } from './stream-runs.ts';

holdStreams((dialect) => dialect.id === 'cohere');
