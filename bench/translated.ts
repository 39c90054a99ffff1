/** The translated paths: OpenAI's chat completions to providers of each wire and back, beside the way to their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { translatedCases, WORDS } from './cases.ts';
import type { TurnoutOptions } from './gateways.ts';
import { machineText, type Machine } from './machine.ts';
import { median, type CpuResult } from './report.ts';
import { WIRES } from './wires.ts';

export interface TranslatedResult {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly cpu: readonly CpuResult[];
}

/** One provider a wire, all at one upstream, and the cases of each. */
export function translatedOptions(upstreamPort: number): TurnoutOptions {
  const rows = WIRES.map(
    ({ id, base }) => `  to-${id}:
    dialect: ${id}
    base_url: http://127.0.0.1:${upstreamPort}${base}
    api_key: sk-bench
    models: {bench-1: {price: {input: 0.1, output: 0.4}}}
`,
  );
  return { cases: WIRES.flatMap(({ id }) => translatedCases(id, `to-${id}/bench-1`)), providers: rows.join('') };
}

/** CPU a request and an event, by wire, and how many times that is what the same dialect takes. */
export function translatedTable({ cpu }: Pick<TranslatedResult, 'cpu'>): string {
  const of = (wire: string, kind: 'whole' | 'stream'): number =>
    median(cpu.find((one) => one.case === `${wire} ${kind}`)?.cpuUs ?? []);
  const [home] = WIRES;
  const rows = WIRES.map(({ id, streamed }) => {
    const events = streamed().length;
    const [whole, stream] = [of(id, 'whole'), of(id, 'stream')];
    const name = id === home?.id ? `${id} (same dialect)` : id;
    return [
      name,
      whole.toFixed(0),
      times(whole, of(home?.id ?? '', 'whole')),
      stream.toFixed(0),
      times(stream, of(home?.id ?? '', 'stream')),
      String(events),
      (stream / events).toFixed(1),
    ];
  });
  const head = ['openai-chat to', 'whole, µs', '×', 'stream, µs', '×', 'events', 'µs an event'];
  return [head, ['---', ...head.slice(1).map(() => '---:')], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function times(one: number, other: number): string {
  return (one / other).toFixed(2);
}

/** Writes `DATE-translated.md` and `.json`, and gives the path of the page. */
export function writeTranslated(dir: string, result: TranslatedResult): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${result.date}-translated.md`);
  const { machine } = result;
  writeFileSync(
    path,
    `# Benchmark of the translated paths, ${result.date}

\`npm run bench -- --translated\` at ${result.commit}. ${machineText(machine)}.

${translatedTable(result)}

CPU of Turnout, medians of ${result.rounds} rounds in which the cases take turns: a 1 KB prompt with a 1 KB reply, and a stream of ${WORDS.length} words, an event each, in as many events as the wire puts around them. The caller speaks OpenAI's chat completions, the provider the wire of the row; × is to the first row, where nothing is translated. What a stream takes beside its events (the request itself) is part of its number.
`,
  );
  writeFileSync(join(dir, `${result.date}-translated.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  return path;
}
