/** The operator's intents, trained when the configuration is read: once for the same examples, whatever else of it changes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import { atOnce, inTurns } from '../pipeline/turns.ts';
import { trainingSteps } from '../understand/intents/intents.ts';
import type { IntentExamples, IntentModel } from '../understand/intents/intents.ts';
import { parseWordVectors } from '../understand/intents/word-vectors.ts';
import { EMBEDDED_WORD_VECTORS } from './embedded.ts';

const SHIPPED = fileURLToPath(new URL('../understand/intents/word-vectors.bin', import.meta.url));

type Intents = Config['intents'];

/** Keeps the model of the intents it was last asked for. */
export interface IntentTrainer {
  /** Lets other work go first every few milliseconds. Undefined where the configuration has no intents. */
  readonly train: (intents: Intents) => Promise<IntentModel | undefined>;
  /** For commands that have nothing else to do. */
  readonly trainNow: (intents: Intents) => IntentModel | undefined;
}

export function intentTrainer(): IntentTrainer {
  let kept: { readonly of: string; readonly model: IntentModel } | undefined;
  /** The word vectors are read only where there are intents: half a megabyte that most gateways never need. */
  function steps(examples: IntentExamples): Generator<undefined, IntentModel> {
    const bytes =
      EMBEDDED_WORD_VECTORS === undefined ? readFileSync(SHIPPED) : Buffer.from(EMBEDDED_WORD_VECTORS, 'base64');
    const vectors = parseWordVectors(bytes);
    return trainingSteps(examples, vectors === undefined ? {} : { vectors });
  }
  function keep(of: string, model: IntentModel): IntentModel {
    kept = { of, model };
    return model;
  }
  return {
    async train(intents) {
      const of = JSON.stringify(intents);
      if (kept?.of === of) return kept.model;
      return of === '{}' ? undefined : keep(of, await inTurns(steps(examplesOf(intents))));
    },
    trainNow(intents) {
      const of = JSON.stringify(intents);
      if (kept?.of === of) return kept.model;
      return of === '{}' ? undefined : keep(of, atOnce(steps(examplesOf(intents))));
    },
  };
}

function examplesOf(intents: Intents): IntentExamples {
  return Object.fromEntries(Object.entries(intents).map(([name, { examples }]) => [name, examples]));
}
