import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { configRecord } from './config-record.ts';

function placesOf(store: string, shared: string): readonly unknown[] {
  const read = parseConfig(`store: ${store}\nshared: ${shared}\n`, { file: 'f', env: {} });
  assert.ok(read.ok, JSON.stringify(read));
  const record = configRecord(read.value.config);
  return [record['store'], record['shared']];
}

describe('the configuration as it is shown', () => {
  it('tells where store and shared counts are, without the password of either, wherever it stands', () => {
    assert.deepEqual(placesOf('sqlite', 'memory'), ['sqlite', 'memory']);
    assert.deepEqual(placesOf('postgres://turnout:hunter2@db:5433/books', 'rediss://:hunter2@valkey:6379/1'), [
      'postgres://db:5433/books',
      'rediss://valkey:6379/1',
    ]);
    for (const place of ['u:p@hunter2@host/x', 'host/x?user=u&password=hunter2', 'u:hunter2/@host/x']) {
      const shown = placesOf(`postgres://${place}`, `redis://${place}`);
      assert.doesNotMatch(JSON.stringify(shown), /hunter|word/, place);
    }
  });
});
