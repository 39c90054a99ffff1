/** The books of another thread, called like our own. */
import { Worker } from 'node:worker_threads';
import type { BatchBooks } from './batch-ports.ts';
import type { Books, BooksOptions, DecisionBooks } from './books-form.ts';
import type { ThreadCall, ThreadReply } from './books-thread.ts';
import type { ReportBooks } from './report-ports.ts';
import { EMBEDDED_THREAD } from './embedded.ts';
import type { PeopleBooks } from './people-ports.ts';
import { StoreError } from './sqlite.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a thread that keeps the books. Should it die (out of memory), calls under way fail as `away`, and the next call
 * starts another: every method may be repeated.
 */
export function openBooksThread(options: BooksOptions): Books {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let lastId = 0;

  const start = (): Worker => {
    const started = new Worker(threadUrl(), { workerData: options, name: 'store', execArgv: [] });
    const died = (error: unknown): void => {
      if (worker === started) worker = undefined;
      const reason = error instanceof Error ? error.message : 'it ended';
      for (const [id, call] of pending) {
        pending.delete(id);
        call.reject(new StoreError(`the store's thread is gone: ${reason}`, 'away'));
      }
    };
    started.on('message', (reply: ThreadReply) => {
      const call = pending.get(reply.id);
      pending.delete(reply.id);
      // The thread alone does not keep the process alive; a call under way does.
      if (pending.size === 0) started.unref();
      if (reply.ok) call?.resolve(reply.value);
      else call?.reject(new StoreError(reply.message, reply.trouble));
    });
    started.on('error', died);
    started.on('exit', died);
    return started;
  };

  const call: Call = async <M extends keyof Books>(
    method: M,
    args: Parameters<Books[M]>,
  ): Promise<Awaited<ReturnType<Books[M]>>> => {
    worker ??= start();
    const running = worker;
    running.ref();
    lastId += 1;
    const message: ThreadCall = { id: lastId, method, args };
    const value = await new Promise<unknown>((resolve, reject) => {
      pending.set(message.id, { resolve, reject });
      running.postMessage(message, []);
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread calls the method of this very name, and a clone has its type.
    return value as Awaited<ReturnType<Books[M]>>;
  };

  return {
    ...remoteKeys(call),
    ...remoteMoney(call),
    ...remoteDecisions(call),
    ...remoteBatches(call),
    ...remoteReports(call),
    ...remotePeople(call),
    agree: async (...args) => call('agree', args),
    usage: async (...args) => call('usage', args),
    verify: async (...args) => call('verify', args),
    close: async () => {
      if (worker === undefined) return;
      await call('close', []);
      await worker?.terminate();
    },
  };
}

type Call = <M extends keyof Books>(method: M, args: Parameters<Books[M]>) => Promise<Awaited<ReturnType<Books[M]>>>;

type RemoteKeys = Pick<
  Books,
  'keyChanges' | 'createKey' | 'changeKey' | 'removeKey' | 'rotateKey' | 'missingOwner' | 'noteUses' | 'audit'
>;

function remoteKeys(call: Call): RemoteKeys {
  return {
    keyChanges: async (...args) => call('keyChanges', args),
    createKey: async (...args) => call('createKey', args),
    changeKey: async (...args) => call('changeKey', args),
    removeKey: async (...args) => call('removeKey', args),
    rotateKey: async (...args) => call('rotateKey', args),
    missingOwner: async (...args) => call('missingOwner', args),
    noteUses: async (...args) => call('noteUses', args),
    audit: async (...args) => call('audit', args),
  };
}

type RemoteMoney = Pick<
  Books,
  | 'keyUses'
  | 'budgetChanges'
  | 'createBudget'
  | 'changeBudget'
  | 'removeBudget'
  | 'draw'
  | 'giveBack'
  | 'balances'
  | 'recalls'
  | 'takeIn'
  | 'dropJournal'
  | 'endProcess'
  | 'recover'
>;

function remoteMoney(call: Call): RemoteMoney {
  return {
    keyUses: async (...args) => call('keyUses', args),
    budgetChanges: async (...args) => call('budgetChanges', args),
    createBudget: async (...args) => call('createBudget', args),
    changeBudget: async (...args) => call('changeBudget', args),
    removeBudget: async (...args) => call('removeBudget', args),
    draw: async (...args) => call('draw', args),
    giveBack: async (...args) => call('giveBack', args),
    balances: async (...args) => call('balances', args),
    recalls: async (...args) => call('recalls', args),
    takeIn: async (...args) => call('takeIn', args),
    dropJournal: async (...args) => call('dropJournal', args),
    endProcess: async (...args) => call('endProcess', args),
    recover: async (...args) => call('recover', args),
  };
}

function remoteDecisions(call: Call): DecisionBooks {
  return {
    putRequests: async (...args) => call('putRequests', args),
    getRequest: async (...args) => call('getRequest', args),
    listRequests: async (...args) => call('listRequests', args),
    logExtent: async (...args) => call('logExtent', args),
    readLog: async (...args) => call('readLog', args),
    pruneRequests: async (...args) => call('pruneRequests', args),
    putSnapshot: async (...args) => call('putSnapshot', args),
    getSnapshot: async (...args) => call('getSnapshot', args),
    putFeedback: async (...args) => call('putFeedback', args),
    getFeedback: async (...args) => call('getFeedback', args),
    feedbackSums: async (...args) => call('feedbackSums', args),
    pruneFeedback: async (...args) => call('pruneFeedback', args),
  };
}

function remoteBatches(call: Call): BatchBooks {
  return {
    putFile: async (...args) => call('putFile', args),
    hasRoom: async (...args) => call('hasRoom', args),
    getFile: async (...args) => call('getFile', args),
    listFiles: async (...args) => call('listFiles', args),
    removeFile: async (...args) => call('removeFile', args),
    expiredFiles: async (...args) => call('expiredFiles', args),
    knownFiles: async (...args) => call('knownFiles', args),
    putBatch: async (...args) => call('putBatch', args),
    getBatch: async (...args) => call('getBatch', args),
    listBatches: async (...args) => call('listBatches', args),
    changeBatch: async (...args) => call('changeBatch', args),
    removeBatch: async (...args) => call('removeBatch', args),
    pruneBatches: async (...args) => call('pruneBatches', args),
    claimBatches: async (...args) => call('claimBatches', args),
    putResults: async (...args) => call('putResults', args),
    resultLines: async (...args) => call('resultLines', args),
    readResults: async (...args) => call('readResults', args),
    dropResults: async (...args) => call('dropResults', args),
  };
}

function remoteReports(call: Call): ReportBooks {
  return {
    usageBy: async (...args) => call('usageBy', args),
    receiptPage: async (...args) => call('receiptPage', args),
    rebuildUsage: async (...args) => call('rebuildUsage', args),
    ownDays: async (...args) => call('ownDays', args),
    unpriced: async (...args) => call('unpriced', args),
    reprice: async (...args) => call('reprice', args),
    putAlert: async (...args) => call('putAlert', args),
    listAlerts: async (...args) => call('listAlerts', args),
    markTold: async (...args) => call('markTold', args),
  };
}

function remotePeople(call: Call): PeopleBooks {
  return {
    peopleChanges: async (...args) => call('peopleChanges', args),
    createOrg: async (...args) => call('createOrg', args),
    changeOrg: async (...args) => call('changeOrg', args),
    createTeam: async (...args) => call('createTeam', args),
    changeTeam: async (...args) => call('changeTeam', args),
    createUser: async (...args) => call('createUser', args),
    changeUser: async (...args) => call('changeUser', args),
    loginOf: async (...args) => call('loginOf', args),
    openSession: async (...args) => call('openSession', args),
    seeSession: async (...args) => call('seeSession', args),
    sessionsOf: async (...args) => call('sessionsOf', args),
    endSessions: async (...args) => call('endSessions', args),
    pruneAccess: async (...args) => call('pruneAccess', args),
    createInvite: async (...args) => call('createInvite', args),
    inviteOf: async (...args) => call('inviteOf', args),
    listInvites: async (...args) => call('listInvites', args),
    removeInvite: async (...args) => call('removeInvite', args),
    noteRefused: async (...args) => call('noteRefused', args),
    acceptInvite: async (...args) => call('acceptInvite', args),
  };
}

function threadUrl(): URL {
  if (EMBEDDED_THREAD === undefined) return new URL('./books-thread.ts', import.meta.url);
  return new URL(`data:text/javascript;base64,${Buffer.from(EMBEDDED_THREAD).toString('base64')}`);
}
