/** docs/reference/facts.md: what rules can read, where each fact comes from, how sure it is, and what was measured. */
import type { ContentFact } from '../../src/understand/content.ts';
import type { DetectLanguage } from '../../src/understand/language.ts';
import { DETECTORS, SENSITIVE_CHARACTERS_MAX, type Sensitive } from '../../src/understand/sensitive/find.ts';
import { contentFactOf } from '../../src/understand/view.ts';
import { FACTS, isFactName, TASKS, type FactName } from '../../src/policy/vocabulary.ts';
import {
  apgr,
  difficultyOf,
  foundPerThousand,
  languagesTold,
  multimodel,
  rowsOf,
  sensitiveFound,
  shareOf,
  strongWeak,
  taskOfText,
  toldOf,
  type Benefit,
} from './measures.ts';
import { TASK_PROMPTS } from './task-prompts.ts';

const INTRO = `# Facts

Made by \`npm run generate\` from \`gateway/src/policy/vocabulary.ts\` and measurements; do not edit.

A rule reads \`facts.NAME\`. Facts about the text are computed only where a rule of the route reads them, by the gateway itself, without a request to anybody.
Each is told with its origin in \`POST /v1/explain\` and in the request's record; of the text itself nothing is kept.
What is not known is empty: \`""\`, 0, an empty list.
`;

/** Where the text of each fact is looked for, and how sure it is. */
const ORIGINS: Readonly<Record<ContentFact, readonly [from: string, sure: string]>> = {
  language: [
    'n-grams (`eld`) of the last user turn without its code; its beginning',
    'absent where the next language is close',
  ],
  task: [
    'words in ten languages and the shape of the last user turn, beginning and end; then the system prompt; `agent` while tools answer',
    'rules, each with its reason in the origin',
  ],
  difficulty: ['length, clauses, negations, conditions and task of the last user turn', 'a rank, not a probability'],
  intent: ['your examples; the last user turn', 'absent where none is near ([intents](intents.md))'],
  topics: ['your lists, as whole words in the last user turn; case and accents do not matter', 'as exact as the list'],
  sensitive: [
    'forms, check digits and words beside them, in all text, escapes of JSON undone: system, user, assistant, tools, schemas, names, documents of text; not pictures and sound',
    'precision before recall',
  ],
  structure: ['counted in the last user turn; of more than 12 KB its beginning and end', 'exact, but for what is code'],
  stage: ['counted in all messages', 'exact, but for results that hide an error'],
};

/** How each kind of sensitive data is known. */
const KINDS: Readonly<Record<Sensitive, string>> = {
  email: 'RFC 5322 as people write it; not reserved names (`example.com`), not `git@`',
  phone: 'E.164 with a plus, North American form, any other beside a word for it',
  card: 'issuer’s range and length, Luhn, printed form',
  iban: 'country’s length, check digits (MOD 97-10)',
  'national-id':
    'US SSN and driver’s licence, UK NINO and NHS, DE Steuer-ID and Ausweis, FR NIR, ES DNI and NIE, IT codice fiscale, NL BSN, BE, PL PESEL, PT NIF, SE, FI, CH AHV, CA SIN, BR CPF, IN Aadhaar and PAN, CN, AU TFN, passports: check digits where there are any, a word beside it where the number alone is weak',
  health:
    'terms of medicine in ten languages beside a word for a person in the same sentence; phrases that say so alone',
  secret: 'keys by the prefixes of 26 issuers, JWT, PEM, a password in an address, what follows a word for a password',
  'ip-address': 'IPv4 and IPv6 that can belong to someone',
  address: 'house number with a word for a street, flat, box',
  person: 'first and last name behind a title, “my name is”, a field of a form',
  unread: `more than ${SENSITIVE_CHARACTERS_MAX / 1024 / 1024} MiB of text, or text that could not be read (binary documents, files that only the provider has, inputs in numbers of a tokenizer): rules then see all kinds at once`,
};

/** The whole page. */
export function factsPage(dataDir: string, detect: DetectLanguage): string {
  const names = Object.keys(FACTS).filter((name): name is FactName => isFactName(name));
  const facts = table(
    ['fact', 'type', 'what', 'from', 'how sure'],
    names.map((name) => factRow(name)),
  );
  return [
    INTRO,
    facts,
    sensitivePart(dataDir),
    taskPart(dataDir),
    languagePart(dataDir, detect),
    difficultyPart(dataDir),
  ].join('\n');
}

function factRow(name: FactName): readonly string[] {
  const { type, about, values } = FACTS[name];
  const fact = contentFactOf(name);
  const listed =
    values === undefined || values.length > 12 ? '' : `: ${values.map((value) => `\`${value}\``).join(' ')}`;
  const [from, sure] = fact === undefined ? ['the request itself', 'exact'] : ORIGINS[fact];
  return [`\`${name}\``, type, `${about}${listed}`, from, name === 'input_tokens' ? 'estimate' : sure];
}

function sensitivePart(dataDir: string): string {
  const texts = (file: string): readonly string[] =>
    rowsOf<{ readonly text: string }>(dataDir, file).map(({ text }) => text);
  const clean: readonly (readonly [string, readonly string[]])[] = [
    ['CLINC150', texts('clinc150-dev.jsonl')],
    ['BANKING77', texts('banking77-train.jsonl')],
    [
      'MMLU and GSM8K, not clinical',
      strongWeak(dataDir)
        .filter(({ group }) => !CLINICAL.test(group))
        .map(({ prompt }) => prompt),
    ],
    [
      'MMLU, clinical',
      strongWeak(dataDir)
        .filter(({ group }) => CLINICAL.test(group))
        .map(({ prompt }) => prompt),
    ],
    ['multimodel', multimodel(dataDir).map(({ prompt }) => prompt)],
  ];
  const perThousand = clean.map(([, of]) => foundPerThousand(of));
  const found = new Map(sensitiveFound(dataDir).map((row) => [row.kind, row]));
  const rows = [...DETECTORS.map(([kind]) => kind), 'unread' as const].map((kind) => {
    const { wanted = 0, given = 0, right = 0, met = 0 } = found.get(kind) ?? {};
    const precision = wanted === 0 || given === 0 ? '' : fixed(right / given, 3);
    const recall = wanted === 0 ? '' : fixed(met / wanted, 3);
    const mistaken = kind === 'unread' ? clean.map(() => '') : perThousand.map((of) => fixed(of.get(kind) ?? 0, 1));
    return [`\`${kind}\``, KINDS[kind], precision, recall, ...mistaken];
  });
  return `
## Sensitive data

Precision and recall are of spans in 2,109 texts about synthetic people (presidio-research); the last columns count texts of a thousand in which the kind is found, in sets that hold no real person's data.
What is found there are the addresses, telephone numbers and patients of made-up people; clinical questions tell of patients, and a policy for health should see them.

${table(['kind', 'known by', 'precision', 'recall', ...clean.map(([name]) => name)], rows)}`;
}

const CLINICAL = /medicine|anatomy|clinical|virology|nutrition|aging|biology|psychology|sexuality|genetics/;

function taskPart(dataDir: string): string {
  const rows = TASKS.filter((task) => task !== 'agent').map((task) => {
    const own = TASK_PROMPTS.filter((prompt) => prompt.task === task);
    const told = TASK_PROMPTS.filter(({ text }) => taskOfText(text) === task);
    const right = told.filter((prompt) => prompt.task === task).length;
    return [`\`${task}\``, String(own.length), fixed(right / told.length, 2), fixed(right / own.length, 2)];
  });
  const sets = [...Map.groupBy(multimodel(dataDir), ({ task }) => task)].map(([set, of]) => {
    const counts = Map.groupBy(of, ({ prompt }) => taskOfText(prompt));
    const shares = [...counts].toSorted((a, b) => b[1].length - a[1].length).slice(0, 3);
    return [
      set,
      String(of.length),
      shares.map(([task, some]) => `\`${task}\` ${fixed(some.length / of.length, 2)}`).join(', '),
    ];
  });
  return `
## Task

On ${TASK_PROMPTS.length} prompts written by hand in ten languages (half of them were looked at while the rules were written; the other half alone: ${fixed(
    shareOf(
      TASK_PROMPTS.filter((_, index) => index % 2 === 1),
      ({ text, task }) => taskOfText(text) === task,
    ),
    2,
  )} right):

${table(['task', 'prompts', 'precision', 'recall'], rows)}
On the prompts of multimodel-dev, which have no task of their own but the set they are from. CommonGen is lists of words without an instruction.

${table(['set', 'prompts', 'told'], sets)}`;
}

function languagePart(dataDir: string, detect: DetectLanguage): string {
  const english = (file: string): readonly { readonly lang: string; readonly text: string }[] =>
    rowsOf<{ readonly text: string }>(dataDir, file).map(({ text }) => ({ lang: 'en', text }));
  const rows = [
    ...[1, 2, 3, 5, 8].map(
      (pairs) =>
        [
          pairs === 1 ? 'pairs of words, 60 languages' : `${pairs} pairs joined`,
          languagesTold(dataDir, detect, pairs),
        ] as const,
    ),
    ['CLINC150, English', toldOf(english('clinc150-dev.jsonl'), detect)] as const,
    ['BANKING77, English', toldOf(english('banking77-train.jsonl'), detect)] as const,
    [
      'our own prompts, ten languages',
      toldOf(
        TASK_PROMPTS.map(({ language, text }) => ({ lang: language, text })),
        detect,
      ),
    ] as const,
  ];
  return `
## Language

${table(
  ['texts', 'told', 'right where told'],
  rows.map(([name, { told, right }]) => [name, fixed(told, 3), fixed(right, 4)]),
)}`;
}

function difficultyPart(dataDir: string): string {
  const both = strongWeak(dataDir);
  const sets: readonly (readonly [string, readonly Benefit[]])[] = [
    ['MMLU', both.filter(({ bench }) => bench === 'mmlu')],
    ['GSM8K', both.filter(({ bench }) => bench === 'gsm8k')],
    ['both', both],
    ['multimodel', multimodel(dataDir)],
  ];
  const rows = sets.map(([name, of]) => [
    name,
    String(of.length),
    fixed(
      apgr(of, (prompt) => difficultyOf(prompt)),
      3,
    ),
    fixed(
      apgr(of, (prompt) => prompt.length),
      3,
    ),
  ]);
  return `
## Difficulty

Average performance gap recovered: how much of the gap between a weak and a strong model is closed when the hardest prompts go to the strong one. By chance 0.5.
The weights were chosen on these very sets; there is nothing to overfit but eight numbers.

${table(['set', 'prompts', 'by structure', 'by length alone'], rows)}`;
}

function fixed(value: number, places: number): string {
  return value.toFixed(places);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return `${lines.join('\n')}\n`;
}
