/** What a gateway has beside its providers' protocols: what it would do, what it did, and what you say of it. */
import type { Call, CallOptions, Query } from './client.ts';

/** A plan for a body, with reasons: `route`, `facts`, `candidates`, and the steps in order. */
export interface Explanation {
  readonly [field: string]: unknown;
}

/** What was decided about a request, and what became of it. Its id is `x-turnout-decision` of the reply. */
export interface Decision {
  readonly id: string;
  readonly outcome?: string;
  readonly [field: string]: unknown;
}

/** One of `score` (0 useless, 1 just right) and `good`. */
export interface Feedback {
  /** `x-turnout-decision` of the reply. */
  readonly id: string;
  readonly score?: number;
  readonly good?: boolean;
  /** What it was about; absent: what the gateway took it for. */
  readonly task?: string;
}

export interface FeedbackGiven {
  readonly id: string;
  readonly score: number;
  readonly [field: string]: unknown;
}

/** What kind of request the body is; absent: one of OpenAI's chats. */
export interface ExplainOptions extends CallOptions {
  /** As in `anthropic-messages`, `gemini`, `openai-responses`. */
  readonly dialect?: string;
  /** As in `embeddings`. */
  readonly operation?: string;
}

export interface Extensions {
  /** What would be done with a body. Nothing is sent to a provider, and nothing is spent. */
  readonly explain: (body: object, options?: ExplainOptions) => Promise<Explanation>;
  readonly decisions: { readonly get: (id: string, options?: CallOptions) => Promise<Decision> };
  readonly feedback: { readonly give: (feedback: Feedback, options?: CallOptions) => Promise<FeedbackGiven> };
}

export function extensionsOf(call: Call): Extensions {
  return {
    explain: async (body, { dialect, operation, ...options } = {}) => {
      const query: Query = { dialect, operation };
      return call.one({ ...options, method: 'POST', path: '/v1/explain', query, body });
    },
    decisions: {
      get: async (id, options = {}) =>
        call.one({ ...options, method: 'GET', path: `/v1/decisions/${encodeURIComponent(id)}` }),
    },
    feedback: {
      give: async (feedback, options = {}) =>
        call.one({ ...options, method: 'POST', path: '/v1/feedback', body: feedback }),
    },
  };
}
