/** The matrix as tables of the page on translation: one a client's protocol, a row a feature, a column a target. */
import { CLIENTS, PROVIDERS } from './cells.ts';
import { FEATURES, type Client, type FeatureId, type Provider } from './kinds.ts';
import { keyOf, readOutcomes, type Outcomes } from './outcomes.ts';
import { allCells } from './run.ts';

const BESIDE = PROVIDERS.flatMap(({ title, beside }) =>
  beside.length === 0 ? [] : [`${beside.map((field) => `\`${field}\``).join(', ')} of ${title}`],
).join('; ');

const LEGEND = `Each cell is run through a gateway, over sockets, to a provider of that wire that is simulated: whole and streamed, and with a second turn where there are tools. What reaches the provider is read from the wire's own fields, and what the client gets from its protocol's.

- ✓ works. ✓ with fields: it works, and these fields did not arrive as they were (a schema went as a tool or in words); the header \`x-turnout-adapted\` names them.
- **without** fields: it goes on without them, and the header names them.
- ✗ field: refused with 400, a sentence that names the field and says why. With \`x-turnout-adapt: true\` it goes on without.
- Empty: the client's protocol, or the target's, has no such thing.

Not shown are fields of a provider's own beside each of its replies, which the header names too: ${BESIDE}. *Error 400* to *500*: the provider's status; the caller gets its own protocol's error, with the provider's words where they are meant for it, \`retry-after\` and \`x-should-retry\`. Which models stand for a wire: ${PROVIDERS.map(({ title, model }) => `${title} \`${model}\``).join(', ')}.`;

/** The whole section. */
export function matrixSection(): string {
  const outcomes = readOutcomes();
  return `## The matrix\n\n${LEGEND}\n\n${CLIENTS.map((client) => clientTable(client, outcomes)).join('\n\n')}`;
}

function clientTable(client: Client, outcomes: Outcomes): string {
  const cells = allCells().filter((cell) => cell.client === client);
  const features = [...new Set(cells.map(({ feature }) => feature))];
  const rows = features.map((feature) => [
    FEATURES[feature],
    ...PROVIDERS.map((provider) => cellOf({ client, feature, provider }, outcomes)),
  ]);
  const head = ['', ...PROVIDERS.map(({ title }) => title)];
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `### ${client.title}\n\n${lines.join('\n')}`;
}

interface At {
  readonly client: Client;
  readonly feature: FeatureId;
  readonly provider: Provider;
}

function cellOf(at: At, outcomes: Outcomes): string {
  const [whole = '', streamed = whole] = (outcomes.get(keyOf(at)) ?? '').split('; streamed: ');
  const [first, second] = [shown(whole), shown(streamed)];
  return first === second ? first : `${first}; streamed: ${second}`;
}

function fieldsOf(outcome: string): readonly string[] {
  const [, fields = ''] = outcome.split(': ');
  return fields === '' ? [] : fields.split(', ');
}

const MARKS: Readonly<Record<string, string>> = {
  works: '✓',
  adapted: '✓',
  'left out': '**without**',
  refused: '✗',
  '-': '',
};

function shown(outcome: string): string {
  const mark = MARKS[outcome.split(':')[0] ?? ''] ?? outcome;
  const fields = fieldsOf(outcome);
  return [mark, fields.map((field) => `\`${field}\``).join(', ')].filter((text) => text !== '').join(' ');
}
