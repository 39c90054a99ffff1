/** A connection to Valkey or Redis that comes back by itself, and two of its uses: scripts, and notices to all who listen. */
import { createHash } from 'node:crypto';
import { createClient } from '@redis/client';
import type { Voice } from './count.ts';
import { inTime, reasonOf } from './in-time.ts';

const CONNECT_MS = 1000;
/** Nobody waits longer for an answer: then it is as if there were none. */
export const ANSWER_MS = 500;
/** The connection is used every second: silence for so long is a connection that is dead. */
const SILENCE_MS = 5000;
const AGAIN_MAX_MS = 1000;
/** Commands that wait for their answers; more wait for nothing. */
const WAITING_MAX = 10_000;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

export interface Link extends Voice {
  /** One round trip. Rejects where there is no answer in time. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  close(): void;
}

export interface LinkOptions {
  /** `redis://`, `rediss://`, with user, password and number of the database. `valkey://` and `valkeys://` are the same. */
  readonly url: string;
  /** Told what is wrong, as often as it is. Holds no secret. */
  readonly trouble: (reason: string) => void;
}

export function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Connects, and goes on trying. Never rejects. */
export function openLink({ url, trouble }: LinkOptions): Link {
  let isClosed = false;
  const client = createClient({
    url: url.replace(/^valkey/, 'redis'),
    disableOfflineQueue: true,
    commandsQueueMaxLength: WAITING_MAX,
    socket: {
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (tries) => !isClosed && Math.min(AGAIN_MAX_MS, 50 * 2 ** Math.min(tries, 5)),
    },
  });
  // Who listens may not ask (RESP 2), and is silent for as long as nobody says anything.
  const listener = client.duplicate({ disableOfflineQueue: false, pingInterval: 2000 });
  for (const one of [client, listener]) {
    one.on('error', (error: unknown) => {
      if (!isClosed) trouble(reasonOf(error));
    });
    void one.connect().catch(() => undefined);
  }
  // A subscription that was being made as the connection broke is made by nobody else once it is back.
  const listen = (channel: string, heard: (text: string) => void): void => {
    listener.subscribe(channel, heard).catch((error: unknown) => {
      if (isClosed) return;
      trouble(reasonOf(error));
      setTimeout(() => listen(channel, heard), AGAIN_MAX_MS).unref();
    });
  };
  const ask = async (args: readonly string[]): Promise<unknown> => inTime(client.sendCommand(args), ANSWER_MS);
  return {
    async run({ text, sha }, keys, args) {
      const rest = [String(keys.length), ...keys, ...args];
      try {
        return await ask(['EVALSHA', sha, ...rest]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return ask(['EVAL', text, ...rest]);
      }
    },
    say: (channel, text) => void client.publish(channel, text).catch(() => undefined),
    listen,
    close() {
      isClosed = true;
      for (const one of [client, listener]) {
        // One that is about to connect would do so all the same, and keep the process until it is found silent.
        if (one.isReady) one.destroy();
        else one.once('ready', () => one.destroy());
      }
    },
  };
}
