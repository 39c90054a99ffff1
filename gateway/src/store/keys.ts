/** Keys in memory: looked up without the store, kept up to date by asking it for what is newer. */
import { timingSafeEqual } from 'node:crypto';
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { NanoUsd } from '../money/price.ts';
import { deedOf, mindsRevision, type Act } from './act.ts';
import type { Books, KeyChange, KeyDeed, StoredKey } from './books/form.ts';
import { ROOT_KEY_ID } from './books/ledger-problems.ts';
import { rangesOf, REGION, settingProblem, type KeySettingsPatch } from './key-settings.ts';
import { KeyUses } from './key-uses.ts';
import { isInWords, NOT_IN_WORDS } from '../people/names.ts';
import { DEFAULT_ORG_ID, type Role } from '../people/permissions.ts';
import { patiently } from './patience.ts';
import type { Owners } from './people-ports.ts';
import type { IssuedKey, KeyLookup, KeyOwner, KeyPatch, KeyRow, Keys, KeySpend, NewKey } from './ports.ts';
import { inTime } from '../shared/in-time.ts';
import { joined } from './joined.ts';
import { hashToken, isWellFormed, newToken } from './token.ts';

/** Shorter root keys could be guessed. */
export const ADMIN_KEY_LENGTH_MIN = 32;
/** Tokens whose hash need not be made again; they are in memory as long as their requests anyway. */
const RECENT_MAX = 10_000;
/** Without an answer of the store for so long, a key that is not known may be a new one: 503, not 401. */
const STALE_MS = 5000;
/** So long the store is asked about a key that is not known here. */
const ASK_MS = 1000;
/** Between two such questions, whoever guesses at keys. */
const ASK_EVERY_MS = 20;
const LIST_MAX = 1000;
/** A thousand million dollars, less one nano-dollar: what fits the decimal form. */
const BUDGET_NANO_USD_MAX = 10n ** 18n - 1n;
/** Two tokens of one key for longer than a quarter of a year are two keys. */
const OVERLAP_MS_MAX = 92 * 86_400_000;

export interface KeyPorts {
  readonly books: Books;
  readonly secret: Buffer;
  readonly adminKey: string | undefined;
  /** Milliseconds since 1970: when keys expire. */
  readonly now: () => number;
  /** Monotonic milliseconds: for how long the store has not answered. */
  readonly monotonicMs: () => number;
  /** For how long known keys are honoured while the store is away. */
  readonly graceMs: number;
  /** For how long an admin call waits for a store that is busy. */
  readonly patienceMs: number;
  readonly newId: (prefix: string) => string;
  /** The budget of a key was changed. */
  readonly onChange: (key: KeyRow) => void;
  readonly spend: (keyId: string) => Promise<KeySpend>;
  /** Why nothing of these may be used: the user, team or organisation of a key is disabled or removed. */
  readonly whyNot: (owners: Owners) => Fault | undefined;
  /** Of a user, as far as it is known here. */
  readonly roleOf: (userId: string) => Role | undefined;
  /** Learns of new owners, so that they are known before their keys. */
  readonly ownersFirst?: () => Promise<void>;
}

export class KeyRing implements Keys {
  readonly #ports: KeyPorts;
  readonly #adminKey: Buffer | undefined;
  readonly #root: KeyRow;
  readonly #byHash = new Map<string, Way>();
  readonly #byId = new Map<string, Known>();
  readonly #recent = new Map<string, Way>();
  readonly #uses: KeyUses;
  readonly #catchUp: () => Promise<void>;
  #revision = 0n;
  #syncedAtMs: number;

  /** Throws where the root key is too short to be safe. */
  constructor(ports: KeyPorts) {
    const { adminKey, monotonicMs } = ports;
    if (adminKey !== undefined && adminKey.length < ADMIN_KEY_LENGTH_MIN) {
      throw new Error(`TURNOUT_ADMIN_KEY must have ${ADMIN_KEY_LENGTH_MIN} characters or more`);
    }
    this.#ports = ports;
    this.#adminKey = adminKey === undefined ? undefined : Buffer.from(adminKey);
    this.#root = { id: ROOT_KEY_ID, name: 'root', isRoot: true, isDisabled: false, createdAtMs: 0, tags: [] };
    this.#syncedAtMs = monotonicMs();
    this.#uses = new KeyUses(ports.books);
    this.#catchUp = joined(async () => {
      await ports.ownersFirst?.();
      await this.refresh();
    }, ASK_EVERY_MS);
  }

  find(token: string, address?: string): KeyLookup {
    if (this.#isAdminKey(token)) return ok(this.#root);
    const way = this.#recent.get(token) ?? this.#lookUp(token);
    if (typeof way === 'string') return err(fault(way));
    if (way.untilMs <= this.#ports.now()) return err(expired(way.untilMs));
    const found = this.#inForce(way.row);
    if (!found.ok) return found;
    if (way.isOpenTo?.(address) === false)
      return err(fault('address-refused', { address: address ?? 'an address that is not known' }));
    this.#uses.note(way.row.id, this.#ports.now());
    return found;
  }

  findAnew(token: string, address?: string): Promise<KeyLookup> | undefined {
    return isWellFormed(token) ? this.#findAnew(token, address) : undefined;
  }

  async #findAnew(token: string, address?: string): Promise<KeyLookup> {
    try {
      await inTime(this.#catchUp(), ASK_MS);
    } catch {
      return err(fault('store-unavailable'));
    }
    return this.find(token, address);
  }

  standing(id: string): KeyLookup {
    if (id === ROOT_KEY_ID) return this.#adminKey === undefined ? err(fault('key-unknown')) : ok(this.#root);
    const known = this.#byId.get(id)?.row;
    return known === undefined ? err(fault('key-unknown')) : this.#inForce(known);
  }

  #inForce(known: KeyRow): KeyLookup {
    if (known.isDisabled) return err(fault('key-disabled'));
    if (known.expiresAtMs !== undefined && known.expiresAtMs <= this.#ports.now()) {
      return err(expired(known.expiresAtMs));
    }
    const off = this.#ports.whyNot(known);
    if (off !== undefined) return err(off);
    if (this.#silentMs() > this.#ports.graceMs) return err(fault('store-unavailable'));
    return ok(known);
  }

  get(id: string): KeyRow | undefined {
    return this.#byId.get(id)?.row;
  }

  revision(id: string): string | undefined {
    return this.#byId.get(id)?.revision.toString();
  }

  list(): readonly KeyRow[] {
    return [...this.#byId.values()].map((known) => known.row).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  async create(key: NewKey, by?: string): Promise<Result<IssuedKey, Fault>> {
    // Before anything is waited for: what was looked at to allow it is what holds.
    const roleMax = this.#roleFor(key);
    const wrong = whyNotValid(key) ?? (await this.#whyNotOwned(key));
    if (wrong !== undefined) return err(wrong);
    const { books, secret, newId, now } = this.#ports;
    const token = newToken();
    const id = newId('key');
    const { isRoot = false, isDisabled = false, tags = [] } = key;
    const row = compact({ ...key, id, isRoot, isDisabled, tags, createdAtMs: now(), roleMax });
    const stored = await this.#patiently(async () => books.createKey({ ...row, hash: hashToken(secret, token) }, by));
    if (!stored.ok) return stored;
    return ok({ row: this.#apply(stored.value), token });
  }

  async rotate(id: string, overlapMs: number, by?: string | Act): Promise<Result<IssuedKey | undefined, Fault>> {
    if (!(overlapMs >= 0 && overlapMs <= OVERLAP_MS_MAX))
      return err(fault('field-invalid', { reason: 'it must be 0 to 92 days' }, { param: 'overlap' }));
    const { books, secret, now } = this.#ports;
    const token = newToken();
    const roleMax = this.#roleFor(this.#byId.get(id)?.row ?? {});
    const oldUntilMs = Math.ceil(now() + overlapMs);
    const tokens = compact({ hash: hashToken(secret, token), oldUntilMs, roleMax });
    const stored = await this.#patiently(async () => books.rotateKey(id, tokens, this.#deed(by)));
    if (!stored.ok) return stored;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(undefined);
    return ok({ row: this.#apply(stored.value), token });
  }

  async change(id: string, patch: KeyPatch, by?: string | Act): Promise<Result<KeyRow | undefined, Fault>> {
    const change = { ...patch, ...this.#roleAfter(id, patch) };
    const wrong = whyNotValid(patch) ?? (await this.#whyNotOwned({ ...this.#ownerOf(id), ...patch }));
    if (wrong !== undefined) return err(wrong);
    const stored = await this.#patiently(async () => this.#ports.books.changeKey(id, change, this.#deed(by)));
    if (!stored.ok) return stored;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(undefined);
    return ok(this.#apply(stored.value));
  }

  async remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>> {
    const stored = await this.#patiently(async () => this.#ports.books.removeKey(id, this.#deed(by)));
    if (!stored.ok) return stored;
    if (stored.value === undefined) return this.#isStale(id, by) ? err(fault('revision-old')) : ok(false);
    this.#apply(stored.value);
    return ok(true);
  }

  /** Why a key that is there was left as it is. */
  #isStale(id: string, by: string | Act | undefined): boolean {
    return mindsRevision(by) && this.#byId.has(id);
  }

  async uses(): Promise<Result<ReadonlyMap<string, number>, Fault>> {
    return this.#patiently(async () => this.#uses.all());
  }

  /** Writes down when keys were used. Throws where the store is in trouble; nothing is lost by that. */
  async noteUses(): Promise<void> {
    await this.#uses.flush();
  }

  async spend(id: string): Promise<Result<KeySpend | undefined, Fault>> {
    if (id !== ROOT_KEY_ID && !this.#byId.has(id)) return ok(undefined);
    return this.#patiently(async () => this.#ports.spend(id));
  }

  /** Learns what other processes have changed. Throws where the store is in trouble; the keys known so far stay. */
  async refresh(): Promise<void> {
    const askedAtMs = this.#ports.monotonicMs();
    for (const row of await this.#ports.books.keyChanges(this.#revision)) {
      this.#apply(row);
      this.#revision = row.revision;
    }
    this.#syncedAtMs = askedAtMs;
  }

  /** The most that a key may over the admin API, whose token, user or scopes are given now. */
  #roleFor({ scopes, userId }: Pick<KeyRow, 'scopes' | 'userId'>): Role | undefined {
    return userId !== undefined && scopes?.includes('admin') === true ? this.#ports.roleOf(userId) : undefined;
  }

  #roleAfter(id: string, { scopes, userId }: KeyPatch): Pick<KeyChange, 'roleMax'> {
    if (scopes === undefined && userId === undefined) return {};
    const { row } = this.#byId.get(id) ?? {};
    const after = compact({
      scopes: scopes === undefined ? row?.scopes : (scopes ?? undefined),
      userId: userId === undefined ? row?.userId : (userId ?? undefined),
    });
    return { roleMax: this.#roleFor(after) ?? null };
  }

  #ownerOf(id: string): KeyOwner {
    const { orgId } = this.#byId.get(id)?.row ?? {};
    return orgId === undefined ? {} : { orgId };
  }

  /** Whether there are such owners; most keys name none. */
  async #whyNotOwned({ orgId, teamId, userId }: OwnerPatch): Promise<Fault | undefined> {
    if ((teamId ?? userId) === undefined && (orgId ?? DEFAULT_ORG_ID) === DEFAULT_ORG_ID) return undefined;
    const owner = compact({ orgId, teamId: teamId ?? undefined, userId: userId ?? undefined });
    const missing = await this.#patiently(async () => this.#ports.books.missingOwner(owner));
    if (!missing.ok) return missing.error;
    if (missing.value === undefined) return undefined;
    const [param, what] = OWNER_WORDS[missing.value];
    return fault('field-invalid', { reason: `there is no such ${what}` }, { param });
  }

  #deed(by: string | Act | undefined): KeyDeed {
    return deedOf(by, this.#ports.now());
  }

  #patiently<T>(ask: () => Promise<T>): Promise<Result<T, Fault>> {
    return patiently(ask, this.#ports.patienceMs);
  }

  #isAdminKey(token: string): boolean {
    const adminKey = this.#adminKey;
    if (adminKey === undefined || token.length > adminKey.length) return false;
    const bytes = Buffer.from(token);
    return bytes.length === adminKey.length && timingSafeEqual(bytes, adminKey);
  }

  #lookUp(token: string): Way | 'key-unknown' | 'store-unavailable' {
    if (!isWellFormed(token)) return 'key-unknown';
    const known = this.#byHash.get(hashToken(this.#ports.secret, token));
    if (known === undefined) return this.#silentMs() > STALE_MS ? 'store-unavailable' : 'key-unknown';
    if (this.#recent.size >= RECENT_MAX) this.#recent.clear();
    this.#recent.set(token, known);
    return known;
  }

  #silentMs(): number {
    return this.#ports.monotonicMs() - this.#syncedAtMs;
  }

  /** Takes in a key as it is stored, unless something newer is known. Gives what the rest of the gateway may see of it. */
  #apply(stored: StoredKey): KeyRow {
    const { hash, oldHash, revision, ...row } = stored;
    const before = this.#byId.get(row.id);
    if (before !== undefined && before.revision >= revision) return before.row;
    this.#recent.clear();
    for (const gone of before?.hashes ?? []) this.#byHash.delete(gone);
    this.#byId.delete(row.id);
    if (hash !== undefined) this.#byId.set(row.id, { row, hashes: this.#open(row, hash, oldHash), revision });
    if (before !== undefined && before.row.budgetNanoUsd !== row.budgetNanoUsd) this.#ports.onChange(row);
    return row;
  }

  /** Lets the tokens of a key in. */
  #open(row: KeyRow, hash: string, oldHash: string | undefined): readonly string[] {
    const isOpenTo = openTo(row);
    this.#byHash.set(hash, { row, isOpenTo, untilMs: Infinity });
    if (oldHash === undefined) return [hash];
    this.#byHash.set(oldHash, { row, isOpenTo, untilMs: row.oldUntilMs ?? 0 });
    return [hash, oldHash];
  }
}

/** What a token leads to. */
interface Way {
  readonly row: KeyRow;
  /** Until when the token is taken. */
  readonly untilMs: number;
  /** Absent: to every address. */
  readonly isOpenTo: ((address: string | undefined) => boolean) | undefined;
}

function openTo({ addresses }: KeyRow): Way['isOpenTo'] {
  if (addresses === undefined) return undefined;
  const ranges = rangesOf(addresses);
  return (address) => address !== undefined && ranges.ok && ranges.value.regionOf(address) !== undefined;
}

function expired(atMs: number): Fault {
  return fault('key-expired', { at: new Date(atMs).toISOString() });
}

interface Known {
  readonly row: KeyRow;
  readonly hashes: readonly string[];
  readonly revision: bigint;
}

interface OwnerPatch extends Pick<KeyOwner, 'orgId'> {
  readonly teamId?: string | null;
  readonly userId?: string | null;
}

/** Each part of an owner in the words of the API. */
const OWNER_WORDS = {
  orgId: ['org', 'organisation'],
  teamId: ['team', 'team in the organisation of the key'],
  userId: ['user', 'user in the organisation of the key'],
} as const satisfies Record<keyof KeyOwner, readonly [string, string]>;

interface Checked extends KeySettingsPatch {
  readonly name?: string;
  readonly budgetNanoUsd?: NanoUsd | null;
  readonly allowedModels?: readonly string[] | null;
  readonly tags?: readonly string[];
  readonly region?: string | null;
}

function whyNotValid(key: Checked): Fault | undefined {
  const { name = 'unchanged', allowedModels, tags } = key;
  const wrong = (param: string, reason: string): Fault => fault('field-invalid', { reason }, { param });
  const budget = key.budgetNanoUsd ?? 0n;
  if (!isInWords(name)) return wrong('name', NOT_IN_WORDS);
  if (budget < 0n || budget > BUDGET_NANO_USD_MAX)
    return wrong('budget_usd', 'it must be from 0 to 999999999.999999999');
  if (typeof key.region === 'string' && !REGION.test(key.region))
    return wrong('region', 'it must be a region such as eu or us-east-1');
  if (isLong(allowedModels)) return wrong('models', `it may have ${LIST_MAX} entries`);
  if (isLong(tags)) return wrong('tags', `it may have ${LIST_MAX} entries`);
  const problem = settingProblem(key);
  return problem === undefined ? undefined : wrong(problem.param, problem.reason);
}

function isLong(list: readonly string[] | null | undefined): boolean {
  return list !== null && list !== undefined && list.length > LIST_MAX;
}
