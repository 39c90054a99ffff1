/** Counts what an answer holds: usage as the provider tells it, content as it comes, the time of the first of it. */
import type { Spent } from '../chat/outcome.ts';
import type { ChatEvent } from '../chat/reply.ts';
import { mergeUsage, type Usage } from '../chat/usage.ts';
import type { ReceiveOptions } from './receive-options.ts';

/** Characters a token, for output that was received but never counted by the provider. */
export const CHARACTERS_PER_TOKEN = 4;

export interface StreamBooks {
  usage(of: Usage): void;
  content(tokens: number): void;
  hasContent(): boolean;
  spent(isFinal: boolean): Spent;
}

/** Keeps the books of one stream: usage as it comes, content as it is counted, time of the first of it. */
export function streamBooks(options: ReceiveOptions): StreamBooks {
  let usage: Usage | undefined;
  let tokens = 0;
  let ttftMs: number | undefined;
  return {
    usage(of) {
      usage = mergeUsage(usage, options.amendUsage?.(of) ?? of);
    },
    content(count) {
      ttftMs ??= options.now() - options.startedMs;
      tokens += count;
    },
    hasContent() {
      return ttftMs !== undefined;
    },
    spent: (isFinal) => ({
      ...(usage === undefined ? {} : { usage }),
      ...(ttftMs === undefined ? {} : { ttftMs }),
      isFinal: isFinal && usage !== undefined,
      outputTokensSeen: Math.ceil(tokens),
      wasAccepted: true,
    }),
  };
}

/** About how many tokens an event holds; undefined where it is not content. */
export function contentTokens(event: ChatEvent): number | undefined {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text === '' ? undefined : event.text.length / CHARACTERS_PER_TOKEN;
    case 'tool-call-start':
      return 2;
    case 'tool-call-delta':
      return event.arguments.length / CHARACTERS_PER_TOKEN;
    case 'reasoning-encrypted':
    case 'media':
    case 'audio-delta':
    case 'opaque':
    case 'citation':
      return 1;
    default:
      return undefined;
  }
}

/** The usage as the provider means it. */
export function amendedUsage(usage: Usage | undefined, { amendUsage }: ReceiveOptions): Usage | undefined {
  return usage === undefined || amendUsage === undefined ? usage : amendUsage(usage);
}
