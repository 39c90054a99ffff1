/** Databricks sends usage with every chunk, and answers 400 to reasoning in the history ("Extra inputs are not permitted"). */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, olderTokenLimit, REASONING_HISTORY, seams, withoutHistory } from './amend.ts';
import type { Provider } from './provider.ts';

export const databricks: Provider = {
  id: 'databricks',
  name: 'Databricks',
  dialect: openaiChat,
  envKeys: ['DATABRICKS_TOKEN'],
  doc: 'https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference',
  // Recorded: usage comes unasked, from the first chunk on.
  asksStreamUsage: false,
  ...seams(developerAsSystem, olderTokenLimit, withoutHistory(...REASONING_HISTORY)),
};
