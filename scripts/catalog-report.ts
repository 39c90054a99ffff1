/** The page docs/reference/catalog-disagreements.md: where the price lists disagree, what was not believed, what was added. */
import type { Catalog, CatalogModel } from '../gateway/src/catalog/catalog.ts';
import type { OddityKind, PriceOddity } from '../gateway/src/catalog/cost-reading.ts';
import type { CrossCheck } from './catalog-check.ts';
import { PIECE_TABLES } from './catalog-pieces.ts';
import { RETIREMENT_SOURCES } from './catalog-sources.ts';

export interface ReportInput {
  readonly catalog: Catalog;
  readonly check: CrossCheck;
  readonly oddities: readonly PriceOddity[];
  readonly asOf: string;
}

const ODDITIES: Readonly<Record<OddityKind, string>> = {
  'zero-price':
    "Input and output are 0 at a provider that is paid: nobody filled the price in. The price is **unknown**. A zero is a price only on the user's own machine (LM Studio, Atomic Chat), where a flat fee pays (coding and token plans, GitLab Duo, Kimi For Coding), where the provider gives it away (GitHub Models, iFlow, Llama API, ModelScope, NVIDIA, and names that end in `free`), and for the four models that Z.ai lists as free.",
  'zero-output':
    'Only one of input and output is 0, and the model does write (or is billed by the image or second). The price is **unknown**, because half a price would bill half. Embedding, rerank and transcription models keep their output price of 0: they are billed no output tokens.',
  'zero-class':
    'A class beside plain input and output is 0 although input is paid. It is left out, so that its tokens cost what plain input or output costs. A write into a cache "for 0" means: no more than the input it is.',
  'cache-read-above-input':
    'Reading from the cache would cost more than not having one. Left out; the tokens cost plain input.',
  'cache-write-below-input':
    'Writing a token into a cache is reading it first, so it cannot cost less than input: these are storage prices, or slips. Left out, unless the second list has the same or a believable price.',
  'not-a-price': 'Not a number of dollars. Left out.',
  'unknown-tier': 'A tier by something else than the length of the context, or one without a price. Left out.',
};

/** The whole page. The same input gives the same text. */
export function formatReport(input: ReportInput): string {
  return `${[
    head(input),
    disagreements(input.check),
    oddities(input.oddities),
    filled(input.check),
    added(input.check),
    retirements(input.catalog),
  ].join('\n\n')}\n`;
}

function head({ catalog, check, asOf }: ReportInput): string {
  const zero = all(catalog).filter((model) => model.free !== undefined).length;
  const theirs = check.disagreements.filter((row) => row.taken !== 'models.dev').length;
  return `# Where the price lists disagree

Made by \`npm run generate\`; do not edit. Sources: models.dev, commit ${catalog.source.commit ?? 'unknown'} of ${catalog.source.asOf ?? 'unknown'};
\`@pydantic/genai-prices\` 0.1.8 (2026-09-23), its prices as they hold on ${asOf}. All prices are US dollars a million tokens.

The catalog has ${catalog.providers.length} providers and ${catalog.modelCount} models; ${catalog.pricedCount} have a price, ${zero} of these rightly a price of zero.
The lists agree on ${check.agreed} prices and disagree on ${check.disagreements.length}; ${theirs} of these were decided against models.dev.

Who wins: a ruling by hand, with its reason; else the newer of two dated prices; else models.dev, because its rows say when
they were looked at and most of genai-prices' do not. A row in your own configuration wins over all of them.

Pictures, seconds of sound, characters and searches have prices of their own where the provider names one. Not in these prices: image and video tokens. Where thinking turns all output dearer (Alibaba's
Qwen), only the reasoning tokens are billed at the dearer price, because that is what the reply tells apart. Prices that
depend on the hour (DeepSeek) are taken at their dearest.`;
}

function disagreements(check: CrossCheck): string {
  const rows = check.disagreements.map(
    (row) =>
      `| ${code(row.model)} | ${row.field} | ${row.modelsDev} | ${row.genai} | ${row.value} | ${row.taken} | ${row.why} |`,
  );
  return `## Prices on which they disagree

| model | field | models.dev | genai-prices | taken | from | why |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}`;
}

function oddities(list: readonly PriceOddity[]): string {
  const kinds = Object.keys(ODDITIES).filter((kind): kind is OddityKind => kind in ODDITIES);
  const parts = kinds.flatMap((kind) => {
    const rows = list.filter((oddity) => oddity.kind === kind);
    if (rows.length === 0) return [];
    const byProvider = Map.groupBy(rows, (oddity) => oddity.provider);
    const lines = [...byProvider].map(([provider, own]) => {
      const names = own.map((row) =>
        kind.startsWith('zero') ? code(row.model) : `${code(row.model)} (${unquoted(row.value)})`,
      );
      return `- **${provider}**: ${[...new Set(names)].join(', ')}`;
    });
    return [`### ${kind}: ${rows.length}\n\n${ODDITIES[kind]}\n\n${lines.join('\n')}`];
  });
  return `## Prices of models.dev that were not believed\n\n${parts.join('\n\n')}`;
}

function filled(check: CrossCheck): string {
  const groups = Map.groupBy(check.filled, (row) => row.fields.join(', '));
  const lines = [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([fields, rows]) => `- **${fields}**: ${rows.map((row) => code(row.model)).join(', ')}`);
  return `## Prices that only genai-prices has

For models that models.dev has: all prices where it has none, single classes where both agree on input and output.

${lines.join('\n')}`;
}

function added(check: CrossCheck): string {
  const of = (source: string): string =>
    check.added
      .filter((row) => row.source === source)
      .map((row) => code(row.model))
      .join(', ');
  return `## Models that models.dev does not have yet

Their abilities are not known, so no rule leaves them out for one.

- **priced by genai-prices**: ${of('genai-prices')}
- **named by the provider's own SDK, price unknown**: ${of('sdk')}
- **as last known, to be checked against the pages below**: ${of('provider')}

${PIECE_TABLES.map((table) => `- ${table.provider}: ${table.source}`).join('\n')}

Dated versions that genai-prices or OpenAI's SDK lists, at the price of the model: ${check.versions.map((row) => code(row.model)).join(', ')}`;
}

function retirements(catalog: Catalog): string {
  const rows = all(catalog)
    .filter((model) => model.retiresOn !== undefined)
    .toSorted((a, b) => ((a.retiresOn ?? '') < (b.retiresOn ?? '') ? -1 : 1))
    .map(
      (model) =>
        `| ${model.retiresOn} | ${code(`${model.provider}/${model.id}`)} | ${model.successor === undefined ? '' : code(model.successor)} |`,
    );
  const sources = Object.entries(RETIREMENT_SOURCES).map(([provider, source]) => `- **${provider}**: ${source}`);
  return `## Retirements

The first day on which a model no longer answers, as its provider announced it for its own platform.

${sources.join('\n')}

| retires on | model | successor |
| --- | --- | --- |
${rows.join('\n')}`;
}

function all(catalog: Catalog): readonly CatalogModel[] {
  return catalog.providers.flatMap((provider) => provider.models);
}

function code(name: string): string {
  return `\`${name}\``;
}

function unquoted(value: string): string {
  return value.replaceAll('"', '');
}
