/** What cannot work about an operator's examples, said when they are loaded. */

/** Fewer say too little, and what is found of them is chance. */
const EXAMPLES_MIN = 5;
/** Two intents are confused when this share of their examples is taken for the other's, and at least so many. */
const CONFUSED_SHARE = 0.15;
const CONFUSED_MIN = 3;
/** An example is quoted so far, in characters. */
const QUOTED_MAX = 60;

export interface IntentWarning {
  /** What it is about; absent: all of them. */
  readonly intent?: string;
  /** Goes behind the intent's name: "is confused with `return` in 6 of their 20 examples". */
  readonly message: string;
}

/** An example, and what the model makes of it when it was not learned. */
export interface Trial {
  readonly text: string;
  readonly intent: number;
  readonly guess: number;
  readonly isSure: boolean;
}

/** In the order of the names; what concerns two intents stands at the first of them. */
export function warningsOf(names: readonly string[], trials: readonly Trial[]): readonly IntentWarning[] {
  return [...alone(names), ...tooFew(names, trials), ...shared(names, trials), ...confused(names, trials)];
}

function alone(names: readonly string[]): readonly IntentWarning[] {
  const [intent] = names;
  if (intent === undefined || names.length > 1) return [];
  return [
    {
      intent,
      message: 'stands alone, and is never found: add another, such as `other` with prompts that are something else',
    },
  ];
}

function tooFew(names: readonly string[], trials: readonly Trial[]): readonly IntentWarning[] {
  return names.flatMap((intent, at) => {
    const count = trials.filter((trial) => trial.intent === at).length;
    if (count >= EXAMPLES_MIN) return [];
    return [{ intent, message: `has ${count} different ${count === 1 ? 'example' : 'examples'}: 10 to 20 are needed` }];
  });
}

function shared(names: readonly string[], trials: readonly Trial[]): readonly IntentWarning[] {
  const owners = new Map<string, number>();
  return trials.flatMap(({ text, intent }) => {
    const owner = owners.get(text);
    owners.set(text, owner ?? intent);
    if (owner === undefined) return [];
    const quoted = JSON.stringify(text.slice(0, QUOTED_MAX));
    return [{ intent: names[owner] ?? '', message: `has an example that \`${names[intent]}\` has too: ${quoted}` }];
  });
}

function confused(names: readonly string[], trials: readonly Trial[]): readonly IntentWarning[] {
  const sizes = names.map((_, at) => trials.filter((trial) => trial.intent === at).length);
  const counts = new Map<number, number>();
  for (const { intent, guess } of trials) {
    if (guess === intent) continue;
    const pair = Math.min(intent, guess) * names.length + Math.max(intent, guess);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([pair, count]) => {
      const [first, second] = [Math.floor(pair / names.length), pair % names.length];
      const of = (sizes[first] ?? 0) + (sizes[second] ?? 0);
      if (count < CONFUSED_MIN || count < CONFUSED_SHARE * of) return [];
      const message = `is confused with \`${names[second]}\` in ${count} of their ${of} examples`;
      return [{ intent: names[first] ?? '', message }];
    });
}
