/** Losses that every translation shares: what only the source dialect knows. */
import type { ChatResponse } from './reply.ts';
import type { ChatRequest, Loss, Role } from './request.ts';
import type { Origin, Part } from './part.ts';
import type { Usage } from './usage.ts';

const COUNTS = {
  cachedInputTokens: 'input read from a cache',
  reasoningTokens: 'output that was reasoning',
  cacheWriteTokens: 'input written to a cache',
  cacheWrite1hTokens: 'input written to a cache for an hour',
  inputAudioTokens: 'input in sound',
  outputAudioTokens: 'output in sound',
} as const;

/** The losses of counts that a protocol has no field for. They are part of its totals all the same. */
export function usageLosses(usage: Usage | undefined, unsaid: readonly (keyof typeof COUNTS)[]): readonly Loss[] {
  const counted = unsaid.filter((name) => (usage?.[name] ?? 0) > 0).map((name) => COUNTS[name]);
  const lost = [...counted, ...(usage?.others ?? [])];
  if (lost.length === 0) return [];
  const why = `Not told apart from the totals: ${lost.join(', ')}.`;
  return [{ code: 'usage', field: 'usage', weight: 'hint', why }];
}

/** The losses of everything in `request` that belongs to its source dialect alone, when it goes to `home` instead. */
export function foreignLosses(request: ChatRequest, home: Origin): readonly Loss[] {
  const losses: Loss[] = request.extras
    .filter((extra) => extra.isCovered !== true)
    .map((extra) => ({
      code: 'unknown-field',
      field: extra.field,
      weight: extra.weight,
      why: `${home} has no such field.`,
    }));
  for (const tool of request.tools ?? []) {
    const at = tool.at ?? 'tools';
    if (tool.kind === 'opaque' && tool.origin !== home) losses.push(foreign(at, tool.name, home));
    else if (tool.kind === 'function') losses.push(...extraLosses(tool.extra, at, home));
  }
  for (const message of request.messages) {
    losses.push(...extraLosses(message.extra, message.at ?? 'messages', home));
    for (const part of message.parts) {
      losses.push(...partLosses(part, home));
      if (isMisplaced(part, message.role)) losses.push(misplaced(part, message.role));
    }
  }
  return losses;
}

/** Whether a part stands in a message that no other protocol could say: a call of the user, a result of the assistant. */
export function isMisplaced(part: Part, role: Role): boolean {
  if (part.kind === 'tool-result') return role !== 'tool';
  return (part.kind === 'reasoning' || part.kind === 'tool-call') && role !== 'assistant';
}

function misplaced(part: Part, role: Role): Loss {
  const why = `A ${part.kind} has no place in a message of the role ${role}; it is left out.`;
  return { code: 'misplaced', field: part.at ?? 'messages', weight: 'meaning', why };
}

function partLosses(part: Part, home: Origin): readonly Loss[] {
  const at = part.at ?? 'messages';
  const losses = [...extraLosses(saidOf(part), at, home)];
  if ('whole' in part && part.whole !== undefined) losses.push(plainLoss(at));
  if (part.kind === 'opaque' && part.origin !== home) losses.push(foreign(at, part.name, home));
  if (part.kind === 'tool-result') losses.push(...part.parts.flatMap((inner) => partLosses(inner, home)));
  return losses;
}

function plainLoss(field: string): Loss {
  const why = 'Only its text and title were sent, as a document: the block itself exists in its own protocol only.';
  return { code: 'document-as-text', field, weight: 'hint', why };
}

function foreign(field: string, name: string, home: Origin): Loss {
  return {
    code: 'opaque',
    field,
    weight: 'meaning',
    why: `${name} can only be expressed in its own protocol, not in ${home}.`,
  };
}

/** The losses of fields beside the parts of a reply, which have no place but their kind. */
export function replyExtraLosses(parts: readonly Part[], home: Origin): readonly Loss[] {
  return parts.flatMap((part) => extraLosses(toldOf(part), part.kind, home));
}

/** What stands beside a part of a request and says something: entries of reasoning stand in order, and their format is that of a signature. */
function saidOf({ kind, extra }: Part): Part['extra'] {
  if (kind !== 'reasoning' || extra === undefined) return extra;
  const { index: _, format: __, ...rest } = extra;
  return rest;
}

/** The same of a reply, whose entries of reasoning are named anew. */
export function toldOf(part: Part): Part['extra'] {
  const said = saidOf(part);
  if (part.kind !== 'reasoning' || said === undefined) return said;
  const { id: _, ...rest } = said;
  return rest;
}

function extraLosses(extra: Readonly<Record<string, unknown>> | undefined, at: string, home: Origin): readonly Loss[] {
  return Object.keys(extra ?? {}).map((name) => ({
    code: 'unknown-field',
    field: `${at}.${name}`,
    weight: 'hint',
    why: `${home} has no such field.`,
  }));
}

/** Names of all fields without a word here: of a reply, its choices, and the calls in them. Each once. */
export function extraNames({ extra, choices }: ChatResponse): readonly string[] {
  const calls = choices.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.kind === 'tool-call' ? [part.extra] : [])),
  );
  const held = [extra, ...choices.map((choice) => choice.extra), ...calls];
  return [...new Set(held.flatMap((fields) => Object.keys(fields ?? {})))];
}
