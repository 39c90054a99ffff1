/** What every provider of the Responses API shares. */
import { hasForeignReasoning, withoutForeignReasoning } from '../dialects/openai-responses/foreign-reasoning.ts';
import type { Provider } from './provider.ts';

/** No reasoning that a provider of another protocol sealed: it would be refused. */
export const responsesSeams = {
  needsAmend: hasForeignReasoning,
  amendRequest: withoutForeignReasoning,
} as const satisfies Partial<Provider>;
