/** Valkey (or Redis): whether it answers, how old it is, and what it does when it is full. A few lines of its protocol, so that a doctor needs no client. */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { bad, doubt, fine, type Finding } from './check.ts';

const ANSWER_MS = 3000;
const ANSWER_MAX_BYTES = 256 * 1024;
const PORT = 6379;
/** `FUNCTION`, and scripts that may be read anywhere, came with it. */
const VERSION_MIN = 7;

/** `shared` of the configuration: `memory`, or `redis://…`. */
export async function valkeyFinding(shared: string): Promise<Finding | undefined> {
  if (!/^(redis|rediss|valkey|valkeys):\/\//.test(shared) || !URL.canParse(shared)) return undefined;
  const url = new URL(shared);
  // Neither user nor password is ever shown.
  const where = `${url.hostname}:${url.port || PORT}`;
  try {
    return valkey(await info(url), where);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return bad(
      `${where} does not answer: ${reason}`,
      'start it, or mend `shared`; gateways go on with limits of their own meanwhile',
    );
  }
}

/** `text`: what INFO says. */
export function valkey(text: string, where: string): Finding {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1];
  const version = field('valkey_version') ?? field('redis_version');
  if (version === undefined)
    return bad(`${where} did not tell its version`, 'is it Valkey or Redis, and is the password right?');
  const policy = field('maxmemory_policy');
  if (Number(version.split('.')[0]) < VERSION_MIN)
    return bad(`${where}: version ${version}`, `use ${VERSION_MIN} or newer`);
  if (policy !== undefined && policy !== 'noeviction' && field('maxmemory') !== '0')
    return doubt(
      `${where}: version ${version}, evicts by ${policy} when it is full`,
      'set maxmemory-policy noeviction: a counter that is evicted counts from nothing',
    );
  return fine(`${where}: version ${version}, keeps what it has (${policy ?? 'no policy told'})`);
}

async function info(url: URL): Promise<string> {
  const socket = open(url);
  socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer in ${ANSWER_MS} ms`)));
  const words = [...login(url), ['INFO'], ['QUIT']];
  socket.write(words.map(command).join(''));
  let text = '';
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('utf8');
    if (text.length > ANSWER_MAX_BYTES) socket.destroy(new Error('too long an answer'));
  });
  await once(socket, 'close');
  const refused = /^-(.*)$/m.exec(text)?.[1];
  if (refused !== undefined) throw new Error(refused);
  return text;
}

function open(url: URL): Socket {
  const at = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || PORT) };
  return url.protocol === 'rediss:' || url.protocol === 'valkeys:'
    ? connectTls({ ...at, servername: at.host })
    : connectPlain(at);
}

function login({ username, password }: URL): readonly (readonly string[])[] {
  if (password === '') return [];
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return [user === '' ? ['AUTH', secret] : ['AUTH', user, secret]];
}

/** An array of strings (RESP2, "Sending commands to a server"). */
function command(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
