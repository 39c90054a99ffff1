/** One event as a part, for wires that have no other word for what it says. */
import type { Part } from '../chat/part.ts';
import type { ChatEvent } from '../chat/reply.ts';

/** Events that say something by themselves, or mark others. A call comes in several, which only a reader who keeps it can join. */
type Said = Exclude<
  ChatEvent,
  {
    type:
      | 'start'
      | 'usage'
      | 'error'
      | 'ping'
      | 'extra'
      | 'tool-call-start'
      | 'tool-call-delta'
      | 'finish'
      | 'logprobs';
  }
>;

/** What an event says, as a part of its own; undefined where it only marks others. */
export function partOf(event: Said): Part | undefined {
  switch (event.type) {
    case 'text-delta':
      return { kind: 'text', text: event.text };
    case 'refusal-delta':
      return { kind: 'refusal', text: event.text };
    case 'reasoning-delta':
      return { kind: 'reasoning', text: event.text };
    case 'reasoning-encrypted':
      return { kind: 'reasoning', text: '', encrypted: event.encrypted };
    case 'signature':
      return { kind: event.of, text: '', signature: event.signature };
    case 'citation':
      return { kind: 'text', text: '', citations: [event.citation] };
    case 'media':
    case 'opaque':
      return event.part;
    case 'audio-delta':
      return { kind: 'audio', source: { by: 'base64', data: '', mediaType: 'audio/pcm' } };
    case 'part-break':
      return undefined;
  }
}
