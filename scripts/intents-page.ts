/** Measures intents on public data and writes docs/reference/intents.md. Some minutes; needs ../shared. `node scripts/intents-page.ts` */
import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import { corpusDir } from '../gateway/test/corpus.ts';
import {
  bankingTrial,
  clincTrial,
  clincWhole,
  measure,
  readRows,
  shippedVectors,
} from '../gateway/test/intents-data.ts';
import type { Measured, Ranking, Trial } from '../gateway/test/intents-data.ts';
import { atOnce } from '../gateway/src/pipeline/turns.ts';
import { fitEncoder } from '../gateway/src/understand/intents/encoder.ts';
import { trainIntents } from '../gateway/src/understand/intents/intents.ts';

const dataDir = corpusDir();
if (dataDir === undefined) throw new Error('../shared/data is not there');
const clinc = readRows(dataDir, 'clinc150-dev.jsonl');
const banking = readRows(dataDir, 'banking77-train.jsonl');
const vectors = shippedVectors();

/** Fewer intents vary more from one draw to the next. */
const DRAWS = new Map([
  [5, 10],
  [20, 5],
  [77, 2],
]);
const SHOTS = [10, 15, 20];
const THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/** Names of the classifiers that are compared, and what each makes of examples. */
const KINDS: readonly (readonly [string, (examples: Trial['examples']) => Ranking])[] = [
  ['nearest centroid', centroids],
  ['without word vectors', (examples) => trainIntents(examples).scores],
  ['as shipped', (examples) => trainIntents(examples, { vectors }).scores],
];

/** What anybody would try first: TF-IDF, and the intent whose mean the prompt is most like. */
function centroids(examples: Trial['examples']): Ranking {
  const rows = Object.entries(examples).flatMap(([name, texts]) => texts.map((text) => ({ name, text })));
  const encoder = atOnce(
    fitEncoder(
      rows.map((row) => row.text),
      undefined,
    ),
  );
  const sums = new Map(Object.keys(examples).map((name) => [name, new Float32Array(encoder.size)]));
  for (const { name, text } of rows) {
    const { indices, values } = encoder.encode(text);
    const sum = sums.get(name);
    if (sum !== undefined)
      for (const [at, index] of indices.entries()) sum[index] = (sum[index] ?? 0) + (values[at] ?? 0);
  }
  const lengths = new Map([...sums].map(([name, sum]) => [name, Math.hypot(...chunkLengths(sum))]));
  return (text) => {
    const { indices, values } = encoder.encode(text);
    const likeness = (name: string, sum: Float32Array): number =>
      indices.reduce((dot, index, at) => dot + (values[at] ?? 0) * (sum[index] ?? 0), 0) / (lengths.get(name) || 1);
    return [...sums]
      .map(([name, sum]) => ({ name, confidence: likeness(name, sum) }))
      .toSorted((a, b) => b.confidence - a.confidence);
  };
}

function chunkLengths(sum: Float32Array): readonly number[] {
  const size = 1000;
  return Array.from({ length: Math.ceil(sum.length / size) }, (_, at) =>
    Math.hypot(...sum.subarray(at * size, (at + 1) * size)),
  );
}

function draw(set: string, intents: number, shots: number): readonly Trial[] {
  const seeds = Array.from({ length: DRAWS.get(intents) ?? 1 }, (_, at) => at + 1);
  return seeds.map((seed) =>
    set === 'CLINC150'
      ? clincTrial(clinc, { intents, shots, seed })
      : bankingTrial(banking, clinc, { intents, shots, seed }),
  );
}

function mean(all: readonly Measured[], of: keyof Measured): number {
  return all.reduce((sum, each) => sum + each[of], 0) / all.length;
}

const percent = (value: number): string => (Number.isNaN(value) ? '–' : (100 * value).toFixed(1));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function whole(): string {
  const trial = clincWhole(clinc);
  const rows = KINDS.map(([name, make]) => {
    const found = measure(make(trial.examples), trial);
    const isShipped = name !== 'nearest centroid';
    const shares = [found.right, found.wrong, found.farRefused].map((value) => (isShipped ? percent(value) : ''));
    return [name, percent(found.accuracy), found.auroc.toFixed(3), ...shares];
  });
  return table(
    ['CLINC150, all 15,000 examples', 'accuracy %', 'AUROC', 'right %', 'wrong %', 'others refused %'],
    rows,
  );
}

function few(): string {
  const rows: (readonly string[])[] = [];
  for (const set of ['CLINC150', 'BANKING77'])
    for (const intents of DRAWS.keys())
      for (const shots of SHOTS) {
        process.stdout.write(`${set} ${intents} x ${shots}\n`);
        const trials = draw(set, intents, shots);
        const [plain = [], bare = [], shipped = []] = KINDS.map(([, make]) =>
          trials.map((trial) => measure(make(trial.examples), trial)),
        );
        rows.push([
          set,
          String(intents),
          String(shots),
          percent(mean(plain, 'accuracy')),
          percent(mean(bare, 'accuracy')),
          percent(mean(shipped, 'accuracy')),
          percent(mean(shipped, 'right')),
          percent(mean(shipped, 'wrong')),
          percent(1 - mean(shipped, 'right') - mean(shipped, 'wrong')),
          percent(mean(shipped, 'nearRefused')),
          percent(mean(shipped, 'farRefused')),
          mean(shipped, 'auroc').toFixed(3),
        ]);
      }
  const head = 'data,intents,examples,centroid,n-grams,shipped,right,wrong,refused,near refused,far refused,AUROC';
  return table(head.split(','), rows);
}

function thresholds(): string {
  const settings = [
    ['CLINC150', 5, 15],
    ['BANKING77', 5, 15],
    ['CLINC150', 20, 15],
    ['BANKING77', 20, 15],
    ['CLINC150', 77, 15],
    ['BANKING77', 77, 15],
  ] as const;
  const models = settings.map(([set, intents, shots]) =>
    draw(set, intents, shots).map((trial) => ({ trial, rank: trainIntents(trial.examples, { vectors }).scores })),
  );
  const rows = THRESHOLDS.map((threshold) => {
    const all = models.map((own) => own.map(({ trial, rank }) => measure(rank, trial, threshold)));
    const over = (of: keyof Measured): string => {
      const means = all.map((own) => mean(own, of)).filter((value) => !Number.isNaN(value));
      return percent(means.reduce((sum, value) => sum + value, 0) / means.length);
    };
    return [threshold.toFixed(1), over('right'), over('wrong'), over('nearRefused'), over('farRefused')];
  });
  return table(['threshold', 'right %', 'wrong %', 'near refused %', 'far refused %'], rows);
}

/** Of the processor, so that what else the machine does counts less. */
function milliseconds(work: () => void): number {
  const before = process.cpuUsage().user;
  work();
  return (process.cpuUsage().user - before) / 1000;
}

function times(): string {
  const row = (name: string, { examples, inside }: Trial): readonly string[] => {
    let model = trainIntents(examples, { vectors });
    const training = milliseconds(() => (model = trainIntents(examples, { vectors })));
    const asking = milliseconds(() => inside.forEach(({ text }) => model.classify(text)));
    const long = inside
      .map(({ text }) => text)
      .join(' ')
      .slice(0, 8192);
    const whole = milliseconds(() => Array.from({ length: 50 }, () => model.classify(long)));
    return [name, training.toFixed(0), (asking / inside.length).toFixed(3), (whole / 50).toFixed(2)];
  };
  return table(
    ['', 'training, ms', 'a prompt, ms', 'a text of 8 KB, ms'],
    [
      row('20 intents with 15 examples', clincTrial(clinc, { intents: 20, shots: 15, seed: 1 })),
      row('77 intents with 20 examples', bankingTrial(banking, clinc, { intents: 77, shots: 20, seed: 1 })),
      row('150 intents with 100 examples', clincWhole(clinc)),
    ],
  );
}

const page = `# Intents

Made by \`scripts/intents-page.ts\`; do not edit.

\`\`\`yaml
intents:
  refund: { examples: [I want my money back, please refund my last order, …] }
  delivery: { examples: [where is my parcel, when does my order arrive, …] }
  other: { examples: [write a poem, what is the capital of France, …] }
\`\`\`

Intents are what your users want, in your own words: 10 to 20 prompts each, as users write them, different from each other. From these a small classifier is trained when the file is read, in less than a second; rules see \`intent\` and \`intent_confidence\`. Where it is unsure it says nothing, and \`intent\` is \`""\`.

- \`turnout check\` says what cannot work: too few examples, one that two intents have, two intents that are confused. It counts how often an example would be taken for another intent had it not been learned.
- An intent for what is none of them (\`other\`) with a few dozen prompts makes refusals surer. One intent alone is never found.
- The same examples give the same model, in whatever order the intents stand, so that a plan can be replayed. A reload that leaves them alone does not train again.
- At most 200 intents with 200 examples each. Of a text longer than 4096 characters the beginning and the end are looked at.
- Any language: the classifier learns words and parts of words in any script, each sign of Chinese, Japanese and Thai. The word vectors know English only; in other languages expect the column \`n-grams\` rather than \`shipped\`. No other language has been measured.

## How

Words, pairs of words and runs of 3 and 4 characters, hashed and weighed by TF-IDF, beside the mean vector of the words (\`word-vectors.bin\`: 5,975 pieces of English words, 64 numbers each, 480 KB, Apache-2.0; origin in NOTICE beside it). Over these a multinomial logistic regression, ten rounds. What an example scores without its own pull on the weights tells, without a test, what a good score is; confidence is measured against half of the median of these scores and against the other intents.

## Measured

On CLINC150 (Larson et al. 2019) and BANKING77 (Casanueva et al. 2020). Every constant was chosen by cross-validation on the published training and validation splits; nothing was tried on their test splits. \`accuracy\`: the likeliest intent is the right one, sure or not. \`right\`, \`wrong\`, \`refused\` add up to all prompts of the intents. \`near\`: prompts of the data set's other intents. \`far\`: CLINC150's prompts of no intent. \`AUROC\`: how well confidence tells prompts of the intents from far ones. \`centroid\`: TF-IDF and the nearest mean, the plain baseline.

${whole()}

Learned on \`train\`, asked on \`val\` and \`oos_val\`.

### Few examples

Intents and examples drawn at random (10, 5 and 2 draws of 5, 20 and 77 intents), in per cent.

${few()}

### The threshold

Mean over both data sets with 5, 20 and 77 intents of 15 examples. The default is 0.5: about seven of ten prompts that are none, but near, are refused, and 19 of 20 that are far. A rule that must be surer says so: \`intent == "refund" && intent_confidence >= 0.7\`.

${thresholds()}

### Time

Milliseconds of ${cpus()[0]?.model.trim() ?? 'the processor'}.

${times()}
`;
writeFileSync(new URL('../docs/reference/intents.md', import.meta.url), page);
