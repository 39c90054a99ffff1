/** `ETag` and `If-Match` (RFC 9110, section 13): nobody changes what somebody else has changed meanwhile without having seen it. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Principal } from '../people/permissions.ts';
import type { Act } from '../store/act.ts';

/** The tag of a revision: strong, since the revision changes with everything that can be set. */
export function tagOf(revision: string): string {
  return `"${revision}"`;
}

/** Whether a header names a tag: `*`, or a list of tags. Weak ones are compared as they stand (section 8.8.3.2). */
export function names(header: string, revision: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(tagOf(revision));
}

/**
 * Who changes an object of this revision: the one that was looked at to say whether he may. `seen`: what was sent as `If-Match`. It may be changed between
 * this look and the change itself, so the store looks again: two changes, each of which one may make, can come to what one may not.
 */
export function actOf({ id: by }: Principal, seen: string | undefined, revision: string | undefined): Act | Fault {
  if (revision === undefined) return { by };
  return isAny(seen) || names(seen, revision) ? { by, ifRevision: revision } : fault('revision-old');
}

/** Whether the caller does not mind what was changed meanwhile. */
export function isAny(seen: string | undefined): seen is undefined | '*' {
  return seen === undefined || seen.trim() === '*';
}
