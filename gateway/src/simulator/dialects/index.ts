/** All dialects that can be simulated. A new one is a file like the others and a line here. */
import { anthropicMessages } from './anthropic-messages.ts';
import { cohere } from './cohere.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { bedrockInvoke } from './bedrock-invoke.ts';
import type { Operation, RouteFacts, SimulatedDialect } from './dialect.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiResponses } from './openai-responses.ts';
import { replicate } from './replicate.ts';

/** In the order in which they are asked whether a path is theirs: those that look at more than the path come first. */
export const dialects: readonly SimulatedDialect[] = [
  anthropicMessages,
  gemini,
  cohere,
  ollama,
  bedrockConverse,
  bedrockInvoke,
  openaiChat,
  openaiCompletions,
  openaiResponses,
  replicate,
];

export interface Routed {
  readonly dialect: SimulatedDialect;
  readonly operation: Operation;
}

/** Who speaks here, and what is asked for; undefined where no dialect knows the path. */
export function routeOf(facts: RouteFacts): Routed | undefined {
  for (const dialect of dialects) {
    const operation = dialect.route(facts);
    if (operation !== undefined) return { dialect, operation };
  }
  return undefined;
}

/** The dialect in whose words an error is told where the path says nothing: that of the base URL, else OpenAI's. */
export function dialectOf(facts: RouteFacts): SimulatedDialect {
  const routed = routeOf(facts);
  return routed?.dialect ?? dialects.find((dialect) => dialect.family === facts.family) ?? openaiChat;
}
