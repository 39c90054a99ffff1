import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { masterOf, newMasterKey, payloadOf, resealed, seal, unseal, type Purpose } from './seal.ts';

const MASTER = newMasterKey();
const OTHER = newMasterKey();
const PURPOSE: Purpose = { id: 'sec_1', provider: 'openai', origin: 'https://api.openai.com' };
const purposes = fc.record({ id: fc.string(), provider: fc.string(), origin: fc.string() });

describe('a sealed secret', () => {
  it('opens to what was sealed, with its master key among others, and shows nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), purposes, (secret, purpose) => {
        const sealed = seal(secret, purpose, MASTER);
        assert.deepEqual(unseal(sealed, purpose, [OTHER, MASTER]), { ok: true, value: Buffer.from(secret).toString() });
        assert.equal(masterOf(sealed), MASTER.id);
        if (secret.length > 6) assert.ok(!sealed.includes(secret));
      }),
    );
    assert.notEqual(seal('a', PURPOSE, MASTER), seal('a', PURPOSE, MASTER));
  });

  it('opens no more where any bit of it is another', () => {
    const sealed = seal('sk-0123456789', PURPOSE, MASTER);
    const bits = sealed.length * 8;
    for (let bit = 0; bit < bits; bit++) {
      const bytes = Buffer.from(sealed, 'latin1');
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(unseal(bytes.toString('latin1'), PURPOSE, [MASTER]).ok, false, `bit ${bit}`);
    }
  });

  it('opens no more where letters are missing, added or exchanged', () => {
    const sealed = seal('sk-0123456789', PURPOSE, MASTER);
    fc.assert(
      fc.property(fc.nat(sealed.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, gone, added) => {
        const text = sealed.slice(0, at) + added + sealed.slice(at + gone);
        fc.pre(text !== sealed);
        assert.equal(unseal(text, PURPOSE, [MASTER]).ok, false);
      }),
    );
  });

  it('opens for what it was sealed for, and for nothing else', () => {
    const sealed = seal('sk-0123456789', PURPOSE, MASTER);
    for (const purpose of [
      { ...PURPOSE, id: 'sec_2' },
      { ...PURPOSE, provider: 'openai2' },
      { ...PURPOSE, origin: 'https://api.openai.com:8443' },
      { ...PURPOSE, origin: 'http://api.openai.com' },
    ])
      assert.deepEqual(unseal(sealed, purpose, [MASTER]), { ok: false, error: 'damaged' });
    assert.deepEqual(unseal(sealed, PURPOSE, [OTHER]), { ok: false, error: 'key-unknown' });
    const two = seal('sk-9876543210', PURPOSE, MASTER);
    const mixed = [...sealed.split('.').slice(0, 3), payloadOf(two)].join('.');
    assert.deepEqual(unseal(mixed, PURPOSE, [MASTER]), { ok: false, error: 'damaged' });
  });

  it('keeps its text under another master key, which then opens it alone', () => {
    const sealed = seal('sk-0123456789', PURPOSE, MASTER);
    const moved = resealed(sealed, PURPOSE, { from: [MASTER], to: OTHER });
    assert.ok(moved.ok);
    assert.equal(payloadOf(moved.value), payloadOf(sealed));
    assert.deepEqual(unseal(moved.value, PURPOSE, [OTHER]), { ok: true, value: 'sk-0123456789' });
    assert.equal(unseal(moved.value, PURPOSE, [MASTER]).ok, false);
    assert.equal(resealed(sealed, PURPOSE, { from: [OTHER], to: OTHER }).ok, false);
  });
});
