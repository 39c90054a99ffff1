/** Recorded streams of the `openai-chat` wire, for every client. */
import { holdStreams } from './stream-runs.ts';

holdStreams((dialect) => dialect.id === 'openai-chat');
