import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import type { CrewAnswer } from '../../telemetry/crew.ts';
import { sharingHere, probePort } from './hands.ts';
import { memberOf, type Channel } from './member.ts';
import { saidOf, toldOf, type Said, type Told } from './messages.ts';
import { failuresAfter, pauseMs } from './pauses.ts';
import { crowdOf, readWorkers, type Wanted } from './wanted.ts';

describe('how many workers are wanted', () => {
  it('is a number or auto', () => {
    const cases = {
      '1': 1,
      '16': 16,
      auto: 'auto',
      '0': undefined,
      '-1': undefined,
      '257': undefined,
      many: undefined,
    };
    for (const [text, workers] of Object.entries(cases)) assert.equal(readWorkers(text), workers, text);
  });

  it('stands on the command line, else in the file; one needs no supervisor', (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-workers-'));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'turnout.yaml');
    const asked = (more: Partial<Wanted>): ReturnType<typeof crowdOf> =>
      crowdOf({ file, env: { N: '3' }, workers: undefined, host: undefined, port: undefined, ...more });
    assert.equal(asked({}), undefined, 'no file');
    assert.deepEqual(asked({ workers: 2 }), { workers: 2, host: '127.0.0.1', port: 8787 });
    writeFileSync(file, 'server: {workers: 4, host: "::1", port: 9000}');
    assert.deepEqual(asked({}), { workers: 4, host: '::1', port: 9000 });
    assert.deepEqual(asked({ workers: 2, port: 0, host: '127.0.0.1' }), { workers: 2, host: '127.0.0.1', port: 0 });
    assert.equal(asked({ workers: 1 }), undefined);
    writeFileSync(file, 'server: {workers: 0}');
    assert.equal(asked({}), undefined, 'a file that cannot be used is told of by whoever serves');
  });
});

describe('the pause before a worker is started again', () => {
  it('grows while it ends soon, has an end, and begins anew after a minute of service', () => {
    let failures = 0;
    const pauses = [10, 20, 20, 20, 20, 20, 20, 20, 20, 20, 60_000, 5].map((livedMs) => {
      failures = failuresAfter(failures, livedMs);
      return pauseMs(failures);
    });
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 100, 200]);
  });
});

describe('the port of several workers', () => {
  it('is shared by the kernel on Linux, by the supervisor elsewhere, and as one says', () => {
    assert.deepEqual(
      (['linux', 'darwin', 'win32'] as const).map((platform) => sharingHere({}, platform)),
      ['kernel', 'supervisor', 'supervisor'],
    );
    assert.equal(sharingHere({ TURNOUT_PORT_SHARING: 'supervisor' }, 'linux'), 'supervisor');
  });

  it('is not taken from another that shares its own', { skip: process.platform !== 'linux' }, async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen({ port: 0, host: '127.0.0.1', reusePort: true }, () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    assert.match(String(await probePort(port, '127.0.0.1')), /is taken/);
    await new Promise((resolve) => void other.close(resolve));
    assert.equal(await probePort(port, '127.0.0.1'), port);
    assert.ok(Number(await probePort(0, '127.0.0.1')) > 0, 'none is found');
  });
});

const ASK = {
  name: 'key:k:requests:60000',
  windowMs: 60_000,
  max: 5,
  need: 1,
  debt: 2,
  own: 3,
  unused: [
    [7, 1],
    [8, 2],
  ],
} as const;

describe('what comes over the channel', () => {
  it('is read only where it is ours', () => {
    const said: readonly Said[] = [
      { kind: 'listening', greeting: 'hello' },
      { kind: 'ask', id: 1, question: 'metrics' },
      { kind: 'answer', id: 1, answer: { ok: true } },
      { kind: 'say', channel: 'c', text: 't' },
      { kind: 'draw', id: 2, asks: [ASK] },
    ];
    for (const one of said) assert.deepEqual(saidOf(one), one);
    for (const odd of [undefined, 'x', { kind: 'ask', id: 1, question: 'secrets' }, { cmd: 1 }])
      assert.equal(saidOf(odd), undefined);
    const answers: readonly CrewAnswer[] = [{ worker: 1, restarts: 0, isListening: true, pid: 7, answer: 'text' }];
    assert.deepEqual(toldOf({ kind: 'answers', id: 4, answers: [...answers, { odd: 1 }] }), {
      kind: 'answers',
      id: 4,
      answers,
    });
    assert.equal(toldOf({ kind: 'question', id: 4, question: 'all' }), undefined);
    const told: readonly Told[] = [
      { kind: 'said', channel: 'c', text: 't' },
      { kind: 'freed', names: ['key:k:concurrent:0'] },
      {
        kind: 'drawn',
        id: 2,
        answers: [
          { kind: 'drawn', slot: 3, extra: 0, rest: 4, epoch: '' },
          { kind: 'dry', waitMs: 5, rest: 0, epoch: '' },
          { kind: 'not-needed', rest: 1, epoch: '' },
        ],
      },
    ];
    for (const one of told) assert.deepEqual(toldOf(one), one);
    // What cannot be read is left out, and stops nobody.
    assert.deepEqual(saidOf({ kind: 'draw', id: 2, asks: [7, { need: 1 }, { ...ASK, unused: [3, [1, 2]] }] }), {
      kind: 'draw',
      id: 2,
      asks: [{ ...ASK, unused: [[1, 2]] }],
    });
  });
});

interface Line {
  readonly channel: Channel;
  readonly sent: Said[];
  readonly tell: (message: unknown) => void;
  readonly cut: () => void;
}

function line(): Line {
  const sent: Said[] = [];
  let take: (message: unknown) => void = () => undefined;
  let gone: () => void = () => undefined;
  return {
    sent,
    channel: {
      send: (message) => void sent.push(message),
      onMessage: (taker) => {
        take = taker;
      },
      onGone: (listener) => {
        gone = listener;
      },
      close: () => undefined,
    },
    tell: (message) => take(message),
    cut: () => gone(),
  };
}

describe('a worker', () => {
  const answers: readonly CrewAnswer[] = [
    { worker: 1, restarts: 0, isListening: true, answer: 'own' },
    { worker: 2, restarts: 1, isListening: false },
  ];
  const own = { metrics: () => 'own', ready: () => null, health: () => null };

  it('asks all at once for whoever asks the same meanwhile, and anew afterwards', async () => {
    const { channel, sent, tell } = line();
    const { crew } = memberOf({ worker: 1, workers: 2, sharesPort: true }, channel);
    const asked = [crew.ask('metrics'), crew.ask('metrics'), crew.ask('ready')];
    assert.deepEqual(sent, [
      { kind: 'ask', id: 1, question: 'metrics' },
      { kind: 'ask', id: 2, question: 'ready' },
    ]);
    tell({ kind: 'answers', id: 1, answers });
    tell({ kind: 'answers', id: 2, answers: [answers[0]] });
    assert.deepEqual(await Promise.all(asked), [answers, answers, [answers[0]]]);
    void crew.ask('metrics');
    assert.equal(sent.length, 3);
  });

  it('answers for itself', () => {
    const { channel, sent, tell } = line();
    memberOf({ worker: 1, workers: 2, sharesPort: true }, channel).crew.answerWith(own);
    tell({ kind: 'question', id: 9, question: 'metrics' });
    assert.deepEqual(sent, [{ kind: 'answer', id: 9, answer: 'own' }]);
  });

  it('speaks for itself alone where its supervisor is gone, and knows that it is', async () => {
    const { channel, cut } = line();
    const member = memberOf({ worker: 2, workers: 2, sharesPort: true }, channel);
    member.crew.answerWith(own);
    const before = member.crew.ask('metrics');
    cut();
    await member.orphaned();
    const alone = [{ worker: 2, pid: process.pid, restarts: 0, isListening: true, answer: 'own' }];
    assert.deepEqual([await before, await member.crew.ask('metrics')], [alone, alone]);
  });
});
