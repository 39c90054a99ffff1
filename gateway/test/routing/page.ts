/** docs/reference/routing-simulation.md, written from the runs. */
import { checkCompliance, type Tally } from './compliance/check.ts';
import type { Section, Table } from './measures.ts';
import type { Scale } from './scale.ts';
import { SCENARIOS } from './sections.ts';

const INTRO = `# Routing, simulated

Made by \`npm run generate\` from \`gateway/test/routing/\`; do not edit.

The real plan, the real next step after a failure and all that health learns, against a model of providers: thousands of requests in virtual time, without sockets. The same seed gives the same numbers. Each scenario sends the same requests with the same luck through Turnout and through what others do; where it says *knows*, a router reads the model's own state, which nobody could.

Where the model is simpler than the world:

- Times to a first token are lognormal about a median that prompt length, load and wandering speed move. Load is felt as found on arrival.
- Rate limits are buckets that fill evenly over a minute. Outages and errors are those of \`turnout simulate\`'s weather; an answer that has begun comes to its end.
- A prompt cache holds whole conversations, for five minutes from the last turn. Conversations go on whatever the answers were.
- Prices, speeds and qualities are made up, in the proportions of real ones. Quality is a chance by model and task; nobody judges texts.
- Callers do not try again by themselves. One gateway process; several would learn apart from each other.
`;

/** Random policies and requests on the page. */
const COMPLIANCE_REQUESTS: Readonly<Record<Scale, number>> = { fast: 5000, full: 100_000 };
export const COMPLIANCE_SEED = 1;

export function simulationPage(scale: Scale): string {
  const sections = Object.values(SCENARIOS).flatMap((run) => run(scale));
  const tally = checkCompliance(COMPLIANCE_REQUESTS[scale], COMPLIANCE_SEED);
  return [INTRO, ...sections.map(sectionText), complianceText(tally)].join('\n');
}

export function sectionText({ title, about, table }: Section): string {
  return `## ${title}\n\n${about}\n\n${tableText(table)}\n`;
}

function tableText({ head, rows }: Table): string {
  const lines = [head, ['---', ...head.slice(1).map(() => '---:')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function complianceText(tally: Tally): string {
  const rows: readonly (readonly [string, number])[] = [
    ['policies, each a file of its own', tally.policies],
    ['requests', tally.requests],
    ['of them with no target that may take them: all refused', tally.forbidden],
    ['of them with some targets left out', tally.narrowed],
    ['targets planned, for a first try, a fallback or a hedge', tally.planned],
    ['attempts on ways where everything fails', tally.attempts],
    ['**targets planned or asked that the judge forbids**', tally.violations.length],
    ['targets that the judge allows, and the plan left out', tally.needless.length],
  ];
  const table = { head: ['', 'count'], rows: rows.map(([name, count]) => [name, String(count)]) };
  const about =
    'Random providers (regions, certificates, retention, training, prices, tags, some of it unknown), random routes over them (tiers, rules in CEL, requirements, routes inside routes, every strategy, sticky, exploring) and random requests (caller’s region, sensitive data, task, own requirements and wishes), from the text of the configuration to the last fallback while everything fails and health changes. A judge written from the words of the requirements alone says which targets may see a request.';
  return sectionText({ title: 'Compliance: what may not happen', about, table, figures: {} });
}
