/** The page docs/reference/quality.md: every score, every figure behind it, every source. */
import { QUALITY_TASKS } from '../gateway/src/catalog/benchmarks.ts';
import { FIGURE_SOURCES, MEASURED_MODELS } from '../gateway/src/catalog/measured.ts';
import type { Figure } from '../gateway/src/catalog/measured.ts';
import { published } from '../gateway/src/catalog/quality.ts';

/** The whole page. The same figures give the same text. */
export function qualityPage(): string {
  return `${[intro(), scores(), benchmarks(), figures(), sources()].join('\n\n')}\n`;
}

function intro(): string {
  const count = MEASURED_MODELS.reduce((sum, { figures: own }) => sum + own.length, 0);
  return `# Quality

Made by \`npm run generate\` from \`scripts/quality-figures.ts\`; do not edit. ${MEASURED_MODELS.length} models, ${count} published figures, each with its source.

A score lies between 0 and 1; 0.5 is the average of the models here, old and new. Behind \`±\` stands its standard deviation. A dash: not known, and then it is no number, least of all 0.
Each benchmark is put on one scale of ability by a line over the log odds of its figures (slope, offset and noise below; \`scripts/quality-fit.ts\`), which rises with the figure. A score is the mean of what a model's figures say of the task, by how much each tells and how little noise it has, drawn towards the average where there are few.
Figures are of a model's best setting, mostly its longest thinking. Your own rating (\`models.X.quality\`) stands in their place; what callers say of answers moves either.`;
}

function scores(): string {
  const rows = MEASURED_MODELS.map(({ name, figures: own }) => [
    `\`${name}\``,
    ...QUALITY_TASKS.map((task) => {
      const quality = published(own, task);
      return quality === undefined ? '–' : `${quality.score.toFixed(2)} ±${quality.uncertainty.toFixed(2)}`;
    }),
  ]);
  return `## Scores\n\n${table(['model', ...QUALITY_TASKS], rows)}`;
}

function benchmarks(): string {
  const used = new Map(
    MEASURED_MODELS.flatMap(({ figures: own }) => own.map(({ benchmark }) => [benchmark.id, benchmark] as const)),
  );
  const rows = [...used.values()]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((of) => [
      `\`${of.id}\``,
      of.name,
      of.scale,
      of.slope.toFixed(3),
      of.offset.toFixed(3),
      of.noise.toFixed(3),
      Object.entries(of.tells)
        .map(([task, share]) => `${task} ${share}`)
        .join(', '),
    ]);
  return `## Benchmarks\n\n${table(['id', 'what it is', 'scale', 'slope', 'offset', 'noise', 'tells of'], rows)}`;
}

function figures(): string {
  const lines = MEASURED_MODELS.map(({ name, figures: own }) => `- \`${name}\`: ${own.map(figureText).join(', ')}`);
  return `## Figures\n\nIn brackets the number of the source below.\n\n${lines.join('\n')}`;
}

function figureText({ benchmark, value, source }: Figure): string {
  return `${benchmark.id} ${value} [${FIGURE_SOURCES.indexOf(source) + 1}]`;
}

function sources(): string {
  const lines = FIGURE_SOURCES.map(({ title, url, asOf }, index) => `${index + 1}. ${title} (${asOf}): <${url}>`);
  return `## Sources\n\n${lines.join('\n')}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
