/** docs/reference/faults.md is fresh, and the table behind it is sound. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fault, specOf } from '../src/chat/fault.ts';
import { gateDialects } from '../src/dialects/index.ts';
import { codes, faultsPage } from './faults-page.ts';

/** OpenAI's own codes, by which its clients act. */
const CLIENTS_ACT_BY = ['context_length_exceeded', 'insufficient_quota', 'content_filter'];
const here = dirname(fileURLToPath(import.meta.url));

describe('the page on faults', () => {
  it('is fresh', () => {
    const page = readFileSync(join(here, '..', '..', 'docs', 'reference', 'faults.md'), 'utf8');
    assert.equal(page, faultsPage(), 'run `npm run generate`');
  });

  it('tells the code and the way out in every protocol', () => {
    for (const code of codes()) {
      const of = fault(code, {}, { param: 'some_field' });
      const { text, status } = specOf(of);
      assert.ok(status >= 400 && status <= 599, code);
      assert.ok(/[.:}?]$/.test(text) && text.length > 20, `${code}: ${text}`);
      for (const dialect of Object.values(gateDialects)) {
        const body = JSON.stringify(dialect.encodeFault(of, { requestId: 'req_1' }));
        const names = [code, code.replaceAll('-', '_'), ...CLIENTS_ACT_BY];
        assert.ok(
          names.some((name) => body.includes(`"${name}"`)),
          `${dialect.id} hides the code ${code}: ${body}`,
        );
        assert.ok(body.includes(JSON.stringify(of.message).slice(1, -1)), `${dialect.id} hides the text of ${code}`);
      }
    }
  });
});
