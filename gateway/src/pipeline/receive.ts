/**
 * Receives one answer of a provider, in whatever form it comes, and hands it to the caller in the form that was asked for.
 * Push machines: bytes in, calls of `to` out, nothing awaited. Until the first content nothing is handed on, so that a
 * failed attempt can be replaced unseen; afterwards a failure ends the stream with the protocol's own error event (rule R2).
 */
import { fault, type Fault } from '../chat/fault.ts';
import type { Dialect, WireForm } from '../dialects/dialect.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import type { ReceiveOptions } from './receive-options.ts';
import { receiveWhole } from './receive-whole.ts';
import type { Receiver } from './receiver.ts';
import { relayBytes } from './relay-bytes.ts';
import { relayEvents } from './relay-events.ts';

const CR_LF_SPACE_TAB: ReadonlySet<number> = new Set([0x0d, 0x0a, 0x20, 0x09, 0xef, 0xbb, 0xbf]);
const BRACE = 0x7b;
const ANGLE = 0x3c;

/** Looks at the first byte that is not space: JSON or a stream, whatever the content type says (faults.md F10, F14, F38). */
export function receive(options: ReceiveOptions): Receiver {
  let chosen: Receiver | undefined;
  const { to, provider } = options;
  return {
    data(chunk) {
      chosen ??= choose(chunk, options);
      chosen?.data(chunk);
    },
    end() {
      if (chosen === undefined) to.fail(fault('upstream-invalid', { provider, reason: 'the answer is empty' }));
      else chosen.end();
    },
    spent: () => chosen?.spent() ?? { isFinal: false, outputTokensSeen: 0, wasAccepted: true },
    hasContent() {
      return chosen?.hasContent() ?? false;
    },
    isHeld: () => chosen?.isHeld?.() ?? false,
    unfinished: () => chosen?.unfinished?.(),
  };
}

function choose(chunk: Buffer, options: ReceiveOptions): Receiver | undefined {
  const first = chunk.find((byte) => !CR_LF_SPACE_TAB.has(byte));
  if (first === undefined) return undefined;
  const { inbound, outbound, wantsStream, reshaping } = options;
  const isLines = outbound.framing === 'lines';
  // A stream of lines begins as JSON does, and one line alone is read as well as many.
  if (first === ANGLE || (first === BRACE && !(isLines && wantsStream))) return receiveWhole(options);
  const isAsItComes = reshaping === undefined && options.going === undefined;
  if (wantsStream && inbound.id === outbound.id && !isLines && isAsItComes) return relayBytes(options);
  return relayEvents(options);
}

/** The events that end a broken stream, in the caller's protocol and framing. */
export function brokenEnding(
  inbound: Dialect,
  of: Fault,
  options: { requestId: string; isJsonArray: boolean },
): WireForm {
  const text = inbound.encodeStreamFault(of, { requestId: options.requestId });
  if (!options.isJsonArray || typeof text !== 'string') return text;
  const record: JsonRecord | undefined = asJsonRecord(text);
  return record === undefined ? ']' : `,\r\n${JSON.stringify(record)}]`;
}

function asJsonRecord(sse: string): JsonRecord | undefined {
  const body = parseJson(sse.replace(/^data: /, '').trim());
  return isRecord(body) ? body : undefined;
}
