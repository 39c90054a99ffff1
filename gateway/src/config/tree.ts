/** The document as plain values, with the place of each of them. References to the environment are filled in on the way. */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { JsonRecord } from '../lib/json.ts';
import { allowedText, isDecimal, schemaBelow, SCHEMA, takes, whyNotName } from './describe.ts';
import type { Environment } from './environment.ts';
import { expand } from './environment.ts';
import { FORBIDDEN_KEYS } from './fields.ts';
import type { Finding } from './finding.ts';
import { joinPath } from './path.ts';
import type { Source } from './source.ts';
import { DEPTH_MAX } from './source.ts';

/** Values after aliases are followed. Ten lines of aliases can stand for a billion of them (the "billion laughs"). */
const VALUES_MAX = 100_000;
const KEY_LENGTH_MAX = 1024;
/** A tag stands right before its value, at most an anchor and blank space between them. */
const TAG_BEFORE = /(?<=^|[\s[{,:])(!\S*)(?:\s+&\S+)?\s*$/;
const TAG_LOOK_BACK = 300;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

export interface Place {
  /** Where the key stands; absent for entries of lists and for the document. */
  readonly key?: Span;
  readonly value: Span;
  /** Whether (part of) the value came from the environment, so that it must not be shown. */
  readonly hasReference: boolean;
}
export interface Span {
  readonly offset: number;
  readonly end: number;
}

export interface Tree {
  readonly root: unknown;
  /** What it was read from. */
  readonly text: string;
  /** By the text of the path. */
  readonly places: ReadonlyMap<string, Place>;
  readonly findings: readonly Finding[];
}

/** What the walk knows and has found so far. */
interface Walk {
  readonly env: Environment;
  readonly source: Source;
  readonly text: string;
  readonly places: Map<string, Place>;
  readonly findings: Finding[];
  readonly anchors: Map<string, Node>;
  /** Nodes that are being walked, so that an alias inside its own anchor is seen. */
  readonly open: Set<Node>;
  values: number;
}

/** Where the walk is. */
interface Spot {
  readonly path: string;
  readonly schema: JsonRecord | undefined;
  readonly depth: number;
  readonly key?: Span;
}

/** Turns the document into plain values. `undefined` stands where something was wrong, beside a finding that says so. */
export function readTree(source: Source, text: string, env: Environment): Tree {
  const walk: Walk = {
    env,
    source,
    text,
    places: new Map(),
    findings: [],
    anchors: new Map(),
    open: new Set(),
    values: 0,
  };
  const contents = source.document?.contents ?? undefined;
  const root = read(walk, contents, { path: '', schema: SCHEMA, depth: 0 });
  return { root, text, places: walk.places, findings: walk.findings };
}

function read(walk: Walk, node: unknown, spot: Spot): unknown {
  walk.values += 1;
  // Said once, at the place where it became too much; the rest of the walk ends at once.
  if (walk.values === VALUES_MAX + 1)
    refuse(walk, { path: '', key: spanOf(node, spot) }, 'The aliases of this document stand for too many values.');
  if (walk.values > VALUES_MAX) return undefined;
  const span = spanOf(node, spot);
  walk.places.set(spot.path, {
    ...(spot.key === undefined ? {} : { key: spot.key }),
    value: span,
    hasReference: false,
  });
  if (spot.depth > DEPTH_MAX) return refuse(walk, { ...spot, key: span }, `is nested deeper than ${DEPTH_MAX} levels`);
  if (isAlias(node)) return readAlias(walk, node, spot);
  if (isTagged(node)) return refuseTag(walk, spot, span);
  if (isScalar(node)) {
    remember(walk, node);
    return readScalar(walk, node, spot);
  }
  if (!isMap(node) && !isSeq(node)) return readNothing(walk, spot, span);
  remember(walk, node);
  walk.open.add(node);
  const value = isMap(node) ? readMap(walk, node, spot) : readList(walk, node, spot);
  walk.open.delete(node);
  return value;
}

function remember(walk: Walk, node: Scalar | YAMLMap | YAMLSeq): void {
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
}

function isTagged(node: unknown): node is Scalar | YAMLMap | YAMLSeq {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.tag !== undefined;
}

function refuseTag(walk: Walk, spot: Spot, span: Span): undefined {
  const before = walk.text.slice(Math.max(0, span.offset - TAG_LOOK_BACK), span.offset);
  const match = TAG_BEFORE.exec(before);
  if (match?.[1] === undefined)
    return refuse(walk, { ...spot, key: span }, 'has a tag; tags (`!…`) are not understood');
  const offset = span.offset - before.length + match.index;
  const where = { path: spot.path, key: { offset, end: offset + match[1].length } };
  return refuse(walk, where, `has the tag \`${match[1]}\`; tags are not understood`);
}

function readAlias(walk: Walk, node: Alias, spot: Spot): unknown {
  const target = walk.anchors.get(node.source);
  const span = spanOf(node, spot);
  if (target === undefined)
    return refuse(walk, { ...spot, key: span }, `refers to \`*${node.source}\`, which is not defined above it`);
  if (walk.open.has(target))
    return refuse(walk, { ...spot, key: span }, `refers to \`*${node.source}\`, which it is itself a part of`);
  return read(walk, target, { ...spot, depth: spot.depth + 1 });
}

function readMap(walk: Walk, map: YAMLMap, spot: Spot): unknown {
  const values: Record<string, unknown> = {};
  const firsts = new Map<string, Span>();
  for (const pair of map.items) {
    const name = readKey(walk, pair, spot);
    if (name === undefined) continue;
    const path = joinPath(spot.path, name);
    const key = spanOf(pair.key, spot);
    const first = firsts.get(name);
    if (first !== undefined) {
      const { line } = walk.source.lines.linePos(first.offset);
      refuse(walk, { path, key }, `stands here a second time; the first is on line ${line}`);
      continue;
    }
    firsts.set(name, key);
    // The schema checks names too, but not beside errors in the values; here one run shows all of them.
    const reason = whyNotName(spot.schema, name);
    if (reason !== undefined) refuse(walk, { path, key }, reason);
    const value = read(walk, pair.value, { path, key, schema: schemaBelow(spot.schema, name), depth: spot.depth + 1 });
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** The key as it is written: `1.0` stays `1.0`. */
function readKey(walk: Walk, pair: Pair, spot: Spot): string | undefined {
  const { key } = pair;
  const where = { path: spot.path, key: spanOf(key, spot) };
  const written = isScalar(key) ? (typeof key.value === 'string' ? key.value : key.source) : undefined;
  if (written === undefined || written === '' || written.length > KEY_LENGTH_MAX || isTagged(key)) {
    refuse(walk, where, 'has a key that is not a plain word or text');
    return undefined;
  }
  if (FORBIDDEN_KEYS.has(written)) {
    refuse(walk, where, `has the key \`${written}\`, which is not allowed anywhere`);
    return undefined;
  }
  return written;
}

function readList(walk: Walk, items: YAMLSeq, spot: Spot): unknown {
  return items.items.map((item, index) =>
    read(walk, item, {
      path: joinPath(spot.path, index),
      schema: schemaBelow(spot.schema, index),
      depth: spot.depth + 1,
    }),
  );
}

function readScalar(walk: Walk, node: Scalar, spot: Spot): unknown {
  const { value } = node;
  const span = spanOf(node, spot);
  if (value === null) return readNothing(walk, spot, span);
  if (typeof value === 'string') return readText(walk, value, { spot, span });
  if (typeof value === 'number' && isDecimal(spot.schema)) return node.source ?? '';
  return value;
}

/** An empty place: a group or list without entries where one is expected (`routes:`), else a forgotten value. */
function readNothing(walk: Walk, spot: Spot, span: Span): unknown {
  if (takes(spot.schema, 'object')) return {};
  if (takes(spot.schema, 'array') && !takes(spot.schema, 'string')) return [];
  const allowed = allowedText(spot.schema);
  refuse(walk, { ...spot, key: spot.key ?? span, ...(allowed === undefined ? {} : { allowed }) }, 'has no value');
  return undefined;
}

function readText(walk: Walk, written: string, { spot, span }: { readonly spot: Spot; readonly span: Span }): unknown {
  const { text, hasReference, problems } = expand(written, walk.env);
  if (!hasReference) return text;
  walk.places.set(spot.path, { ...(spot.key === undefined ? {} : { key: spot.key }), value: span, hasReference });
  const source = walk.text.slice(span.offset, span.end);
  for (const { reference, message } of problems) {
    const index = source.indexOf(reference);
    const offset = index === -1 ? span.offset : span.offset + index;
    const end = index === -1 ? span.end : offset + reference.length;
    refuse(walk, { path: spot.path, key: { offset, end } }, message);
  }
  return problems.length > 0 ? undefined : asExpected(text, spot.schema);
}

/** The environment knows only texts: where a number or a boolean is expected, and the text is one, it is meant. */
function asExpected(text: string, schema: JsonRecord | undefined): unknown {
  if (schema === undefined || takes(schema, 'string')) return text;
  if (takes(schema, 'number') && NUMBER.test(text)) return Number(text);
  if (takes(schema, 'boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

interface Where {
  readonly path: string;
  readonly key?: Span;
  readonly allowed?: string;
}

function refuse(walk: Walk, where: Where, message: string): undefined {
  const span = where.key ?? { offset: 0, end: 1 };
  const allowed = where.allowed === undefined ? {} : { allowed: where.allowed };
  walk.findings.push({ path: where.path, ...span, message, level: 'error', ...allowed });
}

function spanOf(node: unknown, spot: Spot): Span {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  if (range === undefined || range === null) return spot.key ?? { offset: 0, end: 1 };
  return { offset: range[0], end: Math.max(range[0] + 1, range[1]) };
}
