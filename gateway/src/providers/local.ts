/** Servers on one's own machine: no key needed, nothing to pay. Where they are found: catalog/known.ts. */
import { openaiChat } from '../dialects/openai-chat.ts';
import type { Provider } from './provider.ts';

function local(id: string, name: string): Provider {
  // All of them document `/v1/completions` beside the chat.
  const alsoSpeaks = { 'openai-completions': () => true };
  return { id, name, dialect: openaiChat, envKeys: [], isKeyless: true, isFree: true, alsoSpeaks };
}

export const localServers = {
  ollama: local('ollama', 'Ollama'),
  lmstudio: local('lmstudio', 'LM Studio'),
  vllm: local('vllm', 'vLLM'),
  llamacpp: local('llamacpp', 'llama.cpp'),
  /** Our own fake provider. It says in every reply that it is one. */
  simulator: local('simulator', 'Simulator of Turnout'),
} as const satisfies Readonly<Record<string, Provider>>;
