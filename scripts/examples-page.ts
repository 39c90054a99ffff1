/** The page examples/README.md, made of the examples themselves: what each says of itself, and a picture of its routes. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../gateway/src/config/load.ts';
import type { Config } from '../gateway/src/config/schema.ts';

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples', 'routes');

type Route = Config['routes'][string];
type Rule = NonNullable<Route['rules']>[number];
type Require = NonNullable<Route['require']>;

const HEAD = `# Examples

Made by \`npm run generate\` from the files in [routes/](routes); do not edit.

Each file is a whole configuration: keys come from the environment (\`OPENAI_API_KEY\` and the like), and the cases under \`expect\` say where requests go. Look at one, change it, check it:

\`\`\`
cp examples/routes/support.yaml turnout.yaml
npm run turnout -- check
npm start
\`\`\`

Callers name the route in the place of a model: \`"model": "support"\`. In the pictures a rule is a hexagon, asked from left to right; a box holds targets, in what order, and what they must be.
`;

/** The examples' files, by name. */
export function exampleFiles(): readonly { readonly name: string; readonly text: string }[] {
  const paths = globSync('*.yaml', { cwd: FOLDER }).toSorted();
  return paths.map((path) => ({ name: basename(path, '.yaml'), text: readFileSync(join(FOLDER, path), 'utf8') }));
}

export function examplesPage(): string {
  return [HEAD, ...exampleFiles().map(section)].join('\n');
}

function section({ name, text }: { readonly name: string; readonly text: string }): string {
  const read = parseConfig(text, { file: `${name}.yaml`, env: {} });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const routes = Object.entries(read.value.config.routes).map(([route, policy]) => picture(route, policy));
  return `## [${name}](routes/${name}.yaml)\n\n${commentOf(text)}\n\n${routes.join('\n')}`;
}

/** The comment at the head of a file, as one paragraph. */
function commentOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^# ?/, ''))
    .join(' ');
}

function picture(name: string, route: Route): string {
  const rules = route.rules ?? [];
  const after = (index: number): string => (index < rules.length ? `rule${index}` : 'rest');
  const lines = [
    `request([${label(name)}]) --> ${after(0)}`,
    ...rules.flatMap((rule, index) => [
      `rule${index}{{${label(rule.name ?? `rule ${index + 1}`, rule.when.trim().replaceAll('facts.', ''))}}}`,
      `rule${index} -- yes --> use${index}[${label(...outcome(rule, route))}]`,
      `rule${index} -- no --> ${after(index + 1)}`,
    ]),
    `rest[${label(...targetsOf(route), order(route), ...only(route.require))}]`,
  ];
  const cases = route.expect?.length ?? 0;
  return `\`${name}\`: ${route.description ?? ''} (${cases} cases).\n\n\`\`\`mermaid\nflowchart LR\n${lines.map((line) => `  ${line}\n`).join('')}\`\`\`\n`;
}

/** What a rule that holds makes of its route. */
function outcome({ use, require, refuse }: Rule, route: Route): readonly string[] {
  if (refuse !== undefined) return [`refused: ${refuse}`];
  const required = [...only(route.require), ...only(require)];
  return [...targetsOf(use?.targets === undefined ? route : use), order({ ...route, ...use }), ...required];
}

function targetsOf({ targets = [] }: Pick<Route, 'targets'>): readonly string[] {
  return targets.map((one) => ('target' in one ? one.target : 'chosen from the catalog'));
}

function order({ strategy, weigh }: Pick<Route, 'strategy' | 'weigh'>): string {
  if (strategy === 'ordered') return 'in this order';
  if (strategy !== 'balanced' || weigh === undefined) return `by ${strategy}`;
  const parts = Object.entries(weigh).filter(([, weight]) => weight > 0);
  return `by ${parts.map(([what, weight]) => `${what} ${weight}`).join(', ')}`;
}

function only(require: Require | undefined): readonly string[] {
  if (require === undefined) return [];
  const parts = Object.entries(require).map(([what, value]) => `${what} ${words(value)}`);
  return [`only: ${parts.join(', ')}`];
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([what, part]) => `${what} ${String(part)}`)
    .join(' ');
}

/** Lines in quotation marks. What Mermaid would read as its own stands there by its number. */
function label(...lines: readonly string[]): string {
  const escaped = lines.map((line) => line.replaceAll(/["<>&`#\\|]/g, (sign) => `#${sign.charCodeAt(0)};`));
  return `"${escaped.join('<br>')}"`;
}
