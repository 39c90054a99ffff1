/** docs/reference/translation.md, written from what the dialects do with the cases. */
import { lossCodes } from '../../src/chat/loss-codes.ts';
import { matrixSection } from '../matrix/table.ts';
import { operationLosses, type OperationLoss } from './operation-losses.ts';
import { ENDS, endOf } from './reply-cases.ts';
import { REQUEST_CASES } from './request-cases.ts';
import { WIRES, type ProviderWire } from './wires.ts';
import {
  delivered,
  replyPairs,
  replyRows,
  requestPairs,
  requestRows,
  requestThingRows,
  thingRows,
  type Fate,
  type LossRow,
  type ThingRow,
} from './run.ts';

const NAMES: Readonly<Record<ProviderWire, string>> = {
  'openai-chat': 'OpenAI chat',
  'openai-responses': 'OpenAI responses',
  'anthropic-messages': 'Anthropic',
  gemini: 'Gemini',
  'bedrock-converse': 'Bedrock',
  'bedrock-invoke': 'Bedrock’s text models',
  replicate: 'Replicate',
  cohere: 'Cohere',
  ollama: 'Ollama',
};

const INTRO = `# Translation

Made by \`npm run generate\` from what the gateway does with ${REQUEST_CASES.length} small requests and their replies; do not edit.

Where the caller and the provider speak the same protocol, nothing on this page happens: the bytes go through.
Elsewhere a request is read into one language and written in the other. What the other side cannot say is a **loss**, and has one of two weights:

- **meaning**: the answer would be another one. The request is refused with 400 and the name of the field, unless it says \`x-turnout-adapt: true\` (or \`turnout: {"adapt": true}\`); then it goes on without.
- **hint**: the answer is as good without. It goes on unasked.

All fields that were lost are named in the reply header \`x-turnout-adapted\`, and in the record of the request with their code and sentence. What only turns out when a stream has begun stands in the record.

The names in the tables are those of the protocols: \`openai-chat\` (${NAMES['openai-chat']} completions and all who speak it), \`openai-responses\`, \`anthropic-messages\`, \`gemini\`, \`cohere\`, and, of providers only, \`ollama\`, \`bedrock-converse\` (${NAMES['bedrock-converse']}, whose models take each another part of its wire) and \`bedrock-invoke\` and \`replicate\` (${NAMES['bedrock-invoke']}, and ${NAMES['replicate']}’s, which know only a prompt).
`;

const FATES: Readonly<Record<Fate, string>> = {
  kept: 'kept',
  carried: 'carried',
  mended: 'made here',
  lost: '**lost**',
  'in a header': 'in a header',
  'gone in silence': '**gone in silence**',
  'no such thing': '',
};

/** The whole page. */
export function translationPage(): string {
  const sections = [
    INTRO,
    matrixSection(),
    codesSection(),
    requestThingsSection(),
    thingsSection(),
    endsSection(),
    requestSections(),
    replySections(),
    operationsSection(),
  ];
  return `${sections.map((section) => section.trimEnd()).join('\n\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`);
  return lines.join('\n');
}

function codesSection(): string {
  const rows = Object.entries(lossCodes).map(([code, what]) => [`\`${code}\``, what]);
  return `## Kinds of losses\n\n${table(['code', 'what it is'], rows)}`;
}

function requestThingsSection(): string {
  const rows = requestThingRows();
  const tables = WIRES.map((from) => {
    const own = rows.filter((row) => row.from === from);
    const targets = requestPairs().flatMap(([client, to]) => (client === from ? [to] : []));
    const fate = (name: string, to: ProviderWire): Fate =>
      own.find((row) => row.name === name && row.to === to)?.fate ?? 'no such thing';
    const names = namesOf(own.filter((row) => row.fate !== 'no such thing'));
    const body = names.map((name) => [name, ...targets.map((to) => FATES[fate(name, to)])]);
    return `### Of a client of ${NAMES[from]}\n\n${table(['to', ...targets.map((to) => NAMES[to])], body)}`;
  });
  const intro = `## What becomes of a request

*Kept*: the provider gets it in its own form. *Made here*: the provider has no word for it, and the gateway does it; it is named, too. *Lost*: it is named.`;
  return `${intro}\n\n${tables.join('\n\n')}`;
}

function namesOf(rows: readonly { readonly name: string }[]): readonly string[] {
  return [...new Set(rows.map((row) => row.name))];
}

function thingsSection(): string {
  const rows = thingRows();
  const tables = WIRES.map((to) => {
    const own = rows.filter((row) => row.to === to);
    const providers = replyPairs().flatMap(([from, client]) => (client === to ? [from] : []));
    const body = namesOf(own).map((name) => [
      name,
      ...providers.map((from) => fateCell(own.find((row) => row.name === name && row.from === from))),
    ]);
    return `### To a client of ${NAMES[to]}\n\n${table(['from', ...providers.map((from) => NAMES[from])], body)}`;
  });
  const intro = `## What becomes of a reply

*Kept*: the client sees it where its protocol has it. *Carried*: its protocol has no place for it; it travels in another field, and is itself again when the client sends the reply back as history. *Lost*: it is named. *In a header*: the reply's headers tell it. Empty: the provider's protocol has no such thing.`;
  return `${intro}\n\n${tables.join('\n\n')}`;
}

function fateCell(row: ThingRow | undefined): string {
  if (row === undefined) return '';
  return row.whole === row.stream ? FATES[row.whole] : `${FATES[row.whole]}; streamed: ${FATES[row.stream]}`;
}

function endsSection(): string {
  const rows = ENDS.map(({ from, word, reply }) => [
    `${NAMES[from]}: \`${word}\``,
    ...WIRES.map((to) => (to === from ? '' : endCell(from, to, reply))),
  ]);
  return `## Why a reply ended

A word that became another one without the same sense is named in the header (*).

${table(['the provider says', ...WIRES.map((to) => `${NAMES[to]}'s clients get`)], rows)}`;
}

function endCell(from: ProviderWire, to: (typeof WIRES)[number], reply: (typeof ENDS)[number]['reply']): string {
  const { whole, stream } = delivered(from, to, reply);
  const isNamed = whole.losses.some((loss) => loss.code === 'finish');
  const words = [...new Set([endOf(to, whole.body), endOf(to, stream.body)])];
  return `${words.map((word) => `\`${word}\``).join(', ')}${isNamed ? ' *' : ''}`;
}

function requestSections(): string {
  const rows = requestRows(REQUEST_CASES);
  return requestPairs()
    .map(([from, to]) =>
      lossSection(
        `## Requests: ${NAMES[from]} → ${NAMES[to]}`,
        rows.filter((row) => row.from === from && row.to === to),
        true,
      ),
    )
    .join('\n\n');
}

function replySections(): string {
  const rows = replyRows();
  return replyPairs()
    .map(([from, to]) =>
      lossSection(
        `## Replies: ${NAMES[from]} → ${NAMES[to]}`,
        rows.filter((row) => row.from === from && row.to === to),
        false,
      ),
    )
    .join('\n\n');
}

/** One line for fields that share all the rest. */
function joined(rows: readonly LossRow[]): readonly (LossRow & { readonly fields: readonly string[] })[] {
  const groups = new Map<string, LossRow & { fields: string[] }>();
  for (const row of rows) {
    const key = [row.code, row.weight, row.why, row.models.join()].join('|');
    const group = groups.get(key) ?? { ...row, fields: [] };
    group.fields.push(row.field);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function lossSection(title: string, rows: readonly LossRow[], hasModels: boolean): string {
  const order = Object.keys(lossCodes);
  const sorted = rows.toSorted(
    (a, b) =>
      order.indexOf(a.code) - order.indexOf(b.code) ||
      a.field.localeCompare(b.field, 'en') ||
      a.why.localeCompare(b.why, 'en'),
  );
  const body = joined(sorted).map((row) => [
    `\`${row.code}\``,
    row.fields.map((field) => `\`${field}\``).join(', '),
    row.weight,
    ...(hasModels ? [row.models.map((name) => `\`${name}\``).join(', ')] : []),
    row.why,
  ]);
  return `${title}\n\n${table(['code', 'field', 'weight', ...(hasModels ? ['at'] : []), 'what was done instead, and why'], body)}`;
}

/** A row a field and reason, with the wires that do not have it. */
function operationsSection(): string {
  const groups = new Map<string, { readonly row: OperationLoss; readonly to: Set<string> }>();
  for (const row of operationLosses()) {
    const why = row.why.replace(row.to, 'This form');
    const key = [row.operation, row.from, row.field, row.weight, why].join('|');
    const group = groups.get(key) ?? { row: { ...row, why }, to: new Set() };
    group.to.add(row.to);
    groups.set(key, group);
  }
  const rows = [...groups.values()].map(({ row, to }) => [
    row.from,
    `\`${row.field}\``,
    row.weight,
    [...to].map((wire) => `\`${wire}\``).join(', '),
    row.why,
  ]);
  const intro = `## Embeddings, reranking, pictures

The same two weights, and the same header. Speech, transcripts, translations, moderation and edits of pictures have one form, in which requests pass as they came.`;
  return `${intro}\n\n${table(['from', 'field', 'weight', 'lost at', 'what was done instead, and why'], rows)}`;
}
