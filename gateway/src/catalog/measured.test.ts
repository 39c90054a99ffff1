/** The published figures are sound, and a model finds its own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseJson } from '../lib/json.ts';
import { parseCatalog } from './catalog.ts';
import { FIGURE_SOURCES, MEASURED_MODELS, measuredModel } from './measured.ts';

describe('the published figures', () => {
  it('have a source with a title, an address and a day', () => {
    for (const { name, figures } of MEASURED_MODELS) {
      assert.ok(figures.length > 0, `${name} has no figure`);
      for (const { benchmark, source } of figures) {
        const which = `${name}, ${benchmark.id}`;
        assert.ok(source.title.length > 5, which);
        assert.equal(new URL(source.url).protocol, 'https:', which);
        assert.match(source.asOf, /^20\d\d-\d\d(?:-\d\d)?$/, which);
      }
    }
  });

  it('lie where their benchmark can put them', () => {
    for (const { name, figures } of MEASURED_MODELS) {
      for (const { benchmark, value } of figures) {
        const [least, most] = { percent: [0, 100], rating: [900, 1700], score: [-5, 5] }[benchmark.scale];
        assert.ok(
          least !== undefined && most !== undefined && value >= least && value <= most,
          `${name}: ${benchmark.id} ${value}`,
        );
      }
    }
  });

  it('are given once for a model and a benchmark, by sources that are all used', () => {
    const used = new Set(MEASURED_MODELS.flatMap(({ figures }) => figures.map(({ source }) => source)));
    assert.equal(used.size, FIGURE_SOURCES.length);
    for (const { name, figures } of MEASURED_MODELS)
      assert.equal(new Set(figures.map(({ benchmark }) => benchmark.id)).size, figures.length, name);
  });

  it('cover the large makers’ models of the catalog', () => {
    const text = readFileSync(new URL('catalog.generated.json', import.meta.url), 'utf8');
    const catalog = parseCatalog(parseJson(text));
    const models = catalog.providers.flatMap((provider) => provider.models);
    const measured = new Set(models.flatMap((model) => measuredModel(model)?.name ?? []));
    assert.ok(measured.size >= 150, `${measured.size} models`);
    assert.ok(models.filter((model) => measuredModel(model) !== undefined).length > 3000);
  });
});

describe('measuredModel', () => {
  const KNOWN: readonly (readonly [id: string, name: string])[] = [
    ['gpt-5', 'openai/gpt-5'],
    ['openai/gpt-5.2', 'openai/gpt-5.2'],
    ['gpt-5-mini-2025-08-07', 'openai/gpt-5-mini'],
    ['databricks-gpt-5-2', 'openai/gpt-5.2'],
    ['us.anthropic.claude-opus-4-5-20251101-v1:0', 'anthropic/claude-opus-4-5'],
    ['claude-sonnet-4-5@20250929', 'anthropic/claude-sonnet-4-5'],
    ['anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4-5'],
    ['claude-3-5-haiku-latest', 'anthropic/claude-3-5-haiku-20241022'],
    ['meta-llama/Llama-3.3-70B-Instruct', 'meta/llama-3.3-70b-instruct'],
    ['openai.gpt-oss-120b-1:0', 'openai/gpt-oss-120b'],
    ['Qwen/Qwen3.5-397B-A17B-FP8', 'alibaba/qwen3.5-397b-a17b'],
    ['google/gemma-4-31b-it:free', 'google/gemma-4-31b-it'],
    ['kimi-k2-0905-preview', 'moonshotai/kimi-k2-0905'],
    ['moonshotai/Kimi-K2-Thinking', 'moonshotai/kimi-k2-thinking'],
  ];
  for (const [id, name] of KNOWN) it(`takes ${id} for ${name}`, () => assert.equal(measuredModel({ id })?.name, name));

  const UNKNOWN = [
    'nobody',
    '',
    'gpt',
    'gpt-5-turbo',
    'gemini-3-pro-image-preview',
    'gemini-2.5-flash-preview-tts',
    'deepseek-r1-distill-qwen-32b',
    'o1-preview',
    'phi-4-reasoning',
    'text-embedding-3-small',
  ];
  for (const id of UNKNOWN)
    it(`takes ${JSON.stringify(id)} for none`, () => assert.equal(measuredModel({ id }), undefined));

  it('goes by the provider’s name before the maker’s, which some sources get wrong', () => {
    const names = { id: 'databricks-claude-sonnet-4', base: 'anthropic/claude-sonnet-4-5' };
    assert.equal(measuredModel(names)?.name, 'anthropic/claude-sonnet-4-0');
    assert.equal(measuredModel({ ...names, id: 'house-best' })?.name, 'anthropic/claude-sonnet-4-5');
    assert.equal(measuredModel({ id: 'deepseek-r1-distill-qwen-32b', base: 'deepseek/deepseek-r1' }), undefined);
  });
});
