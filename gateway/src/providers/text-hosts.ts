/** Hosts of open models that serve each of them both as a chat and as the text model it is underneath. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { openaiCompletions } from '../dialects/openai-completions.ts';
import { compact } from '../lib/json.ts';
import { unsealed } from './amend.ts';
import type { Provider } from './provider.ts';
import { together } from './together.ts';

/** Recorded: usage comes with the last piece, asked for or not. */
export const togetherText: Provider = textOf(together);

export const fireworks: Provider = {
  id: 'fireworks-ai',
  name: 'Fireworks AI',
  dialect: openaiChat,
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  envKeys: ['FIREWORKS_API_KEY'],
  alsoSpeaks: { 'openai-completions': () => true },
  doc: 'https://docs.fireworks.ai/api-reference/post-completions',
  ...unsealed,
};

/** Documented: usage comes with the last piece. */
export const fireworksText: Provider = textOf(fireworks);

/** The same host over the wire of its text completions. */
function textOf({ id, name, baseUrl, envKeys, doc }: Provider): Provider {
  return { ...compact({ id, name, baseUrl, envKeys, doc }), dialect: openaiCompletions, asksStreamUsage: false };
}
