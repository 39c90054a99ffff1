/** Replicate's predictions of text models (https://replicate.com/docs/reference/http), waited for: one whole answer, no stream. */
import type { JsonRecord } from '../../lib/json.ts';
import { asRecord, asString } from '../../lib/json.ts';
import { err } from '../../lib/result.ts';
import type { Ask, DraftChoice } from '../synthetic/compose.ts';
import { pieces } from '../synthetic/words.ts';
import type { Operation, Problem, Reply, RouteFacts, SimulatedDialect } from './dialect.ts';
import { decoded, integerAt, numberAt, reading, refuse } from './reading.ts';

const TOKENS_MAX = 2 ** 31 - 1;
const TITLES: Readonly<Record<number, string>> = {
  401: 'Unauthenticated',
  402: 'Insufficient credit',
  404: 'Not found',
  422: 'Input validation failed',
  429: 'Too many requests',
};

export const replicate: SimulatedDialect = {
  id: 'replicate',
  family: 'replicate',
  requestIdHeader: 'x-request-id',
  route,
  read: (body, operation, facts) => reading(() => readAsk(body, { operation, facts })),
  whole,
  stream: () => [],
  encodeEvent: (event) => `event: output\ndata: ${JSON.stringify(event)}\n\n`,
  ending: () => 'event: done\ndata: {}\n\n',
  streamType: () => 'text/event-stream',
  filler: (text) => ({ output: text }),
  countTokens: (inputTokens) => ({ input_token_count: inputTokens }),
  models: (models) => ({ next: null, previous: null, results: models.map(modelOf) }),
  model: modelOf,
  embeddings: () => err({ status: 404, message: 'The requested resource could not be found.' }),
  error: ({ status, message }: Problem) => ({ title: TITLES[status] ?? 'Error', detail: message, status }),
};

function route({ path }: RouteFacts): Operation | undefined {
  const [, model] = /\/models\/([^/]+\/[^/]+)\/predictions$/.exec(path) ?? [];
  return model === undefined ? undefined : { kind: 'chat', method: 'POST', model: decoded(model) };
}

/** Who does not wait gets a prediction that has only begun, which would be no answer. */
function readAsk(body: JsonRecord, { operation, facts }: { operation: Operation; facts: RouteFacts }): Ask {
  if (!/^wait\b/.test(facts.headers['prefer'] ?? '')) refuse('prefer', 'The simulator answers only who waits.');
  const input = asRecord(body['input']) ?? refuse('input', '- input: input is required');
  const prompt = asString(input['prompt']) ?? refuse('input.prompt', '- input.prompt: prompt is required');
  numberAt(input, 'temperature', { low: 0, high: 5 });
  const limit = integerAt(input, 'max_tokens', { low: 0, high: TOKENS_MAX });
  const stops = asString(input['stop_sequences']) ?? '';
  return {
    model: operation.model ?? '',
    isStreaming: false,
    prompt,
    inputLength: prompt.length + (asString(input['system_prompt']) ?? '').length,
    ...(limit === undefined ? {} : { maxTokens: limit }),
    choices: 1,
    stops: stops.split(',').filter((stop) => stop !== ''),
    tools: [],
    toolChoice: 'none',
    allowsParallelCalls: false,
    isAfterToolResult: false,
    format: 'text',
    wantsReasoning: false,
    wantsStreamUsage: true,
  };
}

function whole({ ask, draft, identity }: Reply): JsonRecord {
  const [choice] = draft.choices;
  const id = identity.hex.slice(0, 26);
  const url = `https://api.replicate.com/v1/predictions/${id}`;
  return {
    id,
    model: ask.model,
    version: 'dp-0',
    input: { prompt: ask.prompt, ...(ask.maxTokens === undefined ? {} : { max_tokens: ask.maxTokens }) },
    logs: '',
    output: outputOf(choice),
    data_removed: false,
    error: null,
    status: 'succeeded',
    created_at: new Date(identity.createdS * 1000).toISOString(),
    urls: { get: url, cancel: `${url}/cancel` },
    metrics: {
      input_token_count: draft.usage.inputTokens,
      output_token_count: draft.usage.outputTokens,
      predict_time: 0.5,
    },
  };
}

function outputOf(choice: DraftChoice | undefined): readonly string[] {
  return [...pieces(choice?.text ?? '')];
}

function modelOf({ id }: { readonly id: string }): JsonRecord {
  const [owner = '', name = ''] = id.split('/', 2);
  return { owner, name, url: `https://replicate.com/${owner}/${name}` };
}
