/** Answers a request out of thin air, in its dialect: chat whole or streamed, embeddings, token counts, lists of models. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, isRecord, parseJson } from '../../lib/json.ts';
import { INSTRUCTION } from '../../output/way.ts';
import type { Answer, Piece } from '../answer.ts';
import { streamAnswer, wholeAnswer, withHeaders } from '../answer.ts';
import type { Identity, OtherKind, Problem, Reply, RouteFacts, SimulatedDialect } from '../dialects/dialect.ts';
import type { Routed } from '../dialects/index.ts';
import { otherAnswer, otherKind } from '../dialects/other-operations.ts';
import type { Ask, ScriptedReply } from './compose.ts';
import { OUTPUT_TOKENS, compose, inputTokens } from './compose.ts';
import type { SimulatedModel } from './models.ts';

export interface SyntheticOptions {
  readonly seed: number;
  readonly models: readonly SimulatedModel[];
  /** These three go before what a model says of itself. */
  readonly outputTokens?: number;
  readonly ttftMs?: number;
  readonly tokensPerSecond?: number;
}

export interface SyntheticRequest {
  readonly facts: RouteFacts;
  readonly routed: Routed;
  readonly body: Buffer;
  readonly identity: Identity;
  /** Parts of the reply that a script fixed. */
  readonly scripted: ScriptedReply | undefined;
}

const JSON_TYPE = 'application/json';

/** The made-up reply, or the refusal that the provider would give. */
export function syntheticAnswer(request: SyntheticRequest, options: SyntheticOptions): Answer {
  const { routed, facts, identity } = request;
  const { dialect, operation } = routed;
  const answer =
    facts.method === operation.method
      ? operationAnswer(request, options)
      : withHeaders(errorAnswer(dialect, { status: 405, message: `Use ${operation.method} here.` }), {
          allow: operation.method,
        });
  return { ...answer, headers: [...answer.headers, [dialect.requestIdHeader, `req_sim_${identity.hex}`]] };
}

/** An error in the words of the dialect. */
export function errorAnswer(dialect: SimulatedDialect, problem: Problem): Answer {
  const answer = wholeAnswer(problem.status, JSON_TYPE, JSON.stringify(dialect.error(problem)));
  const headers = dialect.errorHeaders?.(problem);
  return headers === undefined ? answer : withHeaders(answer, headers);
}

function operationAnswer(request: SyntheticRequest, options: SyntheticOptions): Answer {
  const { dialect, operation } = request.routed;
  if (operation.kind === 'models') return json(dialect.models(options.models));
  if (operation.kind === 'model') {
    const model = options.models.find((one) => one.id === operation.model);
    if (model !== undefined) return json(dialect.model(model));
    return errorAnswer(dialect, {
      status: 404,
      message: `The model '${operation.model ?? ''}' does not exist.`,
      param: 'model',
    });
  }
  const other = otherKind(request.facts.path);
  if (other !== undefined && other === operation.kind) return besideChat(request, other);
  const text = request.body.toString('utf8');
  const body = parseJson(text);
  if (!isRecord(body)) return errorAnswer(dialect, { status: 400, message: 'The body is not a JSON object.' });
  if (operation.kind === 'embeddings') {
    const made = dialect.embeddings(body, operation);
    return made.ok ? json(made.value) : errorAnswer(dialect, made.error);
  }
  return chatAnswer(request, body, options);
}

function besideChat({ routed, body, facts, identity }: SyntheticRequest, kind: OtherKind): Answer {
  const contentType = facts.headers['content-type'] ?? '';
  const made = otherAnswer({ kind, body, contentType, hex: identity.hex });
  return 'headers' in made ? made : errorAnswer(routed.dialect, made);
}

function chatAnswer(request: SyntheticRequest, body: JsonRecord, options: SyntheticOptions): Answer {
  const { dialect, operation } = request.routed;
  const read = dialect.read(body, operation, request.facts);
  if (!read.ok) return errorAnswer(dialect, read.error);
  const ask = request.body.includes(INSTRUCTION) ? withFormat(read.value, body) : read.value;
  if (operation.kind === 'count-tokens') return json(dialect.countTokens(inputTokens(ask)));
  const manner = mannerOf(ask.model, options);
  const scripted = request.scripted === undefined ? {} : { scripted: request.scripted };
  const draft = compose(ask, { seed: options.seed, outputTokens: manner.outputTokens, ...scripted });
  const reply: Reply = { ask, draft, identity: request.identity };
  if (ask.isStreaming) return after(streamed(request.routed, reply, manner.msPerToken), manner.ttftMs);
  return after(json(dialect.whole(reply)), manner.ttftMs + draft.usage.outputTokens * manner.msPerToken);
}

/** A wish for JSON in words, with its schema behind it, is followed as a good model would. */
function withFormat(ask: Ask, body: JsonRecord): Ask {
  const text = ask.format === 'text' ? textAfter(body, INSTRUCTION) : undefined;
  const schema = text === undefined ? undefined : parseJson(text.trim().split('\n')[0] ?? '');
  return schema === undefined ? ask : { ...ask, format: { schema } };
}

/** What follows `mark` in the first text of the body that holds it. */
function textAfter(value: Json | undefined, mark: string): string | undefined {
  if (typeof value === 'string')
    return value.includes(mark) ? value.slice(value.indexOf(mark) + mark.length) : undefined;
  const inner = isRecord(value) ? Object.values(value) : (asArray(value) ?? []);
  for (const one of inner) {
    const found = textAfter(one, mark);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How a model speaks: what the options say, else what it says of itself. */
function mannerOf(name: string, options: SyntheticOptions) {
  const model = options.models.find((one) => name.endsWith(one.id));
  const tokensPerSecond = options.tokensPerSecond ?? model?.tokensPerSecond ?? 0;
  return {
    outputTokens: options.outputTokens ?? model?.outputTokens ?? OUTPUT_TOKENS,
    ttftMs: options.ttftMs ?? model?.ttftMs ?? 0,
    msPerToken: tokensPerSecond > 0 ? 1_000 / tokensPerSecond : 0,
  };
}

function json(body: JsonRecord): Answer {
  return wholeAnswer(200, JSON_TYPE, JSON.stringify(body));
}

function after(answer: Answer, ms: number): Answer {
  return ms > 0 ? { ...answer, headAfterMs: ms } : answer;
}

function streamed({ dialect, operation }: Routed, reply: Reply, msPerToken: number): Answer {
  return streamAnswer(200, dialect.streamType(operation), pieces());

  function* pieces(): Generator<Piece> {
    let index = 0;
    for (const { event, tokens } of dialect.stream(reply)) {
      const bytes = Buffer.from(dialect.encodeEvent(event, operation, index));
      yield msPerToken > 0 && tokens > 0 ? { bytes, afterMs: tokens * msPerToken } : { bytes };
      index += 1;
    }
    const ending = dialect.ending(operation);
    if (ending !== '') yield { bytes: Buffer.from(ending) };
  }
}
