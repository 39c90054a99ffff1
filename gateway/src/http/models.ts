/** `GET /v1/models` in the three protocols' forms: OpenAI's with OpenRouter's prices and limits, Anthropic's, and Gemini's. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { NanoUsd, NanoUsdPerMillion } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import { isLimited, maySee } from '../pipeline/key-reach.ts';
import type { ListedModel, Snapshot } from '../routing/snapshot.ts';
import type { KeyRow } from '../store/ports.ts';

export type ModelsForm = 'openai' | 'anthropic' | 'gemini';

/** More than a page of Anthropic's or Gemini's own lists ever has. */
const PAGE_MAX = 1000;

/** All models that the key may use; in Anthropic's and Gemini's form by pages, where the query asks for them. */
export function modelsAnswer(
  snapshot: Snapshot,
  key: KeyRow,
  { form, query }: { readonly form: ModelsForm; readonly query: URLSearchParams },
): Result<JsonRecord, Fault> {
  const models = isLimited(key) ? snapshot.listed.filter((model) => maySee(key, model, snapshot)) : snapshot.listed;
  switch (form) {
    case 'openai':
      return ok({ object: 'list', data: models.map(openaiModel) });
    case 'anthropic':
      return mapped(pageOf(models, query, { size: 'limit', after: 'after_id' }), anthropicPage);
    case 'gemini':
      return mapped(pageOf(models, query, { size: 'pageSize', after: 'pageToken' }), geminiPage);
  }
}

function anthropicPage({ models, hasMore }: Page): JsonRecord {
  const [first_id = null, last_id = null] = [models[0]?.id, models.at(-1)?.id];
  return { data: models.map(anthropicModel), has_more: hasMore, first_id, last_id };
}

/** The name of a page's last model finds the next page. */
function geminiPage({ models, hasMore }: Page): JsonRecord {
  return compact({ models: models.map(geminiModel), nextPageToken: hasMore ? models.at(-1)?.id : undefined });
}

interface Page {
  readonly models: readonly ListedModel[];
  readonly hasMore: boolean;
}

/** What the two protocols call the size of a page, and the place where it begins. */
interface PageWords {
  readonly size: string;
  readonly after: string;
}

function pageOf(models: readonly ListedModel[], query: URLSearchParams, words: PageWords): Result<Page, Fault> {
  const size = Number(query.get(words.size) ?? 0);
  if (!Number.isInteger(size) || size < 0)
    return err(fault('field-invalid', { reason: 'it must be a whole number' }, { param: words.size }));
  const mark = query.get(words.after) ?? '';
  const at = models.findIndex((model) => model.id === mark);
  if (at === -1 && mark !== '')
    return err(fault('field-invalid', { reason: 'no model of the list has this name' }, { param: words.after }));
  // Gemini reads 0 as "as many as you like"; without a word of it, that is all.
  const end = at + 1 + (size === 0 ? models.length : Math.min(size, PAGE_MAX));
  return ok({ models: models.slice(at + 1, end), hasMore: end < models.length });
}

function mapped<T>(result: Result<T, Fault>, change: (value: T) => JsonRecord): Result<JsonRecord, Fault> {
  return result.ok ? ok(change(result.value)) : result;
}

/** One model, by any name that it can be called by; undefined where there is none, or the key may not see it. */
export function modelAnswer(
  snapshot: Snapshot,
  key: KeyRow,
  of: { form: ModelsForm; name: string },
): JsonRecord | undefined {
  const found = listedBy(of.name, snapshot);
  if (found === undefined || !maySee(key, found, snapshot)) return undefined;
  const named = { ...found, id: of.name };
  if (of.form === 'openai') return openaiModel(named);
  return of.form === 'anthropic' ? anthropicModel(named) : geminiModel(named);
}

/** A pin or a suffix means a model of the list, too. */
function listedBy(name: string, snapshot: Snapshot): ListedModel | undefined {
  const { listed } = snapshot;
  const exact = listed.find((model) => model.id === name) ?? listed.find((model) => model.bareName === name);
  if (exact !== undefined) return exact;
  const resolved = snapshot.resolve(name);
  const target = resolved.kind === 'found' ? resolved.policy.tiers[0]?.[0]?.target : undefined;
  // The simulator answers to every name: what it lists stands for them all.
  const id = target?.provider.id === 'simulator' ? 'simulator/auto' : `${target?.providerId}/${target?.model}`;
  return target === undefined ? undefined : listed.find((model) => model.id === id);
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
    supportedGenerationMethods: methodsOf(model),
  });
}

/** Google's names of what a model can be asked; what is not known to be otherwise chats. Its other operations have no name there. */
function methodsOf({ operations }: ListedModel): readonly string[] {
  const chats = operations === undefined || operations.has('chat');
  return [
    ...(chats ? ['generateContent', 'streamGenerateContent', 'countTokens'] : []),
    ...(operations?.has('embeddings') === true ? ['embedContent', 'batchEmbedContents'] : []),
  ];
}
