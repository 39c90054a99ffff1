/** The client against a real gateway over real sockets, and against connections that break. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { startSimulator, type Simulator } from '../../gateway/src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../../gateway/test/harness.ts';
import {
  AuthenticationError,
  ConflictError,
  ConnectionError,
  createTurnout,
  etagOf,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  ServerError,
  TurnoutError,
  type Turnout,
} from '../src/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

let simulator: Simulator;
let gateway: TestGateway;
let turnout: Turnout;

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({
    config: testConfig(
      {
        house: `{dialect: openai-chat, base_url: "${simulator.url}/p/p/v1", api_key: "sk-upstream-0123456789", models: {m: {price: {input: 1, output: 2}}}}`,
      },
      'routes:\n  main: {targets: [house/m]}',
    ),
  });
  turnout = createTurnout({ baseUrl: gateway.url, apiKey: ROOT_KEY });
});
after(async () => {
  await gateway.stop();
  await simulator.close();
});

describe('the client', () => {
  it('makes, shows, changes and deletes a key', async () => {
    const made = await turnout.keys.create({ name: 'sdk', budget_usd: '2', models: ['house/*'] });
    assert.match(made.key, /^tk_/);
    const seen = await turnout.keys.get(made.id);
    assert.deepEqual([seen.name, seen.budget_usd, seen.models], ['sdk', '2', ['house/*']]);
    const changed = await turnout.keys.update(made.id, { budget_usd: null }, { ifMatch: etagOf(seen) ?? '' });
    assert.equal(changed.budget_usd, undefined);
    await assert.rejects(
      turnout.keys.update(made.id, { name: 'late' }, { ifMatch: etagOf(seen) ?? '' }),
      ConflictError,
    );
    assert.deepEqual(await turnout.keys.delete(made.id), { id: made.id, deleted: true });
    await assert.rejects(turnout.keys.get(made.id), NotFoundError);
  });

  it('goes through a list page by page', async () => {
    for (const name of ['list a', 'list b', 'list c', 'list d', 'list e']) await turnout.keys.create({ name });
    const seen: string[] = [];
    for await (const key of turnout.keys.list({ q: 'list ', sort: 'name', limit: 2 })) seen.push(key.name);
    assert.deepEqual(seen, ['list a', 'list b', 'list c', 'list d', 'list e']);
    const first = await turnout.keys.list({ q: 'list ', sort: '-name', limit: 2 }).page();
    assert.deepEqual([first.data.map(({ name }) => name), first.has_more], [['list e', 'list d'], true]);
  });

  it('throws what was refused as a class, with the field and the request', async () => {
    const refused = turnout.keys.create({ name: 'a', tags: ['fine', ''] });
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof InvalidRequestError && error instanceof TurnoutError);
      assert.deepEqual([error.status, error.param, error.code], [400, 'tags[1]', 'field_invalid']);
      assert.match(error.requestId ?? '', /^req_/);
      return true;
    });
    const stranger = createTurnout({ baseUrl: gateway.url, apiKey: 'tk_nobody' });
    await assert.rejects(stranger.keys.list().page(), AuthenticationError);
    const { key } = await turnout.keys.create({ name: 'plain' });
    await assert.rejects(createTurnout({ baseUrl: gateway.url, apiKey: key }).keys.list().page(), PermissionError);
  });

  it('explains a body, shows a decision, and says what an answer was worth', async () => {
    const { key } = await turnout.keys.create({ name: 'caller' });
    const caller = createTurnout({ baseUrl: gateway.url, apiKey: key });
    const body = { model: 'main', messages: [{ role: 'user', content: 'hi' }] };
    assert.equal((await caller.explain(body))['route'], 'main');
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await reply.text();
    const id = reply.headers.get('x-turnout-decision') ?? '';
    assert.deepEqual([(await caller.decisions.get(id)).id, (await caller.decisions.get(id)).outcome], [id, 'ok']);
    assert.equal((await caller.feedback.give({ id, score: 0.5 })).score, 0.5);
    const routes = [];
    for await (const route of turnout.routes.list()) routes.push(route.id);
    assert.deepEqual(routes, ['main']);
  });
});

describe('a repeat', () => {
  /** Before the gateway: what `spoil` takes is not answered, though it may have been done. */
  async function withProxy(
    spoil: (request: IncomingMessage, response: ServerResponse, tries: number) => boolean,
    work: (client: Turnout, seen: readonly IncomingMessage[]) => Promise<void>,
    retriesMax = 2,
  ): Promise<void> {
    const seen: IncomingMessage[] = [];
    const server: Server = createServer((request, response) => {
      void (async () => {
        seen.push(request);
        const pieces: Buffer[] = [];
        for await (const piece of request) pieces.push(Buffer.from(piece));
        const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
        const answer = await fetch(gateway.url + (request.url ?? ''), {
          method: request.method ?? 'GET',
          headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
          ...(pieces.length === 0 ? {} : { body: Buffer.concat(pieces) }),
        });
        const text = await answer.text();
        if (spoil(request, response, seen.length)) return;
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
      })();
    });
    await new Promise<void>((done) => {
      server.listen(0, '127.0.0.1', done);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await work(
        createTurnout({ baseUrl: `http://127.0.0.1:${port}/`, apiKey: ROOT_KEY, retriesMax, timeoutMs: 5000 }),
        seen,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('makes one key where the answer to the first try was lost', async () => {
    await withProxy(
      (request, _, tries) => {
        if (tries === 1) request.socket.destroy();
        return tries === 1;
      },
      async (client, seen) => {
        const { id, key } = await client.keys.create({ name: 'lost answer' });
        const keys = new Set(seen.map(({ headers }) => headers['idempotency-key']));
        assert.deepEqual([seen.length, keys.size], [2, 1]);
        assert.match(key, /^tk_/);
        const { data } = await turnout.keys.list({ q: 'lost answer' }).page();
        assert.deepEqual(
          data.map((row) => row.id),
          [id],
        );
      },
    );
  });

  it('comes as late as the gateway asks for, and not for ever', async () => {
    const spoil = (_: IncomingMessage, response: ServerResponse): boolean => {
      response
        .writeHead(503, { 'retry-after-ms': '5', 'content-type': 'application/json' })
        .end('{"error":{"message":"away"}}');
      return true;
    };
    await withProxy(spoil, async (client, seen) => {
      await assert.rejects(
        client.keys.list().page(),
        (error) => error instanceof ServerError && error.message === 'away',
      );
      assert.equal(seen.length, 3);
    });
    await withProxy(
      spoil,
      async (client, seen) => {
        await assert.rejects(client.keys.list().page(), ServerError);
        assert.equal(seen.length, 1);
      },
      0,
    );
  });

  it('is not made of what was refused, nor after the caller has left', async () => {
    await withProxy(
      () => false,
      async (client, seen) => {
        await assert.rejects(client.keys.get('key_none'), NotFoundError);
        assert.equal(seen.length, 1);
        await assert.rejects(client.keys.list({}, { signal: AbortSignal.abort() }).page(), ConnectionError);
        assert.equal(seen.length, 1);
      },
    );
  });
});

describe('the README', () => {
  const examples = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, code = '']) => code,
  );
  it('has examples that run', async () => {
    assert.equal(examples.length, 5);
    const dir = mkdtempSync(join(tmpdir(), 'turnout-sdk-'));
    const sdk = pathToFileURL(join(root, 'src', 'index.ts')).href;
    try {
      for (const [at, code] of examples.entries()) {
        const file = join(dir, `example-${at}.ts`);
        writeFileSync(file, code.replace("'@turnout/sdk'", `'${sdk}'`));
        execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
          env: { ...process.env, TURNOUT_URL: gateway.url, TURNOUT_KEY: ROOT_KEY },
        });
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('the package', () => {
  it('is built of ESM and types, depends on nothing, and is as npm packages should be', async () => {
    execFileSync('tsc', ['-p', join(root, 'tsconfig.build.json')]);
    const { messages } = await publint({ pkgDir: root, strict: true });
    assert.deepEqual(messages, []);
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.ok(typeof manifest === 'object' && manifest !== null && !('dependencies' in manifest));
    const built = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
    assert.equal(typeof built.createTurnout, 'function');
  });
});
