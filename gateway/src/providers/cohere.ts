/** Cohere itself. */
import { cohere as dialect } from '../dialects/cohere.ts';
import { hasForeignSignatures, withoutForeignSignatures } from '../dialects/cohere/foreign.ts';
import type { Provider } from './provider.ts';

/** The seams of any provider of this wire: nobody on it reads what another provider signed. */
export const cohereSeams = {
  needsAmend: hasForeignSignatures,
  amendRequest: withoutForeignSignatures,
} as const satisfies Partial<Provider>;

export const cohere: Provider = {
  id: 'cohere',
  name: 'Cohere',
  dialect,
  baseUrl: 'https://api.cohere.com/v2',
  envKeys: ['COHERE_API_KEY'],
  doc: 'https://docs.cohere.com/reference/chat',
  ...cohereSeams,
};
