/** Recorded streams of all wires that have no file of their own, for every client. */
import { holdStreams } from './stream-runs.ts';

/** `streams-NAME.test.ts` */
const ALONE: ReadonlySet<string> = new Set(['openai-chat', 'openai-responses', 'cohere']);

holdStreams((dialect) => !ALONE.has(dialect.id));
