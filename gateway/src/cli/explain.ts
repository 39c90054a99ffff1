/** `turnout explain`: which targets would take a request, in what order, and why the others not. Nothing is sent. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gateDialects } from '../dialects/index.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { OPERATIONS } from '../dialects/operations/operation.ts';
import { arrivalOf } from '../http/operations.ts';
import { operationNamed, type OperationRoute } from '../http/routes.ts';
import { asString, compact, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseBody, type ParsedBody } from '../pipeline/body.ts';
import type { Arrival } from '../pipeline/call.ts';
import { chatArrival } from '../pipeline/chat.ts';
import { explain } from '../pipeline/explain.ts';
import { withUsual } from '../pipeline/record.ts';
import { explanationText } from './explain-text.ts';
import { dryWorld, OPERATOR } from './dry-world.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { readWords, textOf, type Words } from './options.ts';
import { dataDirOf, inert } from './output.ts';
import { snapshotHere } from './snapshot-here.ts';

const USAGE = `usage: turnout explain --body FILE [--dialect openai-chat|openai-responses|anthropic-messages|gemini|cohere|ollama] [--config FILE] [--data DIR] [--json]
       turnout explain --body FILE --operation ${OPERATIONS.join('|')} [--config FILE] [--data DIR] [--json]
       turnout explain MODEL
       turnout explain --id ID [--data DIR] [--json]      (a request of the log)
`;

/** Exit codes: 0 there is a plan, 1 there is none (and why), 2 the command was not understood. */
export async function explainCommand(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help')) {
    io.stdout(USAGE);
    return 0;
  }
  const question = readQuestion(args, io);
  if (typeof question === 'string') {
    io.stderr(`turnout: ${question}\n${USAGE}`);
    return 2;
  }
  const explained = 'id' in question ? await logged(question, io) : await answer(question, io);
  if (!explained.ok) {
    if (question.isJson) io.stdout(`${JSON.stringify({ error: explained.error })}\n`);
    else io.stderr(`turnout: ${explained.error}\n`);
    return 1;
  }
  io.stdout(question.isJson ? `${JSON.stringify(explained.value, undefined, 2)}\n` : explanationText(explained.value));
  return 0;
}

interface Question {
  readonly dialect: Dialect;
  /** What is asked, where that is no chat. */
  readonly operation: OperationRoute | undefined;
  readonly bytes: Buffer;
  readonly isJson: boolean;
  readonly file: string | undefined;
  readonly dataDir: string;
}

/** A request of the log that is looked at. */
interface Looking {
  readonly id: string;
  readonly isJson: boolean;
  readonly words: Words;
}

/** What is asked; a text says what is wrong with the words. */
function readQuestion(args: readonly string[], io: CommandIo): Question | Looking | string {
  const text = { type: 'string' } as const;
  const options = { id: text, body: text, dialect: text, operation: text, config: text, data: text };
  const words = readWords(args, { ...options, json: { type: 'boolean' } });
  if (!words.ok) return words.error;
  const isJson = words.value.values['json'] === true;
  const id = textOf(words.value, 'id');
  if (id !== undefined) return { id, isJson, words: words.value };
  const asked = askedIn(words.value);
  if (typeof asked === 'string') return asked;
  // The name of a model alone is enough for a chat only.
  const model = asked.operation === undefined ? words.value.positionals[0] : undefined;
  const bytes = bodyBytes(textOf(words.value, 'body'), model, io);
  if (typeof bytes === 'string') return bytes;
  return {
    ...asked,
    bytes,
    isJson,
    file: configFile(textOf(words.value, 'config') ?? io.env['TURNOUT_CONFIG'], io),
    dataDir: dataDirOf(textOf(words.value, 'data'), io),
  };
}

/** In which protocol, and what. */
function askedIn(words: Parameters<typeof textOf>[0]): Pick<Question, 'dialect' | 'operation'> | string {
  const dialect = dialectNamed(textOf(words, 'dialect') ?? 'openai-chat');
  if (dialect === undefined)
    return '--dialect must be openai-chat, openai-responses, anthropic-messages, gemini, cohere or ollama';
  const name = textOf(words, 'operation') ?? 'chat';
  const operation = name === 'chat' ? undefined : operationNamed(name);
  if (name !== 'chat' && operation === undefined)
    return `--operation must be chat, ${OPERATIONS.join(', ')}, or a path`;
  return { dialect, operation };
}

async function logged({ id, words }: Looking, io: CommandIo): Promise<Result<JsonRecord, string>> {
  try {
    const found = await withDesk({ words, io }, async (desk) => desk.request(id));
    if (!found.ok) return err(found.error.message);
    return found.value === undefined ? err(`there is no request ${inert(id)}`) : ok(withUsual(found.value));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

async function answer(question: Question, io: CommandIo): Promise<Result<JsonRecord, string>> {
  const { bytes, file, dataDir } = question;
  const body = parseBody(bytes);
  if (!body.ok) return err(body.error.message);
  const here = await snapshotHere({ file, dataDir }, io);
  if (!here.ok) return here;
  const arrival = arrivalFor(question, body.value);
  const explained = await explain(arrival, { key: OPERATOR }, dryWorld(here.value.snapshot, Math.random));
  return explained.ok ? explained : err(explained.error.message);
}

function arrivalFor({ dialect, operation }: Question, body: ParsedBody): Arrival {
  const { record } = body;
  const input = { requestId: 'req_explain', headers: {}, query: '', body, startedMs: 0 };
  if (operation !== undefined) return arrivalOf(operation, { ...input, voice: dialect });
  const path = compact({ model: asString(record['model']), isStreaming: record['stream'] === true });
  return chatArrival({ ...input, dialect, path, isJsonArray: false });
}

function dialectNamed(name: string): Dialect | undefined {
  return Object.values(gateDialects).find((dialect) => dialect.id === name);
}

function configFile(named: string | undefined, { cwd }: CommandIo): string | undefined {
  return named === undefined ? existing(join(cwd, 'turnout.yaml')) : resolve(cwd, named);
}

function existing(file: string): string | undefined {
  try {
    readFileSync(file);
    return file;
  } catch {
    return undefined;
  }
}

/** The body's bytes; a text says why there are none. */
function bodyBytes(file: string | undefined, model: string | undefined, io: CommandIo): Buffer | string {
  if (file === undefined) {
    if (model === undefined) return 'give --body FILE, or the name of a model';
    return Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }));
  }
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (error) {
    return `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
