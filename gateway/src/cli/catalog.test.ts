import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { asArray, asCount, asRecord, asString, parseJson } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { catalogCommand, modelsCommand } from './catalog.ts';
import { loadCatalog, readCatalog, saveCatalog } from './catalog-file.ts';
import { readJsonSource } from './catalog-source.ts';
import type { CommandIo } from './io.ts';

const directories: string[] = [];
const servers: Server[] = [];

after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'turnout-catalog-'));
  directories.push(path);
  return path;
}

interface Terminal extends CommandIo {
  readonly said: { out: string; err: string };
}

function terminal(cwd: string, more: Partial<CommandIo> = {}): Terminal {
  const said = { out: '', err: '' };
  return {
    said,
    stdout: (text) => void (said.out += text),
    stderr: (text) => void (said.err += text),
    env: {},
    cwd,
    isTerminal: false,
    ...more,
  };
}

/** A small newer file of models.dev. */
function newer(): JsonRecord {
  const models = {
    'gpt-5': {
      id: 'gpt-5',
      name: 'GPT-5',
      cost: { input: 1, output: 9 },
      limit: { context: 400_000, output: 128_000 },
    },
  };
  return {
    openai: {
      id: 'openai',
      name: 'OpenAI',
      env: ['OPENAI_API_KEY'],
      npm: '@ai-sdk/openai',
      doc: 'https://x.example',
      models,
    },
  };
}

function written(cwd: string, json: Json = newer()): string {
  writeFileSync(join(cwd, 'api.json'), JSON.stringify(json));
  return 'api.json';
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null
    ? `http://127.0.0.1:${address.port}`
    : assert.fail('no address');
}

describe('turnout catalog', () => {
  it('diff shows what would change and saves nothing', async () => {
    const cwd = directory();
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['diff', written(cwd)], io), 0);
    assert.match(io.said.out, /openai\/gpt-5: input 1\.25 -> 1; output 10 -> 9/);
    assert.match(io.said.out, /providers that are gone: \d+\n/);
    assert.deepEqual(readdirSync(cwd), ['api.json']);
  });

  it('sync --yes saves it whole, and it is the catalog from then on', async () => {
    const cwd = directory();
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['sync', written(cwd), '--yes', '--data', 'd'], io), 0);
    assert.deepEqual(readdirSync(join(cwd, 'd')), ['catalog.json']);
    const { catalog, origin } = readCatalog(join(cwd, 'd'));
    assert.equal(origin, 'synced');
    assert.equal(catalog.model('openai/gpt-5')?.price?.output, 9_000_000_000n);
    const again = terminal(cwd);
    assert.equal(await catalogCommand(['diff', 'api.json', '--data', 'd'], again), 0);
    assert.equal(again.said.out, 'nothing changes\n');
  });

  it('sync asks a person, and does as told', async () => {
    for (const answer of [true, false]) {
      const cwd = directory();
      const io = terminal(cwd, { isTerminal: true, confirm: () => Promise.resolve(answer) });
      assert.equal(await catalogCommand(['sync', written(cwd)], io), answer ? 0 : 1);
      assert.equal(readCatalog(join(cwd, 'data')).origin, answer ? 'synced' : 'shipped');
    }
  });

  it('sync saves nothing where nobody can be asked and nobody said yes', async () => {
    const cwd = directory();
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['sync', written(cwd)], io), 1);
    assert.match(io.said.err, /nothing was saved; say --yes/);
    assert.deepEqual(readdirSync(cwd), ['api.json']);
  });

  it('prints JSON that holds all of it', async () => {
    const cwd = directory();
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['sync', written(cwd), '--yes', '--json'], io), 0);
    const said = asRecord(parseJson(io.said.out));
    assert.equal(said?.['saved'], true);
    assert.equal(said['path'], join(cwd, 'data', 'catalog.json'));
    const [change] = (asArray(asRecord(said['diff'])?.['prices']) ?? []).filter(
      (row) => asRecord(row)?.['name'] === 'openai/gpt-5',
    );
    assert.deepEqual(asArray(asRecord(change)?.['fields'])?.[0], { field: 'input', before: '1.25', after: '1' });
  });

  it('keeps the address of a provider unless told to take another', async () => {
    const cwd = directory();
    const moved = {
      groq: newer()['openai'] ?? null,
      zai: { ...asRecord(newer()['openai']), api: 'https://evil.example/v1' },
    };
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['sync', written(cwd, moved), '--yes'], io), 0);
    assert.match(
      io.said.err,
      /zai keeps its address https:\/\/api\.z\.ai\/api\/paas\/v4: the new file says https:\/\/evil\.example\/v1/,
    );
    const catalog = loadCatalog(join(cwd, 'data'));
    assert.equal(catalog.provider('zai')?.baseUrl, 'https://api.z.ai/api/paas/v4');
    assert.equal(await catalogCommand(['sync', 'api.json', '--yes', '--accept-urls'], io), 0);
    assert.equal(loadCatalog(join(cwd, 'data')).provider('zai')?.baseUrl, 'https://evil.example/v1');
  });

  const misused = [[], ['sync'], ['diff', 'a', 'b'], ['burn', 'x'], ['diff', 'x', '--force']];
  for (const args of misused) {
    it(`says how it is used after "${args.join(' ')}"`, async () => {
      const io = terminal(directory());
      assert.equal(await catalogCommand(args, io), 2);
      assert.match(io.said.err, /usage: turnout catalog diff/);
    });
  }

  it('says what is wrong with a file', async () => {
    const cwd = directory();
    writeFileSync(join(cwd, 'text'), 'hello');
    for (const [source, message] of [
      ['none.json', /cannot be read: ENOENT/],
      ['text', /is not JSON/],
      [written(cwd, { a: 1 }), /not a models\.dev file/],
    ] as const) {
      const io = terminal(cwd);
      assert.equal(await catalogCommand(['diff', source], io), 1);
      assert.match(io.said.err, message);
    }
  });

  it('leaves a synced catalog aside that cannot be read, and says so', () => {
    const cwd = directory();
    for (const text of ['{', '{"form":1}', '{"form":9,"providers":[]}']) {
      writeFileSync(join(cwd, 'catalog.json'), text);
      const { origin, problem } = readCatalog(cwd);
      assert.equal(origin, 'shipped');
      assert.match(problem ?? '', /left aside: .*turnout catalog sync/);
      const warnings: string[] = [];
      assert.ok(loadCatalog(cwd, (warning) => warnings.push(warning)).modelCount > 4000);
      assert.equal(warnings.length, 1);
    }
  });

  it('leaves no half file where the disk refuses', async () => {
    const cwd = directory();
    writeFileSync(join(cwd, 'data'), 'a file where a folder should be');
    await assert.rejects(saveCatalog(join(cwd, 'data'), loadCatalog(cwd)));
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['sync', written(cwd), '--yes'], io), 1);
    assert.match(io.said.err, /nothing was saved: /);
    assert.equal(readFileSync(join(cwd, 'data'), 'utf8'), 'a file where a folder should be');
  });
});

describe('an address as the source', () => {
  const options = { cwd: '/' };

  it('is fetched, redirects and compression included', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(newer())));
    });
    const cwd = directory();
    const io = terminal(cwd);
    assert.equal(await catalogCommand(['diff', `${url}/old`], io), 0);
    assert.match(io.said.out, /output 10 -> 9/);
  });

  it('is refused where it, or a redirect of it, is neither http nor https', async () => {
    const url = await serve((request, response) => {
      response.writeHead(302, { location: request.url === '/file' ? 'file:///etc/passwd' : '/again' }).end();
    });
    const table = [
      ['file:///etc/passwd', /only http and https/],
      ['ftp://x.example/a', /only http and https/],
      [`${url}/file`, /only http and https addresses are read, not file:/],
      [`${url}/again`, /redirects more than 5 times/],
    ] as const;
    for (const [source, message] of table) {
      const read = await readJsonSource(source, options);
      assert.ok(!read.ok);
      assert.match(read.error, message);
    }
  });

  it('is limited in size after decompression, and in time', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/slow') response.writeHead(200).write('[');
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(`"${'x'.repeat(100_000)}"`));
    });
    const big = await readJsonSource(`${url}/big`, { ...options, maxBytes: 10_000 });
    assert.ok(!big.ok);
    assert.match(big.error, /larger than 10000 bytes/);
    const slow = await readJsonSource(`${url}/slow`, { ...options, timeoutMs: 50 });
    assert.ok(!slow.ok);
    assert.match(slow.error, /did not answer within 50 ms/);
  });

  it('says what the server said', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end('no'));
    const gone = await readJsonSource(url, options);
    assert.ok(!gone.ok);
    assert.match(gone.error, /answered with status 404/);
    const read = await readJsonSource('http://127.0.0.1:1/x', options);
    assert.ok(!read.ok);
    assert.match(read.error, /cannot be reached/);
  });

  it('is a file’s path otherwise, and limited too', async () => {
    const cwd = directory();
    written(cwd);
    const read = await readJsonSource('api.json', { cwd });
    assert.ok(read.ok);
    const big = await readJsonSource('api.json', { cwd, maxBytes: 10 });
    assert.ok(!big.ok);
    assert.match(big.error, /larger than 10 bytes/);
  });
});

describe('turnout models', () => {
  it('lists all models, those of a provider or alias, and those with a price', async () => {
    const cwd = directory();
    const counts = await Promise.all(
      [[], ['--priced'], ['--provider', 'gemini'], ['--provider', 'gemini', '--priced']].map(async (args) => {
        const io = terminal(cwd);
        assert.equal(await modelsCommand(args, io), 0);
        return Number(/(\d+) models; prices/.exec(io.said.out)?.[1]);
      }),
    );
    const [all = 0, priced = 0, gemini = 0, geminiPriced = 0] = counts;
    assert.ok(all > priced && priced > 4000 && gemini > geminiPriced && geminiPriced > 10, counts.join(' '));
  });

  it('prints JSON with prices as decimals and null for unknown', async () => {
    const io = terminal(directory());
    assert.equal(await modelsCommand(['--json', '--provider', 'openai'], io), 0);
    const said = asRecord(parseJson(io.said.out));
    const rows = (asArray(said?.['models']) ?? []).map((row) => asRecord(row) ?? {});
    const gpt5 = rows.find((row) => row['id'] === 'openai/gpt-5');
    assert.deepEqual(gpt5?.['price'], { input: '1.25', output: '10', cache_read: '0.125' });
    assert.deepEqual(gpt5['limits'], { context: 400_000, input: 272_000, output: 128_000 });
    assert.ok(rows.some((row) => row['price'] === null));
    const tiered = rows.map((row) => asRecord(row['price'])).find((price) => price?.['tiers'] !== undefined);
    assert.equal(typeof asRecord(asArray(tiered?.['tiers'])?.[0])?.['above_context_tokens'], 'number');
  });

  it('says how good a model is at which task, from which figures of which sources; nothing of an unknown one', async () => {
    const io = terminal(directory());
    assert.equal(await modelsCommand(['--json', '--provider', 'openai'], io), 0);
    const said = asRecord(parseJson(io.said.out));
    const sources = asArray(said?.['quality_sources']) ?? [];
    const rows = (asArray(said?.['models']) ?? []).map((row) => asRecord(row) ?? {});
    const qualities = (id: string): JsonRecord | undefined =>
      asRecord(rows.find((row) => row['id'] === id)?.['quality']);
    const gpt52 = qualities('openai/gpt-5.2');
    assert.equal(gpt52?.['measured_as'], 'openai/gpt-5.2');
    const { score, uncertainty } = asRecord(asRecord(gpt52['scores'])?.['code']) ?? {};
    assert.ok(typeof score === 'number' && score > 0.5 && score < 1);
    assert.ok(typeof uncertainty === 'number' && uncertainty > 0 && uncertainty < 0.2);
    for (const figure of asArray(gpt52['figures']) ?? []) {
      const source = asRecord(sources[asCount(asRecord(figure)?.['source']) ?? -1]);
      assert.match(asString(source?.['url']) ?? '', /^https:/);
      assert.match(asString(source?.['as_of']) ?? '', /^20/);
    }
    assert.equal(qualities('openai/text-embedding-3-small'), undefined);
  });

  it('refuses a provider that is none, and words it does not know', async () => {
    const io = terminal(directory());
    assert.equal(await modelsCommand(['--provider', '__proto__'], io), 1);
    assert.match(io.said.err, /no provider "__proto__"/);
    assert.equal(await modelsCommand(['--all'], io), 2);
  });
});
