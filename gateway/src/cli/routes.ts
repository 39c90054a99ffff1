/** `turnout routes`: every route in plain words, as text or as a page that a team can review and keep. */
import { resolve } from 'node:path';
import { pagesOf, type RoutePage } from '../routing/describe.ts';
import { loadCatalog } from './catalog-file.ts';
import { loadConfiguration, today, type Loaded } from './configuration.ts';
import { providersInEnvironment } from './discover.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { dataDirOf, EXIT, inert, runCommand } from './output.ts';
import { noMore, wantsJson } from './words.ts';

const HELP = `turnout routes [NAME] [--markdown] [--json]

What each route does, in words made of the configuration: order, requirements, rules, fallbacks, cases.

  --markdown     a page to review, the same for the same file
  --config FILE  the configuration (else TURNOUT_CONFIG, else turnout.yaml)
  --data DIR     the data folder (else TURNOUT_DATA, else ./data)
  --json         for programs
`;

const OPTIONS = {
  markdown: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  config: { type: 'string' },
  data: { type: 'string' },
} as const;

/** Runs `turnout routes …`; gives the exit code. */
export async function routesCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const [name, ...more] = words.positionals;
    noMore(more);
    const file = resolve(io.cwd, textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'] ?? 'turnout.yaml');
    const loaded = await load(file, dataDirOf(textOf(words, 'data'), io), io);
    const pages = pagesOf(loaded.config, loaded.snapshot).filter((page) => name === undefined || page.name === name);
    if (name !== undefined && pages.length === 0) throw new Error(`there is no route ${inert(name)}`);
    if (wantsJson(words)) io.stdout(`${JSON.stringify({ data: pages }, undefined, 2)}\n`);
    else io.stdout(words.values['markdown'] === true ? markdown(pages) : text(pages));
    return EXIT.ok;
  });
}

async function load(file: string, dataDir: string, io: CommandIo): Promise<Loaded> {
  const catalog = loadCatalog(dataDir);
  const fallbackProviders = providersInEnvironment(catalog, io.env);
  const loaded = await loadConfiguration({ file, env: io.env, catalog, fallbackProviders, today: today() });
  if (!loaded.ok) throw new Error(loaded.error.shown);
  return loaded.value;
}

function text(pages: readonly RoutePage[]): string {
  if (pages.length === 0) return 'no routes\n';
  return `${pages.map(textOfPage).join('\n\n')}\n`;
}

function textOfPage({ name, description, summary, rules, cases, warnings }: RoutePage): string {
  const lines = [
    `${name}${description === undefined ? '' : `: ${inert(description)}`}`,
    ...summary.map((sentence) => `  ${inert(sentence)}`),
    ...rules.map((rule) => `  ${labelOf(rule.name)}, when ${inert(rule.when)}: ${inert(rule.does)}`),
    ...cases.map((one) => `  case ${inert(one.name)}: ${inert(one.expects)}`),
    ...warnings.map((warning) => `  warning: ${inert(warning)}`),
  ];
  return lines.join('\n');
}

/** A rule without a name is called by its number already. */
function labelOf(rule: string): string {
  return rule.startsWith('rule ') ? rule : `rule ${inert(rule)}`;
}

function markdown(pages: readonly RoutePage[]): string {
  const head = '# Routes\n\nMade by `turnout routes --markdown` of the configuration; what it says is what is done.\n';
  return [head, ...pages.map(markdownOfPage)].join('\n');
}

function markdownOfPage(page: RoutePage): string {
  const { name, description, summary, rules, targets, cases, warnings } = page;
  const parts = [
    [`## ${plain(name)}`],
    description === undefined ? [] : [`> ${plain(description)}`],
    [summary.map(plain).join(' ')],
    rules.length === 0
      ? []
      : [
          'The first of these rules that holds decides:',
          tableOf(
            ['rule', 'when', 'then'],
            rules.map((rule) => [plain(rule.name), code(rule.when), plain(rule.does)]),
          ),
        ],
    cases.length === 0
      ? []
      : [
          'Held to these cases by `turnout check`:',
          tableOf(
            ['case', 'goes'],
            cases.map((one) => [plain(one.name), plain(one.expects)]),
          ),
        ],
    [`Targets today: ${targets.length === 0 ? 'none' : targets.map(code).join(', ')}.`],
    warnings.length === 0 ? [] : [warnings.map((warning) => `- Warning: ${inert(warning)}`).join('\n')],
  ];
  return `${parts.flat().join('\n\n')}\n`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Words of the file without what Markdown or HTML would make of them. */
function plain(words: string): string {
  return inert(words).replaceAll(/[\\`*_[\]<>#]/g, (mark) => `\\${mark}`);
}

/** In backticks, as many as it takes. */
function code(words: string): string {
  const fence = words.includes('`') ? '``' : '`';
  return `${fence}${inert(words)}${fence}`;
}
