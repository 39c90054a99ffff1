/** A plan for people: why, each candidate with its scores or its reason, what limits it, and the facts with their origins. */
import { asArray, asNumber, asRecord, asString, type Json, type JsonRecord } from '../lib/json.ts';
import { inert, table } from './output.ts';

/** Of an explanation (`POST /v1/explain`), or of the record of a request (`GET /v1/decisions/{id}`). */
export function explanationText(record: JsonRecord): string {
  return [
    headLine(record),
    asString(record['why']) === undefined ? '' : `${inert(asString(record['why']) ?? '')}\n`,
    `\n${candidateTable(record)}`,
    limitsLine(record),
    factsText(record),
    endLine(record),
  ].join('');
}

function headLine(record: JsonRecord): string {
  const facts = asRecord(record['facts']) ?? {};
  const needs = (asArray(facts['needs']) ?? []).map(word).join(', ');
  const route = asString(record['route']);
  const rule = asString(record['rule']);
  const parts = [
    `model ${word(record['model'])}`,
    route === undefined ? undefined : `route ${route}`,
    rule === undefined ? undefined : `rule ${rule}`,
    asString(record['strategy']) === undefined ? undefined : `strategy ${word(record['strategy'])}`,
    `about ${word(facts['input_tokens_estimate'])} input tokens`,
    `needs ${needs === '' ? 'nothing special' : needs}`,
  ];
  return `${inert(parts.filter((part) => part !== undefined).join(', '))}\n`;
}

function candidateTable(record: JsonRecord): string {
  const candidates = (asArray(record['candidates']) ?? []).map(asRecord).filter((one) => one !== undefined);
  const steps = (asArray(record['plan']) ?? []).map(asRecord);
  const rows = candidates.map((candidate, index) => {
    if (candidate['eligible'] !== true)
      return ['-', word(candidate['target']), '', `left out: ${word(candidate['reason'])}`];
    return [`${index + 1}.`, word(candidate['target']), scoresText(candidate), notesOf(candidate, steps[index])];
  });
  return table([['', 'TARGET', 'SCORES', 'NOTES'], ...rows]);
}

function scoresText(candidate: JsonRecord): string {
  return Object.entries(asRecord(candidate['scores']) ?? {})
    .map(([name, score]) => `${name} ${word(score)}`)
    .join('  ');
}

/** `step`: absent in the record of a request, whose plan is a list of names. */
function notesOf(candidate: JsonRecord, step: JsonRecord | undefined): string {
  const tier = asNumber(candidate['tier']);
  const fitness = asString(candidate['fitness']);
  return [tier === undefined ? undefined : `tier ${tier + 1}`, fitness, ...(step === undefined ? [] : stepNotes(step))]
    .filter((note) => note !== undefined)
    .join('; ');
}

function stepNotes(step: JsonRecord): readonly (string | undefined)[] {
  const cost = asString(step['worst_cost_usd']);
  const refused = asString(step['refused']);
  return [
    step['passthrough'] === true ? 'bytes pass through' : `translated to ${word(step['protocol'])}`,
    cost === undefined ? 'price not known' : `at most ${cost} USD`,
    asString(step['region']),
    asString(step['output']),
    refused === undefined ? undefined : `refused: ${refused}`,
  ];
}

/** What holds for the attempts together, and for the first of them. */
function limitsLine(record: JsonRecord): string {
  const hedge = asRecord(record['hedge']);
  const timeouts = asRecord(asRecord(asArray(record['plan'])?.[0])?.['timeouts']);
  const firstToken = asNumber(record['first_token_ms']);
  const parts = [
    numbered(record['attempts_max'], (count) => `at most ${count} attempts`),
    numbered(record['total_ms'], (ms) => `${seconds(ms)} for all`),
    numbered(timeouts?.['first_byte_ms'], (ms) => `${seconds(ms)} to the head of a reply`),
    numbered(timeouts?.['first_token_ms'], (ms) => `${seconds(ms)} to the first content`),
    firstToken === undefined ? undefined : `given up for another after ${seconds(firstToken)} without content`,
    hedge === undefined
      ? undefined
      : `a second attempt beside it after ${word(hedge['after_ms'])} ms, for ${share(hedge['budget'])} of requests at most`,
    record['continues'] === true ? 'gone on elsewhere where it breaks off' : undefined,
    numbered(record['propensity'], (chance) => (chance === 1 ? undefined : `chance of this first choice ${chance}`)),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : `\n${parts.join('; ')}\n`;
}

function numbered(value: Json | undefined, said: (value: number) => string | undefined): string | undefined {
  const number = asNumber(value);
  return number === undefined ? undefined : said(number);
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function share(value: Json | undefined): string {
  return `${(asNumber(value) ?? 0) * 100}%`;
}

/** Facts that a rule or a requirement may have read, and who says so. */
function factsText(record: JsonRecord): string {
  const facts = asRecord(record['facts']) ?? {};
  const content = asRecord(facts['content']) ?? {};
  const origins = asRecord(content['origins']) ?? {};
  const told = Object.entries(origins).map(([name, origin]) => [name, valueText(content[name]), word(origin)]);
  const region = asString(facts['caller_region']);
  const rows =
    region === undefined ? told : [...told, ['region', region, `of the ${word(facts['caller_region_from'])}`]];
  return rows.length === 0 ? '' : `\n${table([['FACT', 'VALUE', 'FROM'], ...rows])}`;
}

function valueText(value: Json | undefined): string {
  const fields = asRecord(value);
  if (fields !== undefined)
    return Object.entries(fields)
      .map(([name, one]) => `${name} ${word(one)}`)
      .join(', ');
  const items = asArray(value);
  return items === undefined ? word(value ?? 'not sure') : items.length === 0 ? 'none' : items.map(word).join(', ');
}

/** How a request went whose record this is. */
function endLine(record: JsonRecord): string {
  const attempts = (asArray(record['attempts']) ?? []).map(asRecord).filter((one) => one !== undefined);
  if (asString(record['outcome']) === undefined) return '';
  const lines = attempts.map((attempt, index) => {
    const ttft = asNumber(attempt['ttft_ms']);
    const parts = [
      `${index + 1}. ${word(attempt['target'])} ${word(attempt['outcome'])}`,
      asString(attempt['fault']),
      ttft === undefined ? undefined : `first content after ${ttft} ms`,
      `${word(attempt['duration_ms'])} ms`,
    ];
    return `  ${inert(parts.filter((part) => part !== undefined).join(', '))}\n`;
  });
  return `\n${word(record['outcome'])} (${word(record['status'])}) at ${word(record['at'])}\n${lines.join('')}`;
}

function word(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
