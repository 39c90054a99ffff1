/** `turnout ready`: whether the gateway here can serve, for whoever asks by a command (a container's health check) and has no other program. */
import { asRecord, asString, parseJson } from '../lib/json.ts';
import { urlHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { EXIT, inert, runCommand } from './output.ts';

const HELP = `usage: turnout ready [--url URL] [--config FILE]

Asks the gateway's /readyz. Exit code 0 only where it can serve.

  --url URL        of the gateway: else this machine and the port of turnout.yaml
  --config FILE    the turnout.yaml to read the port from
`;

/** It answers within milliseconds, or is in no state to serve. */
const ANSWER_MS = 2500;

const OPTIONS = { url: { type: 'string' }, config: { type: 'string' }, help: { type: 'boolean' } } as const;

export async function readyCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const url = textOf(words, 'url') ?? (await urlHere(textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'], io));
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: unknown) => {
      throw new Error(`nobody answers at ${inert(url)}`, { cause: error });
    });
    const status = asString(asRecord(parseJson(await answer.text()))?.['status']) ?? 'not ready';
    io.stdout(`${inert(status)}\n`);
    return answer.status === 200 ? EXIT.ok : EXIT.failed;
  });
}
