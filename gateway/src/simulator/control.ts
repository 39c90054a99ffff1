/** The simulator's own pages, below `/__simulator`: its log, and what it shall answer next. */
import { asArray, asRecord, asString, parseJson } from '../lib/json.ts';
import type { Answer } from './answer.ts';
import { wholeAnswer, withHeaders } from './answer.ts';
import type { Incoming } from './connections.ts';
import type { LogBook, LoggedConnection, LoggedRequest } from './log.ts';
import type { Script } from './script.ts';
import { parseSteps } from './step.ts';

export const OWN_PATH = '/__simulator';

export interface ControlOptions {
  readonly log: LogBook;
  readonly script: Script;
  /** Ids of recordings that answer the next requests. */
  readonly queue: string[];
  readonly hasRecording: (id: string) => boolean;
  /** Shown at `/__simulator`. */
  readonly about: Readonly<Record<string, string | number>>;
}

type Page = (incoming: Incoming, options: ControlOptions) => Answer;

const PAGES: Readonly<Record<string, Readonly<Record<string, Page>>>> = {
  '': { GET: (_, { about }) => json(200, about) },
  '/log': {
    GET: showLog,
    DELETE(_, { log }) {
      log.clear();
      return json(200, { ok: true });
    },
  },
  '/script': { POST: setScript },
  '/recordings': { POST: queueRecordings },
};

/** Answers a request for one of the simulator's own pages. */
export function controlAnswer(incoming: Incoming, options: ControlOptions): Answer {
  const methods = PAGES[incoming.path.slice(OWN_PATH.length).replace(/\/$/, '')];
  if (methods === undefined) return json(404, { error: `There is nothing at ${incoming.path}.` });
  const page = methods[incoming.head.method];
  if (page !== undefined) return page(incoming, options);
  const allow = Object.keys(methods).join(', ');
  return withHeaders(json(405, { error: `Use ${allow} here.` }), { allow });
}

function json(status: number, body: unknown): Answer {
  return wholeAnswer(status, 'application/json', JSON.stringify(body));
}

/** `?since=N`: only requests after the Nth. */
function showLog({ query }: Incoming, { log }: ControlOptions): Answer {
  const since = new URLSearchParams(query).get('since') ?? '0';
  if (!/^\d{1,15}$/.test(since)) return json(400, { error: '`since` must be a sequence number.' });
  return json(200, {
    time_origin_ms: performance.timeOrigin,
    now_ms: performance.now(),
    requests: log.requests.filter((request) => request.sequence > Number(since)).map(requestRow),
    connections: log.connections.map(connectionRow),
  });
}

function requestRow(request: LoggedRequest): Record<string, unknown> {
  return {
    sequence: request.sequence,
    connection: request.connection,
    started_ms: request.startedMs,
    received_ms: request.receivedMs,
    method: request.method,
    path: request.path,
    query: request.query,
    headers: request.headers,
    body_bytes: request.bodyBytes,
    body: request.body,
    ...(request.body === undefined ? { body_text: request.bodyText } : {}),
    provider: request.provider,
    dialect: request.dialect,
    model: request.model,
    answered_by: request.answeredBy,
    recording: request.recording,
    status: request.status,
    answered_bytes: request.answeredBytes,
    first_byte_ms: request.firstByteMs,
    ended: request.ended,
    ended_ms: request.endedMs,
    socket_closed_ms: request.socketClosedMs,
  };
}

function connectionRow(connection: LoggedConnection): Record<string, unknown> {
  return { id: connection.id, opened_ms: connection.openedMs, closed_ms: connection.closedMs };
}

/** Replaces the script: a list of steps, or `{steps: […]}`. */
function setScript({ body }: Incoming, { script }: ControlOptions): Answer {
  const steps = parseSteps(parseJson(body.toString('utf8')));
  if (!steps.ok) return json(400, { error: steps.error });
  script.set(steps.value);
  return json(200, { ok: true, steps: steps.value.length });
}

/** `{ids: […]}`: the recordings that answer the next requests, in this order. */
function queueRecordings({ body }: Incoming, { queue, hasRecording }: ControlOptions): Answer {
  const ids = asArray(asRecord(parseJson(body.toString('utf8')))?.['ids'])?.map((id) => asString(id) ?? '');
  if (ids === undefined) return json(400, { error: 'Send {"ids": ["…"]}.' });
  const unknown = ids.find((id) => !hasRecording(id));
  if (unknown !== undefined) return json(404, { error: `There is no recording ${JSON.stringify(unknown)}.` });
  queue.splice(0, queue.length, ...ids);
  return json(200, { ok: true, queued: queue.length });
}
