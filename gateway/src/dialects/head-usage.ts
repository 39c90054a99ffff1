/** Usage that is told beside a reply: a dialect that reads replies with what their head said. */
import type { Usage } from '../chat/usage.ts';
import type { Dialect, ErrorAnswer } from './dialect.ts';

/** The dialect as it reads an answer with these headers. What a reply says itself counts more. */
export function readingHead(dialect: Dialect, headers: ErrorAnswer['headers']): Dialect {
  const usage: Usage | undefined = dialect.usageInHead?.(headers);
  if (usage === undefined) return dialect;
  return {
    ...dialect,
    decodeResponse(body, provider) {
      const read = dialect.decodeResponse(body, provider);
      return read.ok ? { ok: true, value: { usage, ...read.value } } : read;
    },
    glance(body, provider) {
      const read = dialect.glance(body, provider);
      return read.ok ? { ok: true, value: { usage, ...read.value } } : read;
    },
  };
}
