import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueOf } from '../../test/store-kit.ts';
import { passwords, whyNotPassword } from './password.ts';

const GOOD = 'correct horse battery';

describe('a password', () => {
  it('is stored as a PHC string of Argon2id by the parameters of OWASP, salted', async () => {
    const { hash, verify } = passwords();
    const [one, two] = [valueOf(await hash(GOOD)), valueOf(await hash(GOOD))];
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(one, two);
    assert.equal(valueOf(await verify(GOOD, one)), true);
    assert.equal(valueOf(await verify(`${GOOD}.`, one)), false);
  });

  it('is the one that the reference implementation makes of it', async () => {
    // `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 24 -e`: of the tests of the reference (P-H-C/phc-winner-argon2, src/test.c).
    const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    assert.equal(valueOf(await passwords().verify('password', phc)), true);
  });

  it('is the same however its letters were typed', async () => {
    const { hash, verify } = passwords();
    assert.equal(valueOf(await verify('cafe\u0301 au lait, deux', valueOf(await hash('café au lait, deux')))), true);
  });

  it('is wrong where there is none, or where what is stored is no such string', async () => {
    const { verify } = passwords();
    for (const phc of [
      undefined,
      '',
      '$2b$10$x',
      '$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8',
    ])
      assert.equal(valueOf(await verify(GOOD, phc)), false, phc);
  });

  it('is the same work where there is no account, or none with a password', async () => {
    const asked: unknown[] = [];
    const { hash, verify } = passwords(async (_, { memory, passes, parallelism, tagLength }) => {
      asked.push({ memory, passes, parallelism, tagLength });
      return Buffer.alloc(tagLength);
    });
    const phc = valueOf(await hash(GOOD));
    for (const stored of [phc, undefined, 'no such string']) await verify('wrong password here', stored);
    assert.equal(asked.length, 4);
    for (const one of asked) assert.deepEqual(one, { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 });
  });

  it('keeps the loop free while it is worked on', async () => {
    const { hash } = passwords();
    const before = { all: process.cpuUsage(), loop: process.threadCpuUsage() };
    await Promise.all(Array.from({ length: 8 }, async () => hash(GOOD)));
    const [all, loop] = [process.cpuUsage(before.all), process.threadCpuUsage(before.loop)];
    // By the processor's time of this thread and not by the clock: a busy machine makes the loop late as well.
    const share = (loop.user + loop.system) / (all.user + all.system);
    assert.ok(share < 0.25, `${share} of the work was the loop's`);
  });

  it('is not worked on by more than wait their turn: the rest is told to come again', async () => {
    let running = 0;
    let mostRunning = 0;
    const { verify } = passwords(async () => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return Buffer.alloc(32);
    });
    const all = await Promise.all(Array.from({ length: 150 }, async () => verify(GOOD, undefined)));
    assert.equal(mostRunning, 2);
    assert.equal(all.filter((one) => one.ok).length, 102);
    assert.ok(all.every((one) => one.ok || one.error.code === 'overloaded'));
  });

  it('says so on a Node.js without Argon2', async () => {
    const { isAvailable, hash, verify } = passwords('none');
    assert.equal(isAvailable, false);
    for (const result of [await hash(GOOD), await verify(GOOD, undefined)])
      assert.ok(!result.ok && result.error.code === 'passwords-off');
  });

  it('is taken by its length, and not where it is the first to be guessed', () => {
    for (const good of [GOOD, 'zwölf Zeichen', '正しい馬電池ホチキス固定具', 'x'.repeat(10) + 'abcdefgh'])
      assert.equal(whyNotPassword(good, 'ann@example.org'), undefined, good);
    for (const bad of [
      'short',
      'eleven char',
      'aaaaaaaaaaaaaaaa',
      'abcabcabcabcabc',
      'ann@example.org1',
      'x'.repeat(300),
    ])
      assert.notEqual(whyNotPassword(bad, 'ann@example.org'), undefined, bad);
  });
});
