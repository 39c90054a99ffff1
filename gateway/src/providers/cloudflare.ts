/** Cloudflare: models of its own (Workers AI), and a gateway before others' whose key is not the provider's key. */
import { openaiChat } from '../dialects/openai-chat.ts';
import type { Provider } from './provider.ts';

export const cloudflareWorkers: Provider = {
  id: 'cloudflare-workers-ai',
  name: 'Cloudflare Workers AI',
  dialect: openaiChat,
  // Cloudflare's own pages call it so; models.dev has it as CLOUDFLARE_API_KEY.
  envKeys: ['CLOUDFLARE_API_TOKEN'],
  doc: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/',
};

export const cloudflareGateway: Provider = {
  id: 'cloudflare-ai-gateway',
  name: 'Cloudflare AI Gateway',
  dialect: openaiChat,
  envKeys: ['CLOUDFLARE_API_TOKEN', 'CF_AIG_TOKEN'],
  doc: 'https://developers.cloudflare.com/ai-gateway/usage/chat-completion/',
  // `authorization` is for the key of the provider behind it: the operator's own header, where Cloudflare does not keep that key.
  headers: (secret) => ({
    'content-type': 'application/json',
    ...(secret === undefined ? {} : { 'cf-aig-authorization': `Bearer ${secret}` }),
  }),
};
