/** Snowflake's Cortex: OpenAI's wire for all models, Anthropic's for Claude, at an address of the account's own. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { renamedField, seams, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

export const snowflake: Provider = {
  id: 'snowflake-cortex',
  name: 'Snowflake Cortex',
  dialect: openaiChat,
  envKeys: ['SNOWFLAKE_CORTEX_PAT'],
  doc: 'https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api',
  // Both wires take a programmatic access token as a bearer, also where Anthropic's clients send `x-api-key`.
  headers: (secret) => ({
    'content-type': 'application/json',
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  }),
  alsoSpeaks: { 'anthropic-messages': (model) => model.startsWith('claude-') },
  ...seams(renamedField('max_tokens', 'max_completion_tokens'), withoutDetails),
};
