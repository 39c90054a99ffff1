/** Replicate's language models: one form of input for all that it serves itself (replicate.com/docs/reference/http, `models.predictions.create`). */
import type { Origin } from '../../chat/part.ts';
import { bareText } from '../text-models/prompts.ts';
import type { TextWire } from '../text-models/request.ts';

export const HOME: Origin = 'replicate';

export const WIRE: TextWire = {
  home: HOME,
  families: [
    {
      id: 'language-models',
      models: /(?:)/,
      fields: {
        prompt: 'input.prompt',
        system: 'input.system_prompt',
        maxTokens: 'input.max_tokens',
        temperature: 'input.temperature',
        topP: 'input.top_p',
        topK: 'input.top_k',
        presencePenalty: 'input.presence_penalty',
        frequencyPenalty: 'input.frequency_penalty',
        seed: 'input.seed',
        stop: 'input.stop_sequences',
      },
      hasStopText: true,
      prompt: bareText,
    },
  ],
};
