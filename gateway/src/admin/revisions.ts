/** `ETag` and `If-Match` (RFC 9110, section 13): nobody changes what somebody else has changed meanwhile without having seen it. */
import { fault, type Fault } from '../chat/fault.ts';

/** The tag of a revision: strong, since the revision changes with everything that can be set. */
export function tagOf(revision: string): string {
  return `"${revision}"`;
}

/** Whether a header names a tag: `*`, or a list of tags. Weak ones are compared as they stand (section 8.8.3.2). */
export function names(header: string, revision: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(tagOf(revision));
}

/** `seen`: what the caller sent as `If-Match`; absent: it does not mind. */
export function staleFault(seen: string | undefined, revision: string | undefined): Fault | undefined {
  if (seen === undefined || revision === undefined || names(seen, revision)) return undefined;
  return fault('revision-old', { seen: seen.slice(0, 80), now: tagOf(revision) });
}
