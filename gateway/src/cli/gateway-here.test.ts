import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inFolder } from '../../test/store-kit.ts';
import { dataHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { keysCommand } from './keys.ts';

const URL_TEXT = 'postgres://turnout:p@10.0.0.7:5432/turnout';

async function here(
  text: string | undefined,
  { env = {}, data }: { readonly env?: CommandIo['env']; readonly data?: string } = {},
): Promise<string> {
  let shown = '';
  await inFolder(async (cwd) => {
    if (text !== undefined) writeFileSync(join(cwd, 'turnout.yaml'), text);
    const io = { cwd, env, isTerminal: false, stdout: () => undefined, stderr: () => undefined };
    const words = { positionals: [], values: data === undefined ? {} : { data } };
    const found = await dataHere(words, io).catch((error: unknown) => error);
    const place = found instanceof Error ? found.message : Object.values(found ?? {}).join(' ');
    shown = place.replaceAll(cwd, '.');
  });
  return shown;
}

describe('where the data of the gateway here are', () => {
  for (const [why, text, more, place] of [
    ['in ./data where nothing is said', undefined, {}, './data'],
    ['where the file says', 'data: ./elsewhere', {}, './elsewhere'],
    ['where the environment says', 'data: ./elsewhere', { env: { TURNOUT_DATA: 'there' } }, './there'],
    ['where the command says', 'data: ./elsewhere', { env: { TURNOUT_DATA: 'there' }, data: 'here' }, './here'],
    ['in the store of the file', `store: ${URL_TEXT}`, {}, `./data ${URL_TEXT}`],
    ['in the store of the environment', `store: ${URL_TEXT}`, { env: { TURNOUT_STORE: 'sqlite' } }, './data'],
    // What a command’s shell lacks of other parts does not matter to it.
    ['where the file says, without its keys', "data: ./x\nproviders: { openai: { api_key: '${NOT_SET}' } }", {}, './x'],
  ] as const)
    it(`is ${why}`, async () => assert.equal(await here(text, more), place));

  it('is not guessed where the file says it by a variable that is not set here', async () => {
    const text = 'store: "${TURNOUT_DATABASE}"';
    assert.match(await here(text), /`store` needs the environment variable TURNOUT_DATABASE.*name it by --data/s);
    assert.equal(await here(text, { data: 'x', env: { TURNOUT_STORE: 'sqlite' } }), './x');
    assert.match(await here('data: ['), /Mend that, or name it by --data/);
  });

  it('is where a key is made: one in another database would be known to nobody', async () => {
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'turnout.yaml'), 'data: ./elsewhere');
      const io = { cwd, env: {}, isTerminal: false, stdout: () => undefined, stderr: () => undefined };
      assert.equal(await keysCommand(['create', '--name', 'k'], io), 0);
      assert.deepEqual([existsSync(join(cwd, 'elsewhere/turnout.db')), existsSync(join(cwd, 'data'))], [true, false]);
    });
  });
});
