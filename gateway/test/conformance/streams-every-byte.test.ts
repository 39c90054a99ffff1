/** Sixty recorded streams cut short at every byte, for every client. */
import { holdEveryByte } from './stream-runs.ts';

holdEveryByte();
