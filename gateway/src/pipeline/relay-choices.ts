/** Receives the answers of several calls, one a choice, and hands them on as one: whole, or as they come. */
import { fault } from '../chat/fault.ts';
import type { Spent } from '../chat/outcome.ts';
import type { ChatResponse } from '../chat/reply.ts';
import { joined, joiner, sumOfCalls } from '../output/choices.ts';
import { handOver, replyIn, spentOn } from './receive-whole.ts';
import type { ReceiveOptions } from './receive-options.ts';
import type { Receiver } from './receiver.ts';
import { eventRelay } from './relay-events.ts';

export function relayChoices(options: ReceiveOptions): Receiver {
  return options.wantsStream ? streamedChoices(options) : wholeChoices(options);
}

/** Each call has a decoder of its own; what comes of them is one stream. */
function streamedChoices(options: ReceiveOptions): Receiver {
  const { outbound, provider } = options;
  const relay = eventRelay(options);
  const join = joiner();
  const decoders = new Map<number, ReturnType<typeof outbound.decoder>>();
  let isWhole = false;

  function decoderOf(call: number): ReturnType<typeof outbound.decoder> {
    const decoder = decoders.get(call) ?? outbound.decoder(provider, options.splitter?.());
    decoders.set(call, decoder);
    return decoder;
  }

  return {
    data: () => undefined,
    piece(call, chunk) {
      if (!relay.isOver()) relay.take(join.push(call, decoderOf(call).push(chunk)));
    },
    part(call) {
      const decoder = decoderOf(call);
      if (!relay.isOver() && !decoder.isOver()) relay.take(join.push(call, decoder.end()));
    },
    end() {
      isWhole = true;
      relay.end();
    },
    spent() {
      const spent = relay.spent();
      return { ...spent, isFinal: spent.isFinal && isWhole };
    },
    hasContent: relay.hasContent,
    isHeld: relay.isHeld,
  };
}

function wholeChoices(options: ReceiveOptions): Receiver {
  const { to, provider } = options;
  const replies: ChatResponse[] = [];
  let spent: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: true };

  return {
    data: () => undefined,
    part(call, bytes) {
      const reply = replyIn(bytes, options);
      if (!reply.ok) {
        to.fail(reply.error);
        return;
      }
      replies[call] = reply.value;
      const usages = replies.flatMap(({ usage }) => usage ?? []);
      if (usages.length > 0) spent = { ...spent, usage: sumOfCalls(usages) };
    },
    end() {
      const whole = joined(replies);
      if (whole === undefined) {
        to.fail(fault('upstream-invalid', { provider, reason: 'the answer is empty' }));
        return;
      }
      spent = spentOn(whole);
      handOver(whole, options);
    },
    spent: () => spent,
    hasContent: () => false,
  };
}
