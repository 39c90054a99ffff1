/** Predictions do not come in pieces: a stream of this wire is the whole reply, at once. */
import { collector, replay } from '../../chat/collect.ts';
import { fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { isRecord, parseJson } from '../../lib/json.ts';
import type { EncodeContext, Mark, StreamDecoder, StreamEncoder, Tap } from '../dialect.ts';
import { HOME } from './fields.ts';
import { decodeResponse, encodeResponse } from './prediction.ts';

/** One a stream. The bytes are bounded by whoever reads them from the network. */
export function decoder(provider: string): StreamDecoder {
  const chunks: Uint8Array[] = [];
  let isOver = false;
  return {
    push: (bytes) => {
      chunks.push(bytes);
      return [];
    },
    end: () => {
      if (isOver) return [];
      isOver = true;
      return eventsOf(Buffer.concat(chunks), provider);
    },
    isOver: () => isOver,
  };
}

function eventsOf(bytes: Buffer, provider: string): readonly ChatEvent[] {
  const body = parseJson(bytes.toString('utf8'));
  if (!isRecord(body)) return [{ type: 'error', fault: fault('upstream-cut', { provider }) }];
  const read = decodeResponse(body, provider);
  return read.ok ? replay(read.value) : [{ type: 'error', fault: read.error }];
}

export function encoder(context: EncodeContext): StreamEncoder {
  const whole = collector();
  let losses: readonly Loss[] = [];
  return {
    push(event) {
      whole.push(event);
      return '';
    },
    end() {
      if (whole.fault() !== undefined) return '';
      const written = encodeResponse(whole.response(HOME), context);
      ({ losses } = written);
      return JSON.stringify(written.body);
    },
    losses: () => losses,
  };
}

/** Nothing is relayed in this wire, since no client speaks it. */
export function tap(provider: string): Tap {
  return {
    see(_event, data) {
      let mark: Mark = {};
      for (const event of eventsOf(data, provider)) {
        if (event.type === 'error') return { fault: event.fault };
        if (event.type === 'usage') mark = { ...mark, usage: event.usage };
        else if (event.type === 'finish') mark = { ...mark, isFinished: true };
        else if (event.type === 'text-delta') mark = { ...mark, hasContent: true };
      }
      return mark;
    },
  };
}
