/** A cloud on loopback for the tests of credentials: token services of three kinds, and models that look closely at who asks. */
import { createHash, createHmac } from 'node:crypto';
import { asArray, asRecord, asString, parseJson } from '../../src/lib/json.ts';
import { startStub, type Heard, type Said, type Stub } from '../../src/credentials/stub.fixture.ts';

/** AWS takes signatures of five minutes ago. */
const SIGNATURE_AGE_MAX_MS = 300_000;

export interface Keys {
  readonly secret: string;
  readonly sessionToken?: string;
}

/** What the tests turn. */
export interface Knobs {
  /** By access key id. */
  readonly keys: Map<string, Keys>;
  /** Answers of token services and the like, by the beginning of the path; anything else is a model. */
  readonly services: Map<string, (heard: Heard) => Said>;
  /** The models' clock minus ours. */
  skewMs: number;
}

export interface Cloud extends Stub {
  readonly knobs: Knobs;
  /** Requests to a path that begins so. */
  at(path: string): readonly Heard[];
}

/** Models stand under `/signed/` (Signature Version 4), `/echo/` (400, with the token in its text) and anywhere else (a bearer or `api-key`). */
export async function startCloud(): Promise<Cloud> {
  const knobs: Knobs = { keys: new Map(), services: new Map(), skewMs: 0 };
  const stub = await startStub((heard) => {
    for (const [path, answer] of knobs.services) if (heard.path.startsWith(path)) return answer(heard);
    if (heard.path.startsWith('/echo/'))
      return {
        status: 400,
        body: { error: { message: `bad token ${String(heard.headers.authorization)}`, type: 'x' } },
      };
    const why = heard.path.startsWith('/signed/') ? whyUnsigned(heard, knobs) : whyUnknown(heard);
    const date = { date: new Date(Date.now() + knobs.skewMs).toUTCString() };
    if (why !== undefined) return { status: 403, headers: date, body: { message: why } };
    return modelAnswer(heard);
  });
  return { ...stub, knobs, at: (path) => stub.heard.filter((heard) => heard.path.startsWith(path)) };
}

function whyUnknown({ headers }: Heard): string | undefined {
  const isKnown = /^Bearer \S+$/.test(headers.authorization ?? '') || headers['api-key'] !== undefined;
  return isKnown ? undefined : 'nobody';
}

/**
 * Why a signature is not right, or undefined. Written from AWS's description of how a request is verified, and apart from
 * the signer: what is signed is taken from the wire.
 */
function whyUnsigned(heard: Heard, { keys, skewMs }: Knobs): string | undefined {
  const authorization = heard.headers.authorization ?? '';
  const parts =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null) return 'MissingAuthenticationToken';
  const [, id = '', day = '', region = '', service = '', names = '', signature = ''] = parts;
  const key = keys.get(id);
  if (key === undefined) return 'UnrecognizedClientException';
  if (heard.headers['x-amz-security-token'] !== key.sessionToken) return 'ExpiredTokenException';
  const stamp = String(heard.headers['x-amz-date']);
  const atMs = Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs(atMs - Date.now() - skewMs) < SIGNATURE_AGE_MAX_MS)) return 'Signature expired';
  const mustBeSigned = Object.keys(heard.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const signed = names.split(';');
  if (!mustBeSigned.every((name) => signed.includes(name))) return 'a header is not signed';
  const [path = '', query = ''] = heard.path.split('?');
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const canonical = [
    heard.method,
    path.split('/').map(encodeURIComponent).join('/'),
    query.split('&').toSorted().join('&'),
    ...signed.map((name) => `${name}:${String(heard.headers[name])}`),
    '',
    names,
    sha(heard.body),
  ].join('\n');
  const mac = (by: string | Buffer, text: string): Buffer => createHmac('sha256', by).update(text).digest();
  const signingKey = mac(mac(mac(mac(`AWS4${key.secret}`, day), region), service), 'aws4_request');
  const expected = mac(
    signingKey,
    `AWS4-HMAC-SHA256\n${stamp}\n${day}/${region}/${service}/aws4_request\n${sha(canonical)}`,
  );
  return expected.toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}

/** An answer in the wire of the path. */
function modelAnswer({ path, body }: Heard): Said {
  const text = 'signed, sealed, delivered';
  if (path.includes(':generateContent')) {
    const candidates = [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }];
    return json({ candidates, usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 } });
  }
  if (path.includes(':rawPredict')) {
    const content = [{ type: 'text', text }];
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content };
    return json({
      ...message,
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 2 },
    });
  }
  const request = asRecord(parseJson(body));
  if (path.endsWith('/embeddings')) {
    const data = (asArray(request?.['input']) ?? []).map((_, index) => ({
      object: 'embedding',
      index,
      embedding: [0.5],
    }));
    return json({ object: 'list', model: 'm', data, usage: { prompt_tokens: data.length, total_tokens: data.length } });
  }
  if (path.endsWith(':predict')) {
    const embeddings = { values: [0.5], statistics: { token_count: 1, truncated: false } };
    return json({ predictions: (asArray(request?.['instances']) ?? []).map(() => ({ embeddings })) });
  }
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const base = { id: 'c1', created: 1, model: asString(request?.['model']) ?? '' };
  if (request?.['stream'] !== true) {
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    return json({ ...base, object: 'chat.completion', choices, usage });
  }
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const last = `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`;
  const events = chunk({ role: 'assistant', content: text }, null) + chunk({}, 'stop') + last;
  return { headers: { 'content-type': 'text/event-stream' }, body: `${events}data: [DONE]\n\n` };
}

export function json(body: object): Said {
  return { headers: { 'content-type': 'application/json' }, body };
}
