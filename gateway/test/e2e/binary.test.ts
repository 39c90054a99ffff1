/** Sound without end: it is relayed as it comes, no more of it is held than a socket takes, and at the limit the connection breaks. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const MIB = 1024 * 1024;
const RESPONSE_MAX_BYTES = 64 * MIB;
/** Between a provider that never stops and a caller that does not read: our own buffer, and those of four sockets. */
const IN_FLIGHT_MAX_BYTES = 24 * MIB;
const PIECE = Buffer.alloc(MIB / 4, 7);

let upstream: Server;
let gateway: TestGateway;
/** Bytes that the provider could hand over so far, and whether its connection was closed. */
let given = { bytes: 0, isClosed: false };

before(async () => {
  upstream = createServer((asked, response) => {
    const mine = { bytes: 0, isClosed: false };
    given = mine;
    asked.resume();
    response.writeHead(200, { 'content-type': 'audio/mpeg' });
    response.once('close', () => {
      mine.isClosed = true;
    });
    // A piece at a time: the next one when the socket has taken this one.
    const more = (): void => {
      if (mine.isClosed) return;
      mine.bytes += PIECE.length;
      response.write(PIECE, more);
    };
    more();
  });
  await new Promise<void>((resolve) => {
    upstream.listen(0, '127.0.0.1', resolve);
  });
  const address = upstream.address();
  const port = typeof address === 'object' ? address?.port : 0;
  gateway = await startGateway({
    config: testConfig(
      { house: `{dialect: openai-chat, base_url: "http://127.0.0.1:${port}/v1", models: {m: {}}}` },
      `server: {write_idle_ms: 1500}\nlimits: {response_max_bytes: ${RESPONSE_MAX_BYTES}}`,
    ),
  });
});

after(async () => {
  await gateway.stop();
  upstream.closeAllConnections();
  upstream.close();
});

/** The answer's head; its body is up to the test. */
function speak(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      `${gateway.url}/v1/audio/speech`,
      { method: 'POST', headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' } },
      resolve,
    );
    asked.once('error', reject);
    asked.end(JSON.stringify({ model: 'house/m', input: 'hello', voice: 'alloy' }));
  });
}

function closed(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    message.on('error', () => undefined);
    message.once('close', resolve);
  });
}

async function outcomeOf(message: IncomingMessage): Promise<unknown> {
  const id = String(message.headers['x-turnout-decision']);
  const reply = await fetch(`${gateway.url}/v1/decisions/${id}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  const record = asRecord(await reply.json());
  const [attempt] = asArray(record?.['attempts']) ?? [];
  return [record?.['outcome'], asRecord(attempt)?.['outcome']];
}

describe('sound without end', () => {
  it('F17 is cut at the limit of an answer, as a break and not as an end', async () => {
    const message = await speak();
    assert.equal(message.statusCode, 200);
    let bytes = 0;
    message.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    await closed(message);
    assert.ok(bytes > MIB && bytes <= RESPONSE_MAX_BYTES, `${bytes} bytes came`);
    assert.equal(message.complete, false, 'it looks complete');
    assert.deepEqual(await outcomeOf(message), ['upstream_error', 'broke']);
  });

  it('F43 waits where its caller does not read, and ends with him', async () => {
    const message = await speak();
    const gone = closed(message);
    message.pause();
    // The gateway gives up at `write_idle_ms`; until then the provider is held back.
    while (!given.isClosed) await new Promise((resolve) => void setImmediate(resolve));
    assert.ok(
      given.bytes >= PIECE.length && given.bytes < IN_FLIGHT_MAX_BYTES,
      `${given.bytes} bytes were taken from the provider`,
    );
    message.resume();
    await gone;
    assert.equal(message.complete, false);
  });
});
