/** Sealed credentials in memory: opened when they change, handed to the compiler of targets, sealed before they are stored. */
import { join } from 'node:path';
import { fault, type Fault } from '../chat/fault.ts';
import { masterOf, payloadOf, resealed, seal, unseal, type MasterKey, type SealProblem } from '../credentials/seal.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { originOf } from '../lib/url.ts';
import type { ProviderSecret } from '../routing/provider-secret.ts';
import { deedOf, mindsRevision, type Act } from './act.ts';
import type { KeyDeed, SecretBooks, StoredSecret } from './books/form.ts';
import { REGION } from './key-settings.ts';
import { keysOfEnvironment, masterKeys, nextMasterKey, takeNextMasterKey, type MasterKeys } from './master-key.ts';
import { patiently } from './patience.ts';
import { takeFileLock } from './books/process-lock.ts';
import type { NewSecret, SecretRow, Secrets } from './secret-ports.ts';

/** A service account as JSON, the longest credential in use, has about 2,400 characters. */
const SECRET_LENGTH_MAX = 16 * 1024;
/** As headers take them (RFC 9110, section 5.5), neither beginning nor ending with a space. */
const SECRET = /^[!-~\u{80}-\u{10ffff}](?:[ -~\u{80}-\u{10ffff}]*[!-~\u{80}-\u{10ffff}])?$/u;
const NAME = /^[\w.-]{1,64}$/;
/** So much of a secret is shown, where the rest is long enough to keep it. */
const HINT_LENGTH = 4;
const HINTED_LENGTH_MIN = 20;
const WEIGHT_MAX = 1000;
/** Held while something is sealed: a key that is on its way out must not get another secret. */
const LOCK = 'sealing.lock';

const PROBLEMS: Readonly<Record<SealProblem, string>> = {
  'key-unknown': 'it was sealed with another master key than TURNOUT_MASTER_KEY or the file master-key here',
  damaged: 'it is not what was sealed; set it again',
};

export interface SecretPorts {
  readonly books: SecretBooks;
  readonly dataDir: string;
  /** Of `TURNOUT_MASTER_KEY`. Absent: the file. */
  readonly masterKeys: MasterKeys | undefined;
  readonly now: () => number;
  readonly newId: (prefix: string) => string;
  readonly patienceMs: number;
}

export class SecretRing implements Secrets {
  readonly #ports: SecretPorts;
  /** What was opened, by its payload: that one stays under another master key, which this process need not know. */
  #opened = new Map<string, string>();
  #stored: readonly StoredSecret[] = [];
  #current: readonly ProviderSecret[] = [];
  #revision = 0n;
  #changed: (() => void)[] = [];

  constructor(ports: SecretPorts) {
    this.#ports = ports;
  }

  list(): readonly SecretRow[] {
    return this.#stored.map(rowOf);
  }

  current(): readonly ProviderSecret[] {
    return this.#current;
  }

  watch(changed: () => void): void {
    this.#changed.push(changed);
  }

  /** Learns of changes. Throws where the store is in trouble; what is known stays. */
  async refresh(): Promise<void> {
    const found = await this.#ports.books.secretChanges(this.#revision);
    if (found === undefined) return;
    this.#revision = found.revision;
    this.#take(found.secrets);
    for (const changed of this.#changed) changed();
  }

  async save(secret: NewSecret, by?: string): Promise<Result<SecretRow, Fault>> {
    const { provider, name = 'default', settings = {} } = secret;
    const origin = originOf(secret.origin);
    const wrong = whyNotValid(secret, origin);
    if (wrong !== undefined || origin === undefined) return err(wrong ?? fault('internal'));
    const { books, newId, now } = this.#ports;
    const id = newId('sec');
    const hint = secret.secret.length < HINTED_LENGTH_MIN ? '' : secret.secret.slice(-HINT_LENGTH);
    const stored = await this.#sealing(async () => {
      const [master] = this.#masters();
      const sealed = seal(secret.secret, { id, provider, origin }, master);
      const row = { id, provider, name, origin, hint, sealed, settings, createdAtMs: now() };
      return this.#patiently(async () => books.saveSecret(row, this.#deed(by)));
    });
    if (!stored.ok) return stored;
    const learned = await this.#learn();
    return learned.ok ? ok(rowOf(stored.value)) : learned;
  }

  async disable(id: string, isDisabled: boolean, by?: string | Act): Promise<Result<SecretRow | undefined, Fault>> {
    const stored = await this.#patiently(async () => this.#ports.books.disableSecret(id, isDisabled, this.#deed(by)));
    if (!stored.ok) return stored;
    const learned = await this.#learn();
    if (!learned.ok) return learned;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(undefined);
    return ok(rowOf(stored.value));
  }

  async remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>> {
    const removed = await this.#patiently(async () => this.#ports.books.removeSecret(id, this.#deed(by)));
    if (!removed.ok) return removed;
    const learned = await this.#learn();
    if (!learned.ok) return learned;
    return !removed.value && this.#isStale(id, by) ? err(fault('revision-old')) : removed;
  }

  /** Why a secret that is there was left as it is. */
  #isStale(id: string, by: string | Act | undefined): boolean {
    return mindsRevision(by) && this.#stored.some((row) => row.id === id);
  }

  async rotate(by?: string): Promise<Result<number, Fault>> {
    return this.#sealing(async () => {
      const { dataDir, masterKeys: given } = this.#ports;
      const to = given?.[0] ?? nextMasterKey(dataDir);
      const count = await this.#resealAll(to, by);
      // Only now: until here the key in the file still opens what it has sealed.
      if (count.ok && given === undefined) takeNextMasterKey(dataDir);
      return count;
    });
  }

  /** Throws for people where one of them cannot be opened: its key would be gone for good. */
  async #resealAll(to: MasterKey, by: string | undefined): Promise<Result<number, Fault>> {
    const { books } = this.#ports;
    for (;;) {
      const all = await this.#patiently(async () => books.secretChanges(-1n));
      if (!all.ok) return all;
      const secrets = all.value?.secrets ?? [];
      const from = [...this.#masters(), to];
      const wraps = secrets.map((secret) => {
        const { id, provider, name, sealed: before } = secret;
        const after = masterOf(before) === to.id ? ok(before) : resealed(before, secret, { from, to });
        if (!after.ok)
          throw new Error(`The secret "${name}" of ${provider} cannot be opened: ${PROBLEMS[after.error]}.`);
        return { id, before, after: after.value };
      });
      const done = await this.#patiently(async () => books.resealSecrets(wraps, this.#deed(by)));
      if (!done.ok) return done;
      if (done.value) return ok(wraps.length);
    }
  }

  #masters(): MasterKeys {
    return masterKeys(this.#ports.dataDir, this.#ports.masterKeys);
  }

  /** One at a time among the processes of this machine. */
  async #sealing<T>(work: () => Promise<Result<T, Fault>>): Promise<Result<T, Fault>> {
    const untilMs = performance.now() + this.#ports.patienceMs;
    let lock = takeFileLock(join(this.#ports.dataDir, LOCK));
    while (lock === undefined && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      lock = takeFileLock(join(this.#ports.dataDir, LOCK));
    }
    if (lock === undefined) return err(fault('store-unavailable'));
    try {
      return await work();
    } finally {
      lock.drop();
    }
  }

  async #learn(): Promise<Result<void, Fault>> {
    return this.#patiently(async () => this.refresh());
  }

  #patiently<T>(ask: () => Promise<T>): Promise<Result<T, Fault>> {
    return patiently(ask, this.#ports.patienceMs);
  }

  #deed(by: string | Act | undefined): KeyDeed {
    return deedOf(by, this.#ports.now());
  }

  #take(stored: readonly StoredSecret[]): void {
    const masters = stored.length === 0 ? [] : this.#masters();
    const opened = new Map<string, string>();
    this.#current = stored.filter(({ isDisabled }) => !isDisabled).map((row) => this.#open(row, masters));
    for (const [index, row] of stored.filter(({ isDisabled }) => !isDisabled).entries()) {
      const secret = this.#current[index]?.secret;
      if (secret !== undefined) opened.set(payloadOf(row.sealed), secret);
    }
    this.#opened = opened;
    this.#stored = stored;
  }

  #open(row: StoredSecret, masters: readonly MasterKey[]): ProviderSecret {
    const { id, provider, name, origin, settings, revision } = row;
    const known = this.#opened.get(payloadOf(row.sealed));
    const secret = known === undefined ? unseal(row.sealed, row, masters) : ok(known);
    const found = secret.ok ? { secret: secret.value } : { problem: PROBLEMS[secret.error] };
    return { id, provider, name, origin, settings, revision, ...found };
  }
}

/** The secrets as they are now, with what `TURNOUT_MASTER_KEY` says, where it says anything. Throws where it is no key. */
export async function openSecrets(
  ports: Omit<SecretPorts, 'masterKeys'> & { readonly masterKey?: string },
): Promise<SecretRing> {
  const { masterKey } = ports;
  const secrets = new SecretRing({
    ...ports,
    masterKeys: masterKey === undefined ? undefined : keysOfEnvironment(masterKey),
  });
  await secrets.refresh();
  return secrets;
}

function rowOf(stored: StoredSecret): SecretRow {
  const { id, provider, name, origin, hint, isDisabled, createdAtMs, settings, revision } = stored;
  return { id, provider, name, origin, hint, isDisabled, createdAtMs, settings, revision };
}

function whyNotValid(
  { name = 'default', secret, settings = {} }: NewSecret,
  origin: string | undefined,
): Fault | undefined {
  const wrong = (param: string, reason: string): Fault => fault('field-invalid', { reason }, { param });
  if (!NAME.test(name)) return wrong('name', 'it must have 1 to 64 letters, digits, dots, hyphens or underscores');
  if (origin === undefined) return wrong('origin', 'it must be a URL such as https://api.openai.com');
  if (secret.length > SECRET_LENGTH_MAX || !SECRET.test(secret))
    return wrong('secret', `it must be one line of 1 to ${SECRET_LENGTH_MAX} characters, without spaces around it`);
  return settingsProblem(compact(settings), wrong);
}

function settingsProblem(
  settings: NonNullable<NewSecret['settings']>,
  wrong: (param: string, reason: string) => Fault,
): Fault | undefined {
  const { region, weight = 1, requestsPerMinute = 1, tokensPerMinute = 1, concurrent = 1 } = settings;
  if (region !== undefined && !REGION.test(region))
    return wrong('region', 'it must be a region such as eu or us-east-1');
  if (!(weight >= 0 && weight <= WEIGHT_MAX)) return wrong('weight', `it must be 0 to ${WEIGHT_MAX}`);
  const isCount = [requestsPerMinute, tokensPerMinute, concurrent].every((one) => Number.isSafeInteger(one) && one > 0);
  return isCount ? undefined : wrong('limits', 'each must be a whole number of 1 or more');
}
