/** Receives an answer that is one JSON body, and hands it on whole or, where a stream was asked for, as one. */
import { collect, replay } from '../chat/collect.ts';
import { fault, type Fault } from '../chat/fault.ts';
import type { Spent } from '../chat/outcome.ts';
import type { ChatResponse } from '../chat/reply.ts';
import type { Usage } from '../chat/usage.ts';
import { glanceOf } from '../dialects/dialect.ts';
import { isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import { withoutNan } from '../lib/nan.ts';
import type { Result } from '../lib/result.ts';
import { saneUsage } from '../money/cost.ts';
import { reshaped } from '../output/reshape.ts';
import { joined } from './frames.ts';
import type { ReceiveOptions } from './receive-options.ts';
import type { Receiver } from './receiver.ts';
import { amendedUsage, contentTokens } from './stream-books.ts';

/** A JSON body. Kept whole (the upstream client bounds it), since a reply that is cut or is an error must not reach the caller. */
export function receiveWhole(options: ReceiveOptions): Receiver {
  const { to, inbound, outbound, provider, reshaping } = options;
  const chunks: Buffer[] = [];
  let spent: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: true };

  function end(): void {
    const [only] = chunks;
    const { bytes, body } = parsedWhole(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    const streamed = body === undefined ? wholeOfStream(bytes, options) : undefined;
    if (streamed !== undefined) {
      answer(streamed);
      return;
    }
    if (!isRecord(body)) {
      to.fail(
        fault('upstream-invalid', {
          provider,
          reason: body === undefined ? 'it is not JSON' : 'it is not a JSON object',
        }),
      );
      return;
    }
    if (inbound.id === outbound.id && !options.wantsStream && reshaping === undefined) handOn(bytes, body);
    else translate(bytes, body);
  }

  /** Same protocol: a glance at the reply is enough, unless its tokens must be counted here. */
  function handOn(bytes: Buffer, body: JsonRecord): void {
    const seen = outbound.glance(body, provider);
    if (!seen.ok) {
      to.fail(seen.error);
      return;
    }
    if (seen.value.isOtherForm === true) {
      translate(bytes, body);
      return;
    }
    const usage = amendedUsage(seen.value.usage, options);
    spent = spentOf(usage, () => tokensOf(outbound.decodeResponse(body, provider)));
    to.whole(bytes, seen.value.finish, []);
  }

  function translate(bytes: Buffer, body: JsonRecord): void {
    const decoded = outbound.decodeResponse(body, provider);
    if (decoded.ok) answer(decoded.value, bytes);
    else to.fail(decoded.error);
  }

  function answer(decoded: ChatResponse, bytes?: Buffer): void {
    const response = amendedResponse(decoded, options);
    spent = spentOn(response);
    handOver(response, options, bytes);
  }

  return {
    data: (chunk) => void chunks.push(chunk),
    end,
    spent: () => spent,
    hasContent: () => false,
  };
}

/** Hands a whole reply on in the form that was asked for. `bytes`: as it came. */
export function handOver(given: ChatResponse, options: ReceiveOptions, bytes?: Buffer): void {
  const { to, inbound, reshaping } = options;
  const { response, invalid } =
    reshaping === undefined ? { response: given, invalid: undefined } : reshaped(given, reshaping);
  const { finish } = glanceOf(response);
  if (invalid !== undefined) to.invalid(invalid);
  else if (options.wantsStream) streamWhole(response, options, finish);
  // It was only looked at: what the provider said goes on as it is.
  else if (bytes !== undefined && isOnlyChecked(options)) to.whole(bytes, finish, []);
  else {
    const encoded = inbound.encodeResponse(response, options.context);
    to.whole(JSON.stringify(encoded.body), finish, encoded.losses);
  }
}

function isOnlyChecked({ inbound, outbound, reshaping }: ReceiveOptions): boolean {
  return inbound.id === outbound.id && reshaping?.format?.way === 'native' && reshaping.stops === undefined;
}

/** The reply of a stream that came where a whole one was asked for and begins like JSON: lines (faults.md F38). Undefined where it is none. */
function wholeOfStream(bytes: Buffer, { outbound, provider }: ReceiveOptions): ChatResponse | undefined {
  const decoder = outbound.decoder(provider);
  const events = [...decoder.push(bytes), ...decoder.end()];
  const isReply = events.some((event) => event.type === 'finish') && !events.some((event) => event.type === 'error');
  return isReply ? collect(events, outbound.id) : undefined;
}

/** What a whole reply has used. */
export function spentOn(response: ChatResponse): Spent {
  return spentOf(response.usage, () => tokensIn(response));
}

/** What a whole reply has used. Our own count is made only where the provider tells none that can be true (faults.md F15). */
function spentOf(usage: Usage | undefined, count: () => number): Spent {
  const isCounted = usage !== undefined && saneUsage(usage).outputTokens !== undefined;
  return {
    ...(usage === undefined ? {} : { usage }),
    isFinal: usage !== undefined,
    outputTokensSeen: isCounted ? 0 : count(),
    wasAccepted: true,
  };
}

function tokensOf(decoded: Result<ChatResponse, Fault>): number {
  return decoded.ok ? tokensIn(decoded.value) : 0;
}

/** Our own count of a whole reply. */
function tokensIn(response: ChatResponse): number {
  return Math.ceil(replay(response).reduce((sum, event) => sum + (contentTokens(event) ?? 0), 0));
}

/** The body, and the bytes that say the same in JSON: where some of its numbers are none, they are not those that came. */
function parsedWhole(came: Buffer): { readonly bytes: Buffer; readonly body: Json | undefined } {
  const text = came.toString('utf8');
  const body = parseJson(text);
  const plain = body === undefined ? withoutNan(text) : undefined;
  return plain === undefined ? { bytes: came, body } : { bytes: Buffer.from(plain), body: parseJson(plain) };
}

/** The reply with its usage as the provider means it. */
export function amendedResponse(response: ChatResponse, options: ReceiveOptions): ChatResponse {
  const usage = amendedUsage(response.usage, options);
  return usage === response.usage || usage === undefined ? response : { ...response, usage };
}

/** A stream was asked for and JSON came: the caller gets a stream. */
function streamWhole(response: ChatResponse, options: ReceiveOptions, finish: string | undefined): void {
  const encoder = options.inbound.encoder(options.context);
  const text = replay(response).map((event) => encoder.push(event));
  options.to.finish(joined([...text, encoder.end()]), finish, encoder.losses());
}
