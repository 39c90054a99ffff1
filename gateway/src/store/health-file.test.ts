import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { healthFile } from './health-file.ts';

describe('the file of what was learned', () => {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-health-'));
  after(() => rmSync(dir, { recursive: true }));

  it('is read as it was written, and written whole', () => {
    const file = healthFile(dir, assert.fail);
    assert.equal(file.read(), undefined);
    file.write({ version: 1, targets: [] });
    file.write({ version: 1, targets: [1] });
    assert.deepEqual(file.read(), { version: 1, targets: [1] });
    assert.deepEqual(readdirSync(dir), ['health.json']);
  });

  it('is nothing where it is cut', () => {
    writeFileSync(join(dir, 'health.json'), '{"version": 1, "targ');
    assert.equal(healthFile(dir, assert.fail).read(), undefined);
  });

  it('is told of once where it cannot be written', () => {
    const told: string[] = [];
    const file = healthFile(join(dir, 'nowhere'), (reason) => void told.push(reason));
    for (let count = 0; count < 3; count += 1) file.write({});
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /ENOENT/);
  });
});
