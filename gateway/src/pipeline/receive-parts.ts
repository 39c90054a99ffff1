/** Receives the answers to a chat that was asked in parts (several prompts), each whole, and hands them on as one reply. */
import { fault } from '../chat/fault.ts';
import type { Spent } from '../chat/outcome.ts';
import type { ChatResponse } from '../chat/reply.ts';
import { sumUsage } from '../chat/usage.ts';
import { glanceOf } from '../dialects/dialect.ts';
import { amendedResponse, replyIn, spentOf, tokensIn, type ReceiveOptions } from './receive.ts';
import type { Receiver } from './receiver.ts';

/** `count` answers make the reply; the choices of each follow those of the one before. */
export function receiveParts(options: ReceiveOptions, count: number): Receiver {
  const { to, inbound, outbound, provider } = options;
  const replies = new Map<number, ChatResponse>();
  let spent: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: true };

  function joined(): ChatResponse {
    const inOrder = [...replies].toSorted(([a], [b]) => a - b).map(([, reply]) => reply);
    const usage = sumUsage(inOrder.map((reply) => reply.usage));
    const stride = Math.max(...inOrder.map(({ choices }) => choices.length));
    const [first] = inOrder;
    const { usage: _, ...head } = first ?? { origin: outbound.id };
    return {
      ...head,
      choices: inOrder.flatMap(({ choices }, part) =>
        choices.map((choice, place) => ({ ...choice, index: part * stride + place })),
      ),
      ...(usage === undefined ? {} : { usage }),
    };
  }

  return {
    // Parts come whole, by `part`.
    data: () => undefined,
    part(index, body) {
      const reply = replyIn(body, options);
      if (!reply.ok) {
        to.fail(reply.error);
        return;
      }
      replies.set(index, amendedResponse(reply.value, options));
      const { usage } = joined();
      const known = spentOf(usage, () => [...replies.values()].reduce((sum, one) => sum + tokensIn(one), 0));
      spent = { ...known, isFinal: known.isFinal && replies.size === count };
    },
    end() {
      if (replies.size < count) {
        to.fail(fault('upstream-invalid', { provider, reason: 'a part of the answer is missing' }));
        return;
      }
      const reply = joined();
      const { body, losses } = inbound.encodeResponse(reply, options.context);
      to.whole(JSON.stringify(body), glanceOf(reply).finish, losses);
    },
    spent: () => spent,
    hasContent: () => false,
  };
}
