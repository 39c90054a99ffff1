/** What every provider of the Responses API shares. */
import { hasForeignReasoning, withoutForeignReasoning } from '../dialects/openai-responses/foreign-reasoning.ts';
import type { Sealer } from '../dialects/openai-responses/seals.ts';
import type { Provider } from './provider.ts';

/** By catalog id: how a provider seals reasoning, where it was recorded. */
const SEALERS: ReadonlyMap<string, Sealer> = new Map<string, Sealer>([
  ['openai', 'openai'],
  ['azure', 'openai'],
  ['azure-cognitive-services', 'openai'],
  ['xai', 'xai'],
  ['amazon-bedrock', 'amazon'],
  ['deepseek', 'deepseek'],
  ['openrouter', 'openrouter'],
]);

/** No reasoning that another provider sealed, of another protocol or of this one: it would be refused. */
export function responsesSeams(id: string): Required<Pick<Provider, 'needsAmend' | 'amendRequest'>> {
  const host = SEALERS.get(id);
  return {
    needsAmend: (body) => hasForeignReasoning(body, host),
    amendRequest: (body) => withoutForeignReasoning(body, host),
  };
}
