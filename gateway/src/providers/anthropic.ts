/** Anthropic itself, and what every provider of its wire shares. */
import { anthropicMessages } from '../dialects/anthropic-messages.ts';
import { hasForeignThinking, withoutForeignThinking } from '../dialects/anthropic-messages/foreign-thinking.ts';
import type { Provider } from './provider.ts';
import { urlWithoutV1 } from './url.ts';

const CLAUDE = { refusesUnsigned: true } as const;
const OTHERS = { refusesUnsigned: false } as const;

/** The seams of any provider of this wire: its base with or without `/v1`, and no thinking that another provider signed. */
export const anthropicSeams = {
  url: urlWithoutV1,
  needsAmend: (body) => hasForeignThinking(body, OTHERS),
  amendRequest: (body) => withoutForeignThinking(body, OTHERS),
} as const satisfies Partial<Provider>;

export const anthropic: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  dialect: anthropicMessages,
  baseUrl: 'https://api.anthropic.com',
  envKeys: ['ANTHROPIC_API_KEY'],
  doc: 'https://platform.claude.com/docs/en/api/overview',
  // platform.claude.com/docs/en/build-with-claude/batch-processing: "All usage is charged at 50% of the standard API prices".
  batches: { form: 'anthropic', pricePercent: 50n, paths: ['/v1/messages'] },
  url: urlWithoutV1,
  needsAmend: (body) => hasForeignThinking(body, CLAUDE),
  amendRequest: (body) => withoutForeignThinking(body, CLAUDE),
};
