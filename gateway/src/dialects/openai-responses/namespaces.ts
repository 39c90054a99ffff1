/**
 * Namespaces: groups of functions under one name, as Codex declares them. No other protocol has such, so that each function is
 * declared by itself there, the group's name before its own; a call of it is told to the caller in the caller's two names.
 */
import type { Part } from '../../chat/part.ts';
import type { Tool } from '../../chat/request.ts';
import { asArray, asString, compact, isRecord, type JsonRecord } from '../../lib/json.ts';
import { fittedId } from '../fitted-id.ts';

/** Shortest bound of a tool's name among the other protocols. */
const NAME_MAX = 64;

/** What a function of a group is called elsewhere. */
export function joinedName(namespace: string, name: string): string {
  return fittedId(`${namespace}__${name}`, /[^\w-]+/g, NAME_MAX);
}

/** The functions of a group; undefined where it is none, or holds tools of other kinds, which nobody else could be asked for. */
export function readNamespace(
  tool: JsonRecord,
  at: string,
  readFunction: (tool: JsonRecord, at: string) => Tool,
): readonly Tool[] | undefined {
  const { tools, ...group } = tool;
  const name = asString(tool['name']);
  const list = (asArray(tools) ?? []).filter(isRecord);
  if (tool['type'] !== 'namespace' || name === undefined || list.length === 0) return undefined;
  const read = list.map((inner, index) => readFunction(inner, `${at}.tools[${index}]`));
  const functions = read.filter((inner) => inner.kind === 'function');
  if (functions.length < read.length) return undefined;
  return functions.map((inner) => ({
    ...inner,
    name: joinedName(name, inner.name),
    namespace: { name, tool: inner.name, at, group },
  }));
}

/** Tools as they are written, those of one group within it. */
export function writeGrouped(
  tools: readonly Tool[],
  write: (tool: Tool) => readonly JsonRecord[],
): readonly JsonRecord[] {
  const written: JsonRecord[] = [];
  let open: { readonly at: string; readonly tools: JsonRecord[] } | undefined;
  for (const tool of tools) {
    const namespace = tool.kind === 'function' ? tool.namespace : undefined;
    if (tool.kind !== 'function' || namespace === undefined) {
      open = undefined;
      written.push(...write(tool));
      continue;
    }
    if (open?.at !== namespace.at) {
      open = { at: namespace.at, tools: [] };
      written.push({ ...namespace.group, tools: open.tools });
    }
    open.tools.push(...write({ ...tool, name: namespace.tool }));
  }
  return written;
}

/** A call of an earlier turn, by the name that its function has elsewhere. */
export function withJoinedName(part: Part): Part {
  if (part.kind !== 'tool-call' || part.extra === undefined) return part;
  const { namespace, ...rest } = part.extra;
  if (typeof namespace !== 'string') return part;
  const extra = Object.keys(rest).length === 0 ? undefined : rest;
  const { extra: _, ...call } = part;
  const joined = { name: joinedName(namespace, part.name), namespace: { name: namespace, tool: part.name } };
  return compact({ ...call, ...joined, extra });
}

/** What a function is called in a request of this wire, by its name elsewhere. */
export type Names = ReadonlyMap<string, { readonly name: string; readonly namespace: string }>;

const NO_NAMES: Names = new Map();

export function namesIn(request: JsonRecord | undefined): Names {
  const groups = (asArray(request?.['tools']) ?? []).filter(isRecord).filter((tool) => tool['type'] === 'namespace');
  if (groups.length === 0) return NO_NAMES;
  const rows = groups.flatMap((group) => {
    const namespace = asString(group['name']) ?? '';
    return (asArray(group['tools']) ?? []).flatMap((tool) => {
      const name = isRecord(tool) ? asString(tool['name']) : undefined;
      return name === undefined ? [] : [[joinedName(namespace, name), { name, namespace }] as const];
    });
  });
  return new Map(rows);
}
