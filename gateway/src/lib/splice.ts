/** Changes bytes in a few places and leaves all others as they are, so that a body need not be serialised again. */
import type { Member, Scan } from './scan-types.ts';

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A copy in which each range is replaced by its text (UTF-8). Edits are in order and do not overlap. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  let length = bytes.length;
  for (const { start, end, text } of edits) length += Buffer.byteLength(text) - (end - start);
  const copy = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of edits) {
    if (start < from || end < start) throw new RangeError('edits overlap or are out of order');
    to += bytes.copy(copy, to, from, start);
    to += copy.write(text, to);
    from = end;
  }
  bytes.copy(copy, to, from);
  return copy;
}

/**
 * A copy of the scanned object in which top-level members are set (value: JSON text) or removed (value: undefined).
 * Members that are not named keep their bytes and their order; new ones come first.
 */
export function editMembers(bytes: Buffer, scan: Scan, changes: ReadonlyMap<string, string | undefined>): Buffer {
  const edits: Edit[] = [];
  const members = [...scan.members.values()];
  let hasKept = false;
  for (const [index, member] of members.entries()) {
    const isRemoved = changes.has(member.key) && changes.get(member.key) === undefined;
    const text = changes.get(member.key);
    if (text !== undefined) edits.push({ start: member.valueStart, end: member.valueEnd, text });
    if (isRemoved) edits.push(removal(members, index, hasKept));
    hasKept ||= !isRemoved;
  }
  const added = [...changes]
    .filter(([key, text]) => text !== undefined && !scan.members.has(key))
    .map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  const at = scan.rootStart + 1;
  if (added.length > 0) edits.unshift({ start: at, end: at, text: added.join(',') + (hasKept ? ',' : '') });
  return splice(bytes, edits);
}

/** What to cut so that the commas stay right: with the comma before, or with the one after where nothing is kept before. */
function removal(members: readonly Member[], index: number, hasKept: boolean): Edit {
  const start = hasKept ? members[index - 1]?.valueEnd : members[index]?.keyStart;
  const end = hasKept ? undefined : members[index + 1]?.keyStart;
  return { start: start ?? 0, end: end ?? members[index]?.valueEnd ?? 0, text: '' };
}
