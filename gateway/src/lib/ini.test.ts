import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseIni } from './ini.ts';

describe('INI files', () => {
  it('are read as the AWS tools write them', () => {
    const text = [
      '\ufeff; a comment',
      'stray = 1',
      '[default]',
      'aws_access_key_id=AKID',
      'aws_secret_access_key = a/b+c=d#e  # not the secret any more',
      '# region = no',
      '[ profile   work ]',
      'region = eu-west-1',
      's3 =',
      '  region = inner',
      'no value here',
      '[default]',
      'region = us-east-1\r',
    ].join('\n');
    const plain = [...parseIni(text)].map(([name, values]) => [name, Object.fromEntries(values)]);
    assert.deepEqual(plain, [
      ['default', { aws_access_key_id: 'AKID', aws_secret_access_key: 'a/b+c=d#e', region: 'us-east-1' }],
      ['profile work', { region: 'eu-west-1', s3: '' }],
    ]);
  });

  it('never fail, whatever stands in them', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseIni(text).size >= 0));
  });
});
