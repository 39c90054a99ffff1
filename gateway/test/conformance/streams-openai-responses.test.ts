/** Recorded streams of the `openai-responses` wire, for every client. */
import { holdStreams } from './stream-runs.ts';

holdStreams((dialect) => dialect.id === 'openai-responses');
