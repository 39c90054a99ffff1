/** Rules, regions and ranges of a configuration: what is wrong with each, and with the rules of a route together. */
import { asArray, asRecord, asString } from '../lib/json.ts';
import { compileExpression } from '../policy/expression.ts';
import { lintRules, type LintedRule } from '../policy/lint.ts';
import { compileRanges } from '../policy/ranges.ts';
import { isKnownRegion, nearRegion } from '../policy/regions.ts';
import type { OwnValues } from '../policy/vocabulary.ts';
import { entries, type Found, type Root } from './note.ts';
import type { PathStep } from './path.ts';

export function checkPolicies(root: Root): readonly Found[] {
  const own = ownValuesOf(root);
  const rules = entries(root, 'routes').flatMap(([name, route]) => checkRules(asRecord(route) ?? {}, name, own));
  return [...rules, ...checkRegions(root), ...checkRanges(root), ...checkProxies(root)];
}

/** The values of facts that only this file knows. */
export function ownValuesOf(root: Root): OwnValues {
  return {
    intent: entries(root, 'intents').map(([name]) => name),
    topics: entries(root, 'topics').map(([name]) => name),
  };
}

function checkRules(route: Root, name: string, own: OwnValues): readonly Found[] {
  const found: Found[] = [...checkRuleNames(route, name)];
  const linted: LintedRule[] = [];
  const rules = asArray(route['rules']) ?? [];
  for (const [index, value] of rules.entries()) {
    const rule = asRecord(value) ?? {};
    const source = asString(rule['when']);
    if (source === undefined) continue;
    const compiled = compileExpression(source, own);
    const title = asString(rule['name']);
    if (compiled.ok) linted.push({ when: compiled.value, ...(title === undefined ? {} : { name: title }) });
    else found.push([whenOf(name, index), { message: compiled.error.message, inside: compiled.error.offset }]);
  }
  // Beside a rule that cannot be read, which rules are reached cannot be told.
  if (linted.length < rules.length) return found;
  const findings = lintRules(linted, own).map(({ rule, message, offset, suggestion }): Found => [
    whenOf(name, rule),
    { level: 'warning', message, inside: offset, ...(suggestion === undefined ? {} : { suggestion }) },
  ]);
  return [...found, ...findings];
}

/** Records name the rule that decided, and nothing else of it: a name that two have would tell of either. */
function checkRuleNames(route: Root, name: string): readonly Found[] {
  const first = new Map<string, number>();
  const titles = (asArray(route['rules']) ?? []).map((rule) => asString(asRecord(rule)?.['name']));
  for (const [index, title] of titles.entries()) if (title === undefined) first.set(ruleName(index), index);
  return titles.flatMap((title, index): readonly Found[] => {
    if (title === undefined) return [];
    const other = first.get(title);
    if (other === undefined) {
      first.set(title, index);
      return [];
    }
    const message = `\`${title}\` is what rule ${other + 1} is called: records could not tell them apart`;
    return [[['routes', name, 'rules', index, 'name'], { message }]];
  });
}

/** What a rule without a name is called, in its place from 0. */
export function ruleName(index: number): string {
  return `rule ${index + 1}`;
}

function whenOf(route: string, rule: number): readonly PathStep[] {
  return ['routes', route, 'rules', rule, 'when'];
}

interface NamedRegion {
  readonly name: string;
  readonly path: readonly PathStep[];
}

/** Names of regions that we do not know: allowed, for a place of one's own; but then it lies in nothing but itself. */
function checkRegions(root: Root): readonly Found[] {
  const places = ['server', 'providers', 'callers'].flatMap((section) => regionsIn(root[section], [section]));
  const wishes = regionsIn(root['routes'], ['routes']);
  const isPlace = new Set(places.map(({ name }) => name));
  return [...places, ...wishes].flatMap(({ name, path }): readonly Found[] => {
    if (isKnownRegion(name) || name === 'caller') return [];
    const suggestion = nearRegion(name);
    // A place of one's own that requirements name too is meant.
    if (suggestion === undefined && isPlace.has(name) && wishes.some((wish) => wish.name === name)) return [];
    const message = `names \`${name}\`, which is no known region, country or zone: it lies in nothing but itself`;
    return [[path, { level: 'warning', message, ...(suggestion === undefined ? {} : { suggestion }) }]];
  });
}

/** Every `region` below a value: one name, or several. */
function regionsIn(value: unknown, path: readonly PathStep[]): readonly NamedRegion[] {
  const list = asArray(value);
  if (list !== undefined) return list.flatMap((item, index) => regionsIn(item, [...path, index]));
  return Object.entries(asRecord(value) ?? {}).flatMap(([key, item]) =>
    key === 'region' ? namesIn(item, [...path, key]) : regionsIn(item, [...path, key]),
  );
}

function namesIn(value: unknown, path: readonly PathStep[]): readonly NamedRegion[] {
  const name = asString(value);
  if (name !== undefined) return [{ name, path }];
  return (asArray(value) ?? []).flatMap((item, index) => namesIn(item, [...path, index]));
}

function checkProxies(root: Root): readonly Found[] {
  const rows = asArray(asRecord(root['server'])?.['trusted_proxies']) ?? [];
  const ranges = rows.map((row) => ({ range: asString(row) ?? '', region: 'proxy' }));
  if (ranges.some(({ range }) => range === '')) return [];
  const compiled = compileRanges(ranges);
  if (compiled.ok) return [];
  const { index, message } = compiled.error;
  return [[['server', 'trusted_proxies', index], { message }]];
}

function checkRanges(root: Root): readonly Found[] {
  const rows = asArray(asRecord(root['callers'])?.['regions']) ?? [];
  const ranges = rows.map((row) => ({
    range: asString(asRecord(row)?.['range']) ?? '',
    region: asString(asRecord(row)?.['region']) ?? '',
  }));
  // A row without its words is the schema's to refuse.
  if (ranges.some(({ range, region }) => range === '' || region === '')) return [];
  const compiled = compileRanges(ranges);
  if (compiled.ok) return [];
  const { index, message } = compiled.error;
  return [[['callers', 'regions', index, 'range'], { message }]];
}
