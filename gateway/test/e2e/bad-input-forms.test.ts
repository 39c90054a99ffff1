/** Bad input at the endpoints that take a form: boundaries, parts, files, fields, and uploads that are too long, too slow or cut. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'node:test';
import { raw, rigHere, send, underWatch, unseenUpstream, type Answer, type Expected } from './bad-input.ts';
import { assertRefusedIn, FORM_ENDPOINTS, keysOf, type FormEndpoint } from './endpoints.ts';

const MIB = 1024 * 1024;
const BODY_MAX_BYTES = 32 * MIB;
const BODY_TIMEOUT_MS = 1500;
const MULTIPART = 'multipart/form-data; boundary=b';

const rig = rigHere(`server: { header_timeout_ms: 1000, body_timeout_ms: ${BODY_TIMEOUT_MS} }`);

/** One part; `more` follows its name, `lines` are headers of its own. */
function part(name: string, value: string | Buffer, more = '', ...lines: readonly string[]): Buffer {
  const head = [`Content-Disposition: form-data; name="${name}"${more}`, ...lines].join('\r\n');
  return Buffer.concat([Buffer.from(`--b\r\n${head}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')]);
}

function form(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat([...parts.map((one) => Buffer.from(one)), Buffer.from('--b--\r\n')]);
}

function ask(
  { path }: FormEndpoint,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(rig, path, { body, headers: { 'content-type': MULTIPART, ...keysOf('openai'), ...headers } });
}

for (const endpoint of FORM_ENDPOINTS) {
  const { path, fileField } = endpoint;
  const fields = Object.entries(endpoint.fields).map(([name, value]) => part(name, value));
  const file = part(fileField, 'RIFF', '; filename="a.png"', `Content-Type: ${endpoint.type}`);
  const good = form(...fields, file);

  async function serves(): Promise<void> {
    const answer = await ask(endpoint, good);
    assert.equal(answer.status, 200, `a good form was not served: ${answer.text.slice(0, 300)}`);
  }

  async function refuses(cases: readonly (readonly [body: Buffer | string, expected: Expected])[]): Promise<void> {
    const wrong: string[] = [];
    for (const [body, expected] of cases) {
      await unseenUpstream(rig, async () => assertRefusedIn(await ask(endpoint, body), 'openai', expected)).catch(
        (error: unknown) => void wrong.push(`${body.toString('latin1').slice(0, 200)}: ${String(error)}`),
      );
    }
    assert.deepEqual(wrong, []);
    await serves();
  }

  describe(`a form for ${path}`, () => {
    it('B12 refuses boundaries that are none', async () => {
      await unseenUpstream(rig, async () => {
        for (const [type, expected] of [
          ['multipart/form-data', { status: 400, message: /no boundary/ }],
          ['multipart/form-data; boundary=', { status: 400, message: /no boundary/ }],
          [`multipart/form-data; boundary=${'x'.repeat(71)}`, { status: 400, message: /longer than 70/ }],
          [`multipart/form-data; boundary=${'x'.repeat(9000)}`, { status: [400, 431] }],
          ['multipart/form-data; boundary="b\u00e9"', { status: 400, message: /boundary/ }],
          ['multipart/mixed; boundary=b', { status: 415 }],
          ['application/octet-stream', { status: 415 }],
        ] as const) {
          assertRefusedIn(await ask(endpoint, good, { 'content-type': type }), 'openai', expected);
        }
      });
      await serves();
    });

    it('refuses bodies that are no form, and says why', async () => {
      const invalid = (message: RegExp): Expected => ({ status: 400, code: 'form_invalid', message });
      await refuses([
        ['', invalid(/ends before/)],
        ['{"model":"house/m"}', invalid(/does not begin/)],
        [good.subarray(0, -6), invalid(/ends before/)],
        [Buffer.concat([Buffer.from('preamble\r\n'), good]), invalid(/does not begin/)],
        [Buffer.concat([good, Buffer.from('more')]), invalid(/follows its last/)],
        [form('--b\r\n\r\nx\r\n'), invalid(/content-disposition/)],
        [form('--b\r\nContent-Disposition: attachment; name="x"\r\n\r\nx\r\n'), invalid(/content-disposition/)],
        [form('--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n'), invalid(/content-disposition/)],
        [form('--b\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n'), invalid(/content-disposition/)],
        [form('--b\r\nno header line\r\n\r\nx\r\n'), invalid(/header line/)],
        [form(part('x', 'y', '', 'Content-Type: a/b', 'Content-Type: a/c')), invalid(/twice/)],
        [form(part('x', 'eA==', '', 'Content-Transfer-Encoding: base64')), invalid(/transfer encoding/)],
        [form(part('x', 'y', '', `X-Long: ${'z'.repeat(5000)}`)), invalid(/longer than 4096/)],
        [`--b\r\nX-Endless: ${'z'.repeat(MIB)}`, invalid(/longer than 4096/)],
        [form(part('n'.repeat(300), 'y')), invalid(/longer than 256/)],
        [form(...Array.from({ length: 65 }, (_, index) => part(`x${index}`, 'y'))), invalid(/more than 64 parts/)],
        [form(part('prompt', 'y'.repeat(300_000))), invalid(/longer than 262144/)],
      ]);
    });

    it('refuses fields and files that are missing, doubled, misnamed or empty, by name', async () => {
      const without = (name: string): readonly Buffer[] =>
        Object.entries(endpoint.fields).flatMap(([key, value]) => (key === name ? [] : [part(key, value)]));
      const missing = { status: 400, param: new RegExp(`^${fileField}`) };
      const model = { status: [400, 404], param: 'model' };
      await refuses([
        [form(...without('model'), file), model],
        ...['', 'x'.repeat(10_240), 'm\r\nx: y', 'constructor', '../../etc/passwd', '模型'].map(
          (name) => [form(...without('model'), part('model', name), file), model] as const,
        ),
        [form(...fields), missing],
        [form(...fields, part(fileField, 'RIFF')), missing],
        [form(...fields, part(fileField.toUpperCase(), 'RIFF', '; filename="a.png"')), missing],
        [form(...fields, part(fileField, '', '; filename="a.png"', `Content-Type: ${endpoint.type}`)), missing],
        [form(...fields, part('model', 'house/dear'), file), { status: 400, code: 'duplicate_key' }],
        [form(...fields, part('__proto__', 'x'), file), { status: 400, code: 'forbidden_key' }],
        [form(...fields, part('constructor', 'x'), file), { status: 400, code: 'forbidden_key' }],
        [form(...fields, part('user', Buffer.from([0x61, 0xff])), file), { status: 400, code: 'body_not_utf8' }],
        [form(...fields, part('base_url', 'http://127.0.0.1/'), file), { status: 400, param: 'base_url' }],
        [form(...fields, part('api_key', 'sk-x'), file), { status: 400, param: 'api_key' }],
        ...endpoint.refused.map(
          ([name, value]) => [form(...without(name), part(name, value), file), { status: 400, param: name }] as const,
        ),
      ]);
    });

    it('sends on a file whatever its name and bytes are, unchanged', async () => {
      const bytes = Buffer.concat([Buffer.from('\0\xff\r\n\r\n--B\r\n--c--', 'latin1'), Buffer.alloc(1000, 7)]);
      const odd = part(fileField, bytes, '; filename="../../etc/passwd\\"%00.png"', `Content-Type: ${endpoint.type}`);
      const before = rig.upstream.log.requests.length;
      const answer = await ask(endpoint, form(...fields, odd));
      assert.equal(answer.status, 200, answer.text.slice(0, 300));
      assert.equal(rig.upstream.log.requests[before]?.bodyBytes, form(...fields, odd).length - 'house/'.length);
    });

    it('B09, B11 stops reading a file that is too long, announced or not, packed or not', async (test) => {
      const head = form(...fields).subarray(0, -'--b--\r\n'.length);
      const open = Buffer.concat([head, part(fileField, '', '; filename="a"').subarray(0, -2)]);
      const lines = (...more: readonly string[]): string =>
        [
          `POST ${path} HTTP/1.1`,
          'host: x',
          `content-type: ${MULTIPART}`,
          `authorization: ${keysOf('openai')['authorization']}`,
          ...more,
          '',
          '',
        ].join('\r\n');
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const first = Buffer.from(`${open.length.toString(16)}\r\n${open.toString('latin1')}\r\n`, 'latin1');
          const endless = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, 'a'), Buffer.from('\r\n')]);
          const opening = Buffer.concat([Buffer.from(lines('transfer-encoding: chunked')), first]);
          const streamed = await raw(rig, opening, { endless, quietMs: 3000 });
          const announced = await raw(rig, lines(`content-length: ${BODY_MAX_BYTES + 1}`), { quietMs: 3000 });
          for (const { answers, isClosed } of [streamed, announced]) {
            const [answer] = answers;
            assert.ok(answer !== undefined && answers.length === 1 && isClosed);
            // How long 32 MiB take to be sent, or unpacked in threads beside, is not the loop's doing, which is watched.
            assertRefusedIn({ ...answer, ownMs: 0 }, 'openai', { status: 413, code: 'body_too_big' });
          }
          const bomb = gzipSync(Buffer.concat([open, Buffer.alloc(64 * MIB, 'a')]));
          const packed = await ask(endpoint, bomb, { 'content-encoding': 'gzip' });
          assertRefusedIn({ ...packed, ownMs: 0 }, 'openai', { status: 413, code: 'body_too_big' });
        });
      });
      await serves();
    });

    it('B10, F44 ends an upload that stalls at the limit, and forgets one that is cut', async () => {
      const lines = [
        `POST ${path} HTTP/1.1`,
        'host: x',
        `content-type: ${MULTIPART}`,
        `authorization: ${keysOf('openai')['authorization']}`,
        `content-length: ${good.length + 100}`,
      ];
      const begun = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), good.subarray(0, 40)]);
      await unseenUpstream(rig, async () => {
        const stalled = await raw(rig, begun, { quietMs: 4000 });
        assert.deepEqual([stalled.answers.map(({ status }) => status), stalled.isClosed], [[408], true]);
        assert.ok(stalled.tookMs >= BODY_TIMEOUT_MS, `${stalled.tookMs} ms`);
        await raw(rig, begun, { ends: true });
      });
      await serves();
    });

    it('B31, B44 refuses strangers, and other methods', async () => {
      await unseenUpstream(rig, async () => {
        const headers = { 'content-type': MULTIPART };
        const stranger = await send(rig, path, { body: good, headers });
        assertRefusedIn(stranger, 'openai', { status: 401 });
        const method = await send(rig, path, { method: 'GET', headers: { ...headers, ...keysOf('openai') } });
        assertRefusedIn(method, 'openai', { status: 405 });
        assert.equal(method.headers['allow'], 'POST');
      });
      await serves();
    });
  });
}
