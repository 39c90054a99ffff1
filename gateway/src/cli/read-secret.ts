/** Reads a secret from the standard input: never from the words of a command, which other users of the machine can see. */
import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';

/** Longer than any credential; what is longer is another file. */
const LENGTH_MAX = 64 * 1024;

export interface SecretPlaces {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/** One line of a terminal, not shown; else all there is, without the line end behind it. Throws for people where it is too long. */
export async function readSecret(prompt: string, { input, output }: SecretPlaces): Promise<string> {
  if (input.isTTY === true) return readUnseen(prompt, { input, output });
  let text = '';
  for await (const chunk of input.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > LENGTH_MAX) throw new Error(`the secret is longer than ${LENGTH_MAX} characters`);
  }
  return text.replace(/\r?\n$/, '');
}

async function readUnseen(prompt: string, { input, output }: SecretPlaces): Promise<string> {
  output.write(prompt);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: nowhere, terminal: true });
  try {
    return await reader.question('');
  } finally {
    reader.close();
    output.write('\n');
  }
}
