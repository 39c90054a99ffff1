/** Pictures, and addresses that a caller would have us connect to: rows B23 to B25 of the fault table, in all three protocols. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  chat,
  PROTOCOLS,
  underWatch,
  unseenUpstream,
  rigHere,
  type Protocol,
} from './bad-input.ts';
import { assertAnsweredOrRefused, modelOf, MODELS, patched, patchesTo } from './odd-fields.ts';

const rig = rigHere();
const { chatWith, refuses } = patchesTo(rig);

describe('pictures', () => {
  let listener: Server;
  let connections = 0;
  let port = 0;

  before(async () => {
    listener = createServer((socket) => {
      connections += 1;
      socket.end('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => {
      listener.listen(0, '::', resolve);
    });
    const address: AddressInfo | string | null = listener.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });

  after(() => {
    listener.close();
  });

  /** A body with a picture by its address. */
  function picture(protocol: Protocol, url: string): JsonRecord {
    switch (protocol) {
      case 'openai':
        return { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] };
      case 'anthropic':
        return { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }] };
      case 'gemini':
        return { contents: [{ role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri: url } }] }] };
    }
  }

  it('B23 never fetches a picture: its address is passed on as text, by policy', async () => {
    const addresses = [
      'http://169.254.169.254/latest/meta-data/',
      `http://127.0.0.1:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://0.0.0.0:${port}/`,
      `http://localhost:${port}/private`,
      `https://localhost:${port}/redirect`,
      'http://[::ffff:10.0.0.1]/',
    ];
    for (const protocol of PROTOCOLS) {
      const [sameDialect, ...others] = MODELS.toSorted((a) => (a === modelOf(protocol) ? -1 : 1));
      for (const url of addresses) {
        const before = rig.upstream.log.requests.length;
        assertAnswered(await chatWith(protocol, sameDialect ?? '', picture(protocol, url)));
        assert.ok(rig.upstream.log.requests[before]?.bodyText?.includes(url), `${protocol}: ${url} was changed`);
        for (const model of others)
          assertAnsweredOrRefused(await chatWith(protocol, model, picture(protocol, url)), protocol);
      }
    }
    assert.equal(connections, 0, 'a connection was opened for a picture');
  });

  it('B23 refuses addresses that no provider could fetch', async () => {
    const fields: Readonly<Record<Protocol, RegExp>> = {
      openai: /^messages\[0\]\.content/,
      anthropic: /^messages\[0\]\.content\[0\]\.source\.url/,
      gemini: /^contents\[0\]\.parts\[0\]\.fileData\.fileUri/,
    };
    const addresses = [
      'file:///etc/passwd',
      'gopher://localhost/',
      'ftp://localhost/x',
      'javascript:alert(1)',
      'FILE:///etc/passwd',
    ];
    for (const protocol of PROTOCOLS) {
      await refuses(
        protocol,
        addresses.map((url) => [picture(protocol, url), fields[protocol]] as const),
      );
    }
  });

  /** A body with a picture as base64. */
  function data(protocol: Protocol, type: string, base64: string): JsonRecord {
    switch (protocol) {
      case 'openai':
        return picture('openai', `data:${type};base64,${base64}`);
      case 'anthropic':
        return {
          messages: [
            { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: type, data: base64 } }] },
          ],
        };
      case 'gemini':
        return { contents: [{ role: 'user', parts: [{ inlineData: { mimeType: type, data: base64 } }] }] };
    }
  }

  it('B24 refuses pictures of 40 MB, of no base64 and of another type', async (test) => {
    const fields: Readonly<Record<Protocol, RegExp>> = {
      openai: /^messages\[0\]\.content/,
      anthropic: /^messages\[0\]\.content\[0\]\.source\./,
      gemini: /^contents\[0\]\.parts\[0\]\.inlineData/,
    };
    for (const protocol of PROTOCOLS) {
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const answer = await chat(
            rig,
            protocol,
            patched(protocol, data(protocol, 'image/png', 'A'.repeat(40_000_000))),
          );
          assertRefused(answer, protocol, { status: 413, code: 'body_too_big' });
        });
      });
      await refuses(protocol, [
        [data(protocol, 'image/png', 'not base64 at all!'), fields[protocol]],
        [data(protocol, 'image/png', ''), fields[protocol]],
        [data(protocol, 'nonsense', 'AAAA'), fields[protocol]],
      ]);
    }
    for (const protocol of ['openai', 'anthropic'] as const) {
      await refuses(protocol, [[data(protocol, 'text/html', 'AAAA'), fields[protocol]]]);
    }
  });

  it('B24 serves a picture of 20 MB, every byte of it, also in translation', async (test) => {
    const base64 = Buffer.alloc(15_000_000, 'picture').toString('base64');
    for (const [index, protocol] of PROTOCOLS.entries()) {
      for (const model of [modelOf(protocol), MODELS[(index + 1) % MODELS.length] ?? '']) {
        await underWatch(rig, test, async () => {
          const before = rig.upstream.log.requests.length;
          assertAnswered(await chatWith(protocol, model, data(protocol, 'image/png', base64)));
          assert.ok(rig.upstream.log.requests[before]?.bodyText?.includes(base64), `${protocol} to ${model}`);
        });
      }
    }
  });

  it('B25 refuses fields that would choose address, key or headers of the provider, and connects nowhere', async () => {
    const url = `http://127.0.0.1:${port}/v1`;
    for (const protocol of PROTOCOLS) {
      await refuses(protocol, [
        [{ api_base: url }, 'api_base'],
        [{ base_url: url }, 'base_url'],
        [{ api_key: 'sk-mine' }, 'api_key'],
        [{ custom_host: url }, 'custom_host'],
        [{ organization: 'org-x' }, 'organization'],
        [{ extra_headers: { authorization: 'Bearer x' } }, 'extra_headers'],
      ]);
    }
    assert.equal(connections, 0, 'a connection was opened to an address of the caller');
  });
});
