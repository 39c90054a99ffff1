import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filledTemplate } from './template.ts';

const WORKERS = 'https://api.cloudflare.com/client/v4/accounts/${ACCOUNT}/ai/v1';

describe('addresses that depend on the account', () => {
  const table: readonly (readonly [string, string, Readonly<Record<string, string>>, string | undefined])[] = [
    ['nothing to fill', 'https://a.example/v1', {}, 'https://a.example/v1'],
    [
      'a step of the path',
      WORKERS,
      { ACCOUNT: ' 0123abcd ' },
      'https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/v1',
    ],
    [
      'a part of the host',
      'https://${ACCOUNT}.snow.example/v1',
      { ACCOUNT: 'org-name' },
      'https://org-name.snow.example/v1',
    ],
    ['a host', 'https://${HOST}/v1', { HOST: 'adb-1.2.azuredatabricks.net' }, 'https://adb-1.2.azuredatabricks.net/v1'],
    ['a host as a console shows it', 'https://${HOST}/v1', { HOST: 'https://dbc.example/' }, 'https://dbc.example/v1'],
    ['a whole address', '${BASE}/v1', { BASE: 'https://ep-1.neon.example/' }, 'https://ep-1.neon.example/v1'],
    ['two words', 'https://a.example/${ONE}/${TWO}', { ONE: '1', TWO: '2' }, 'https://a.example/1/2'],
    ['a word that is missing', 'https://a.example/${ONE}/${TWO}', { ONE: '1' }, undefined],
    ['an empty word', WORKERS, { ACCOUNT: ' ' }, undefined],
    ['a way out of the path', WORKERS, { ACCOUNT: '../../x' }, undefined],
    ['another host', 'https://${ACCOUNT}.snow.example', { ACCOUNT: 'evil.example/x?' }, undefined],
    ['credentials before a host', 'https://${HOST}/v1', { HOST: 'a@evil.example' }, undefined],
    ['a whole address that is none', '${BASE}/v1', { BASE: 'ep-1.neon.example' }, undefined],
  ];
  for (const [name, template, env, expected] of table)
    it(`takes ${name}`, () => assert.equal(filledTemplate(template, env), expected));
});
