/** This process as the gateway: read, check, wire, listen, drain. */
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { loadCatalog } from './catalog-file.ts';
import { newSetupLink } from './setup.ts';
import { configSchema, type Config, type ProviderConfig } from '../config/schema.ts';
import { fault } from '../chat/fault.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Together } from '../shared/count.ts';
import { openLink } from '../shared/link.ts';
import { valkeyCount } from '../shared/valkey-count.ts';
import { storePlace, type StorePlace } from '../store/place.ts';
import { UnusableStore } from '../store/meeting.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/ports.ts';
import type { Log } from '../telemetry/log.ts';
import type { Codec } from '../upstream/codec.ts';
import { createUpstream } from '../upstream/http-upstream.ts';
import { ownCodec } from '../upstream/own-codec.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { wire, type Gateway } from '../wire.ts';
import type { CommandIo } from './io.ts';
import {
  dataDirOf,
  keepConfiguration,
  loadConfiguration,
  today,
  type Configuration,
  type ConfigurationOptions,
  type Loaded,
} from './configuration.ts';
import { baseOf, greetingOf } from './greeting.ts';
import { discover, findingsOf, type Found } from './discover.ts';
import { starterConfig } from './init.ts';
import { intentTrainer } from './intents.ts';
import { repriceKnown } from './reprice-known.ts';
import { startRetention } from './retention.ts';
import { tellPending } from './migrate.ts';
import { catalogName } from './settings.ts';
import { VERSION } from './version.ts';
import { whyNotListening } from './workers/hands.ts';
import type { Member } from './workers/member.ts';
import type { ServeOptions } from './serve-options.ts';

const ADMIN_KEY_MIN = 32;
/** After the drain limit, streams get their error event; then this is enough for it to be sent. */
const LAST_WORDS_MS = 1000;

/** This process as the gateway. */
export interface Served {
  readonly options: ServeOptions;
  readonly io: CommandIo;
  readonly log: Log;
  /** Set where it is one of several workers. */
  readonly member: Member | undefined;
}

/** Serves until SIGTERM or SIGINT; the exit code is 0 after a clean drain. */
export async function serveHere(served: Served): Promise<number> {
  const { options, io, log } = served;
  const first = await firstConfiguration(options, io, log);
  if (typeof first === 'string') {
    io.stderr(`turnout: the configuration cannot be used\n\n${first}\n`);
    return 1;
  }
  return run({ ...served, ...first });
}

interface First {
  readonly first: Loaded;
  readonly configurationOptions: ConfigurationOptions;
  /** Set where there is no provider at all. */
  readonly simulator: Simulator | undefined;
}

/** The configuration to begin with, or what is wrong with it. Where no provider is found anywhere, the simulator is started. */
async function firstConfiguration(options: ServeOptions, io: CommandIo, log: Log): Promise<First | string> {
  const catalog = loadCatalog(options.data ?? join(io.cwd, 'data'), (problem) => log('warn', problem));
  const found = await discover(catalog, io.env, options.port ?? 0);
  if (options.isFirstRun) writeStarter(options.file, found);
  const own: ConfigurationOptions = {
    file: options.file,
    env: io.env,
    catalog,
    fallbackProviders: providersOf(found),
    today: today(),
    intents: intentTrainer(),
    ...(options.port === undefined || options.port === 0 ? {} : { port: options.port }),
  };
  const loaded = await loadConfiguration(own);
  if (!loaded.ok) return loaded.error.shown;
  const hasProvider = Object.keys(loaded.value.config.providers).length > 0;
  if (hasProvider) return { first: loaded.value, configurationOptions: own, simulator: undefined };
  // Read only where it is needed: it would cost every other start a fifth of a second.
  const { startSimulator } = await import('../simulator/simulator.ts');
  const simulator = await startSimulator({ unref: true });
  const simulated = { ...own, fallbackProviders: simulatorProvider(simulator) };
  const again = await loadConfiguration(simulated);
  return again.ok ? { first: again.value, configurationOptions: simulated, simulator } : again.error.shown;
}

interface Start extends First, Served {}

async function run({ options, io, log, member, simulator, ...start }: Start): Promise<number> {
  const dataDir = dataDirOf({ given: options.data, config: start.first.config, file: options.file, cwd: io.cwd });
  const adminKey = io.env['TURNOUT_ADMIN_KEY'];
  if (adminKey !== undefined && adminKey.length < ADMIN_KEY_MIN) {
    io.stderr(`turnout: TURNOUT_ADMIN_KEY must have ${ADMIN_KEY_MIN} characters or more\n`);
    return 1;
  }
  const place = { dataDir, ...storePlace(io.env, start.first.config.store) };
  const store = await openedStore(place, adminKey, log).catch((error: unknown) => whyNoStore(dataDir, error));
  if (typeof store === 'string') {
    io.stderr(`turnout: ${store}\n`);
    return 1;
  }
  const firstKey = adminKey === undefined ? await firstRootKey(store) : undefined;
  const configurationOptions = { ...start.configurationOptions, secrets: () => store.secrets.current() };
  const first = await withSecrets(start.first, configurationOptions, store);
  const inForce = keeper(store, configurationOptions.catalog, log);
  inForce(first);
  const configuration = keepConfiguration(first, configurationOptions, { log, inForce });
  process.on('SIGHUP', () => void configuration.reload());
  const shared = togetherOf(first.config.shared, { log, member, processId: store.processId });
  store.secrets.watch(() => void configuration.reload());
  const upstream = createUpstream({ codec: await codecOf(first.config.server.upstream_client) });
  const gateway = wire({
    store,
    upstream,
    env: io.env,
    log,
    snapshot: (): Snapshot => configuration.current().snapshot,
    config: () => configuration.current().config,
    configProblem: () => configuration.problem(),
    limits: first.config.server,
    dataDir,
    together: shared.together,
    version: VERSION,
    ...(member === undefined ? {} : { crew: member.crew }),
  });
  const opened = { upstream, shared, store, simulator };
  const address = await listen(gateway, whereOf(options, first.config.server, member));
  if (typeof address === 'string') {
    io.stderr(`turnout: ${address}\n`);
    configuration.close();
    await gateway.close();
    await close(opened);
    return 1;
  }
  gateway.batches.start();
  const retention = (): Config['retention'] => configuration.current().config.retention;
  const stopRetention = startRetention({ reports: store.reports, retention, log, now: Date.now });
  const base = baseOf(address);
  const greeting = greetingOf({
    base,
    firstKey,
    setupLink: await newSetupLink(store.people, first.config.people.url ?? base),
    first,
    simulator,
    dataDir,
    file: options.file,
    env: io.env,
  });
  if (member === undefined) io.stdout(greeting);
  else member.listening(greeting);
  for (const warning of first.warnings) log('warn', warning);
  await stopSignal(member);
  stopRetention();
  await shutDown({ gateway, configuration, log });
  await close(opened);
  return 0;
}

interface Opened {
  readonly upstream: Upstream;
  readonly shared: Shared;
  readonly store: Store;
  readonly simulator: Simulator | undefined;
}

/** Lets go of what would keep the process alive. */
async function close({ upstream, shared, store, simulator }: Opened): Promise<void> {
  await upstream.close();
  shared.close();
  await store.close();
  await simulator?.close();
}

/** Told of before, where the database is to be changed: that may take a while. */
async function openedStore(
  place: StorePlace & { readonly dataDir: string },
  adminKey: string | undefined,
  log: Log,
): Promise<Store> {
  await tellPending(place, log);
  return openStore({
    ...place,
    now: Date.now,
    warn: (text) => log('warn', text),
    ...(adminKey === undefined ? {} : { adminKey }),
  });
}

/** What the store or the file system said, and what to do about it. Bugs are thrown on. */
function whyNoStore(dataDir: string, error: unknown): string {
  if (error instanceof UnusableStore) return `${error.message.replace(/\.$/, '')}. \`turnout doctor\` looks at it`;
  if (error instanceof Error && 'syscall' in error)
    return `the data folder ${dataDir} cannot be used: ${error.message}. Name another with --data DIR`;
  throw error;
}

/** Trouble is told once a minute at most: who is away is asked again and again. */
const TROUBLE_EVERY_MS = 60_000;

interface Shared {
  readonly together: Together | undefined;
  close(): void;
}

interface Sharer {
  readonly log: Log;
  readonly member: Member | undefined;
  readonly processId: string;
}

/** With all who name the same Valkey; else with the other workers of this machine, through their supervisor. */
function togetherOf(shared: Config['shared'], { log, member, processId }: Sharer): Shared {
  if (shared === 'memory') return { together: member?.together, close: () => undefined };
  let toldMs = Number.NEGATIVE_INFINITY;
  const link = openLink({
    url: shared,
    trouble: (reason) => {
      if (performance.now() - toldMs < TROUBLE_EVERY_MS) return;
      toldMs = performance.now();
      log('warn', 'Valkey (`shared`) cannot be reached; what it is for goes on without it', { reason });
    },
  });
  return { together: { count: valkeyCount(link, processId), voice: link }, close: () => link.close() };
}

/** The configuration with the credentials of the store, which is open only now. */
async function withSecrets(first: Loaded, options: ConfigurationOptions, { secrets }: Store): Promise<Loaded> {
  if (secrets.current().length === 0) return first;
  const again = await loadConfiguration(options);
  // The file was right a moment ago; where it is not any more, its watch will tell.
  return again.ok ? again.value : first;
}

/**
 * Writes down each configuration that comes into force, so that what was decided under it can be decided again; and books what waited for the prices that
 * it brings.
 */
function keeper(store: Store, catalog: Catalog, log: Log): (loaded: Loaded) => void {
  return (loaded) => {
    const { snapshot, settings } = loaded;
    const row = { id: snapshot.id, atMs: Date.now(), release: VERSION, catalog: catalogName(catalog) };
    store.snapshots.keep({ ...row, settings: settings() });
    void repriceKnown(loaded, store, log);
  };
}

/** undici is read only where it is asked for: it would cost every other start a tenth of a second and 28 MB. */
async function codecOf(client: Config['server']['upstream_client']): Promise<Codec> {
  if (client === 'own') return ownCodec;
  const { undiciCodec } = await import('../upstream/undici-codec.ts');
  return undiciCodec;
}

function writeStarter(file: string, found: Found): void {
  writeFileSync(file, starterConfig(findingsOf(found)), { flag: 'wx' });
}

/** Providers for a file that names none: what was found here. Keys are read from the environment when the snapshot is made. */
function providersOf(found: Found): Readonly<Record<string, ProviderConfig>> {
  const providers: Record<string, unknown> = {};
  for (const { provider } of [...found.keys, ...found.accounts]) providers[provider] = {};
  for (const { provider, models } of found.locals) {
    const free = Object.fromEntries(models.map((model) => [model, { price: { input: '0', output: '0' } }]));
    providers[provider.id] = { dialect: provider.dialect, base_url: provider.baseUrl, models: free };
  }
  return configSchema.parse({ providers }).providers;
}

/** The simulator as a provider: it answers to every model's name, and costs nothing. */
function simulatorProvider(simulator: Simulator): Readonly<Record<string, ProviderConfig>> {
  return configSchema.parse({
    providers: { simulator: { dialect: 'openai-chat', base_url: `${simulator.url}/openai/v1`, models: { auto: {} } } },
  }).providers;
}

/** On the first start there is no key yet: one is made, shown once, and never again. */
async function firstRootKey(store: Store): Promise<string | undefined> {
  if (store.keys.list().length > 0) return undefined;
  const made = await store.keys.create({ name: 'root', isRoot: true });
  if (!made.ok) throw new Error(made.error.message);
  return made.value.token;
}

interface Where {
  readonly port: number;
  readonly host: string;
  /** Others listen on it too. */
  readonly reusePort: boolean;
}

function whereOf(options: ServeOptions, server: Config['server'], member: Member | undefined): Where {
  return {
    port: options.port ?? server.port,
    host: options.host ?? server.host,
    reusePort: member?.sharesPort === true,
  };
}

function listen(gateway: Gateway, where: Where): Promise<AddressInfo | string> {
  const { server } = gateway.listener;
  return new Promise((done) => {
    server.once('error', (error) => done(whyNotListening(error, where.port)));
    server.listen(where, () => {
      const address = server.address();
      done(typeof address === 'object' && address !== null ? address : 'cannot listen');
    });
  });
}

/** A worker without its supervisor ends too: nobody would start it again, or stop it. */
function stopSignal(member: Member | undefined): Promise<void> {
  return new Promise((done) => {
    void member?.orphaned().then(done);
    process.once('SIGTERM', () => done());
    process.once('SIGINT', () => done());
  });
}

/** Refuses new requests, lets running ones finish until the limit, then ends them honestly. */
async function shutDown(of: { gateway: Gateway; configuration: Configuration; log: Log }): Promise<void> {
  const { gateway, configuration, log } = of;
  const { listener, world } = gateway;
  gateway.drain();
  configuration.close();
  log('info', 'draining', { in_flight: listener.inFlight() });
  const limit = setTimeout(() => {
    log('warn', 'the drain limit is reached; running replies are ended', { in_flight: listener.inFlight() });
    // A copy: each leaves the crowd as it stops.
    for (const attempt of Array.from(world.underWay)) attempt.stop(fault('shutting-down'));
    setTimeout(() => listener.server.closeAllConnections(), LAST_WORDS_MS).unref();
  }, configuration.current().config.server.drain_ms);
  // The door stays open meanwhile, so that whoever asks (a balancer, above all) is told 503 rather than nothing.
  await Promise.all([listener.drained(), gateway.batches.stop()]);
  clearTimeout(limit);
  await closeServer(listener.server);
  await gateway.close();
}

/** Takes no more connections; those that are in the middle of something have a moment to end it. */
function closeServer(server: Server): Promise<void> {
  return new Promise((done) => {
    const limit = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
    server.close(() => {
      clearTimeout(limit);
      done();
    });
    server.closeIdleConnections();
  });
}
