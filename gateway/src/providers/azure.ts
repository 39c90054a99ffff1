/** Azure OpenAI and Azure AI Foundry: OpenAI's wire under three forms of address, with a header of its own for the key. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { openaiSeams, servesCompletions, servesResponses } from './openai.ts';
import type { Provider, UrlParts } from './provider.ts';

/** The version that the recordings of deployments use; a base URL with `?api-version=` wins. */
const DEPLOYMENTS_VERSION = '2024-12-01-preview';
/** The only version of the model inference API (`…/models`). */
const MODELS_VERSION = '2024-05-01-preview';

export const azure: Provider = {
  id: 'azure',
  name: 'Azure OpenAI',
  dialect: openaiChat,
  envKeys: ['AZURE_API_KEY', 'AZURE_OPENAI_API_KEY'],
  doc: 'https://learn.microsoft.com/azure/ai-foundry/openai/latest',
  headers: (secret) => ({ 'content-type': 'application/json', ...(secret === undefined ? {} : { 'api-key': secret }) }),
  url: azureUrl,
  readsApiVersion: true,
  // The model inference API (`…/models`) has chat completions alone.
  alsoSpeaks: {
    'openai-responses': (model, baseUrl) => servesResponses(model) && !/\/models\/*(?:\?|$)/.test(baseUrl),
    'openai-completions': servesCompletions,
  },
  ...openaiSeams,
};

/** The same under the older name of the service. */
export const azureCognitiveServices: Provider = {
  ...azure,
  id: 'azure-cognitive-services',
  name: 'Azure AI Services',
  envKeys: ['AZURE_COGNITIVE_SERVICES_API_KEY'],
};

/**
 * The address of a call: `…/openai/v1` and `…/models` as they stand, else a deployment named as the model is.
 * The deployment's name is one step of the path, whatever it holds.
 */
export function azureUrl({ baseUrl, path, model }: Pick<UrlParts, 'baseUrl' | 'path' | 'model'>): string {
  const [base = '', query] = baseUrl.split('?', 2);
  const root = base.replace(/\/+$/, '');
  if (root.endsWith('/openai/v1')) return `${root}${path}${query === undefined ? '' : `?${query}`}`;
  // Responses name the model in the body: there is one address for all, and since `v1` no version in it.
  if (path.startsWith('/responses'))
    return `${root.replace(/\/openai(?:\/deployments(?:\/[^/]+)?)?$/, '')}/openai/v1${path}`;
  if (root.endsWith('/models')) return `${root}${path}?${query ?? `api-version=${MODELS_VERSION}`}`;
  const version = query ?? `api-version=${DEPLOYMENTS_VERSION}`;
  if (/\/openai\/deployments\/[^/]+$/.test(root)) return `${root}${path}?${version}`;
  return `${root.replace(/\/openai(?:\/deployments)?$/, '')}/openai/deployments/${encodeURIComponent(model)}${path}?${version}`;
}
