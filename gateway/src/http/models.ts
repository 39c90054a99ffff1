/** `GET /v1/models` in the three protocols' forms: OpenAI's with OpenRouter's prices and limits, Anthropic's, and Gemini's. */
import { compact, type JsonRecord } from '../lib/json.ts';
import type { NanoUsd, NanoUsdPerMillion } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { ListedModel, Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';

export type ModelsForm = 'openai' | 'anthropic' | 'gemini';

/** All models that the key may use. */
export function modelsAnswer(snapshot: Snapshot, key: KeyRow, form: ModelsForm): JsonRecord {
  const models = snapshot.listed.filter((model) => snapshot.isVisible(model.id, key.allowedModels));
  switch (form) {
    case 'openai':
      return { object: 'list', data: models.map(openaiModel) };
    case 'anthropic':
      return {
        data: models.map(anthropicModel),
        has_more: false,
        first_id: models[0]?.id ?? null,
        last_id: models.at(-1)?.id ?? null,
      };
    case 'gemini':
      return { models: models.map(geminiModel) };
  }
}

/** One model; undefined where there is none of that name, or the key may not see it. */
export function modelAnswer(
  snapshot: Snapshot,
  key: KeyRow,
  of: { form: ModelsForm; name: string },
): JsonRecord | undefined {
  const found =
    snapshot.listed.find((model) => model.id === of.name) ??
    snapshot.listed.find((model) => model.bareName === of.name);
  if (found === undefined || !snapshot.isVisible(found.id, key.allowedModels)) return undefined;
  const named = { ...found, id: of.name };
  if (of.form === 'openai') return openaiModel(named);
  return of.form === 'anthropic' ? anthropicModel(named) : geminiModel(named);
}

function openaiModel(model: ListedModel): JsonRecord {
  return compact({
    id: model.id,
    object: 'model',
    created: model.createdS,
    owned_by: model.ownedBy,
    name: model.title,
    context_length: model.limits.contextTokens,
    pricing: model.price === undefined ? undefined : pricing(model.price),
    architecture: { input_modalities: model.inputs, output_modalities: model.outputs },
    top_provider: compact({
      context_length: model.limits.contextTokens,
      max_completion_tokens: model.limits.outputTokens,
    }),
    supported_parameters: model.abilities.length === 0 ? undefined : model.abilities,
    status: model.status,
  });
}

/** OpenRouter's form: USD a token, as decimal text. */
function pricing(price: NonNullable<ListedModel['price']>): JsonRecord {
  return compact({
    prompt: perToken(price.input),
    completion: perToken(price.output),
    input_cache_read: perToken(price.cacheRead),
    input_cache_write: perToken(price.cacheWrite),
    internal_reasoning: perToken(price.reasoning),
    request: perPiece(price.request),
    image: perPiece(price.units?.image),
    second: perPiece(price.units?.second),
    character: perPiece(price.units?.character),
    search: perPiece(price.units?.search),
  });
}

function perPiece(price: NanoUsd | undefined): string | undefined {
  return price === undefined ? undefined : formatUsd(price);
}

/** Nano-dollars a million tokens are 10^-15 dollars a token; written out in full, without a float. */
function perToken(rate: NanoUsdPerMillion | undefined): string | undefined {
  if (rate === undefined) return undefined;
  const digits = rate.toString().padStart(16, '0');
  const text = `${digits.slice(0, -15)}.${digits.slice(-15)}`;
  return text.replace(/\.?0+$/, '');
}

function anthropicModel(model: ListedModel): JsonRecord {
  return {
    type: 'model',
    id: model.id,
    display_name: model.title,
    created_at: new Date(model.createdS * 1000).toISOString(),
  };
}

function geminiModel(model: ListedModel): JsonRecord {
  return compact({
    name: `models/${model.id}`,
    displayName: model.title,
    inputTokenLimit: model.limits.inputTokens ?? model.limits.contextTokens,
    outputTokenLimit: model.limits.outputTokens,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  });
}
