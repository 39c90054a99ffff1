/** Claude on Amazon Bedrock's InvokeModel: Anthropic's Messages, the model in the path, the version in the body, the events in frames. */
import { err } from '../../lib/result.ts';
import { FRAMES_TYPE, invokeFrame } from '../wire-events.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import type { Operation, RouteFacts, SimulatedDialect } from './dialect.ts';
import { decoded } from './reading.ts';

export const bedrockInvoke: SimulatedDialect = {
  ...anthropicMessages,
  id: 'bedrock-invoke',
  family: 'bedrock',
  requestIdHeader: 'x-amzn-requestid',
  route,
  read: (body, operation, facts) => {
    if (!/claude/i.test(operation.model ?? ''))
      return err({ status: 400, message: 'Only Claude is simulated on InvokeModel.' });
    // Recorded: a request without the version, or with a field that the path says, is malformed.
    for (const field of ['model', 'stream'])
      if (body[field] !== undefined) return err({ status: 400, message: `${field}: Extra inputs are not permitted` });
    if (typeof body['anthropic_version'] !== 'string')
      return err({ status: 400, message: 'anthropic_version: Field required', param: 'anthropic_version' });
    const headers = { ...facts.headers, 'anthropic-version': body['anthropic_version'] };
    const { model = '', isStreaming = false } = operation;
    return anthropicMessages.read({ ...body, model, stream: isStreaming }, operation, { ...facts, headers });
  },
  encodeEvent: invokeFrame,
  streamType: () => FRAMES_TYPE,
  error: (problem) => bedrockConverse.error(problem),
  errorHeaders: (problem) => bedrockConverse.errorHeaders?.(problem) ?? {},
};

function route({ path }: RouteFacts): Operation | undefined {
  const [, model = '', verb] = /\/model\/([^/]+)\/(invoke|invoke-with-response-stream)$/.exec(path) ?? [];
  if (verb === undefined) return undefined;
  return { kind: 'chat', method: 'POST', model: decoded(model), isStreaming: verb !== 'invoke' };
}
