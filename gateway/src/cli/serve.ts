/** `turnout serve`: read, check, wire, listen, drain. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { loadCatalog } from './catalog-file.ts';
import { newSetupLink } from './setup.ts';
import { configSchema, type Config, type ProviderConfig } from '../config/schema.ts';
import { fault } from '../chat/fault.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { storePlace } from '../store/place.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/ports.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import type { Codec } from '../upstream/codec.ts';
import { createUpstream } from '../upstream/http-upstream.ts';
import { ownCodec } from '../upstream/own-codec.ts';
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
import { discover, findingsOf, type Found } from './discover.ts';
import { starterConfig } from './init.ts';
import { intentTrainer } from './intents.ts';
import { readWords, textOf } from './options.ts';
import { repriceKnown } from './reprice-known.ts';
import { catalogName } from './settings.ts';
import { VERSION } from './version.ts';

const USAGE = `usage: turnout serve [--config FILE] [--port N] [--host ADDRESS] [--data DIR]
`;
const ADMIN_KEY_MIN = 32;
/** After the drain limit, streams get their error event; then this is enough for it to be sent. */
const LAST_WORDS_MS = 1000;

interface Options {
  readonly file: string | undefined;
  readonly isFirstRun: boolean;
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly data: string | undefined;
}

/** Runs the gateway until SIGTERM or SIGINT; the exit code is 0 after a clean drain. */
export async function serveCommand(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help')) {
    io.stdout(USAGE);
    return 0;
  }
  const options = readOptions(args, io);
  if (typeof options === 'string') {
    io.stderr(`turnout: ${options}\n${USAGE}`);
    return 2;
  }
  const log = createLog({
    write: (line) => io.stderr(line),
    now: Date.now,
    level: io.env['TURNOUT_LOG'] === 'debug' ? 'debug' : 'info',
  });
  const first = await firstConfiguration(options, io, log);
  if (typeof first === 'string') {
    io.stderr(`turnout: the configuration cannot be used\n\n${first}\n`);
    return 1;
  }
  return run({ options, io, log, ...first });
}

interface First {
  readonly first: Loaded;
  readonly configurationOptions: ConfigurationOptions;
  /** Set where there is no provider at all. */
  readonly simulator: Simulator | undefined;
}

/** The configuration to begin with, or what is wrong with it. Where no provider is found anywhere, the simulator is started. */
async function firstConfiguration(options: Options, io: CommandIo, log: Log): Promise<First | string> {
  const catalog = loadCatalog(options.data ?? join(io.cwd, 'data'), (problem) => log('warn', problem));
  const found = await discover(catalog, io.env, options.port ?? 0);
  if (options.isFirstRun && options.file !== undefined) writeStarter(options.file, found);
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

interface Start extends First {
  readonly options: Options;
  readonly io: CommandIo;
  readonly log: Log;
}

async function run({ options, io, log, first, configurationOptions, simulator }: Start): Promise<number> {
  const dataDir = dataDirOf({ given: options.data, config: first.config, file: options.file, cwd: io.cwd });
  const adminKey = io.env['TURNOUT_ADMIN_KEY'];
  if (adminKey !== undefined && adminKey.length < ADMIN_KEY_MIN) {
    io.stderr(`turnout: TURNOUT_ADMIN_KEY must have ${ADMIN_KEY_MIN} characters or more\n`);
    return 1;
  }
  mkdirSync(dataDir, { recursive: true });
  const store = await openStore({
    dataDir,
    ...storePlace(io.env, first.config.store),
    now: Date.now,
    warn: (text) => log('warn', text),
    ...(adminKey === undefined ? {} : { adminKey }),
  });
  const firstKey = adminKey === undefined ? await firstRootKey(store) : undefined;
  const { catalog } = configurationOptions;
  const inForce = ({ snapshot, settings }: Loaded): void => {
    store.snapshots.keep({
      id: snapshot.id,
      atMs: Date.now(),
      release: VERSION,
      catalog: catalogName(catalog),
      settings: settings(),
    });
    void repriceKnown(snapshot, store, log);
  };
  inForce(first);
  const configuration = keepConfiguration(first, configurationOptions, { log, inForce });
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
    version: VERSION,
  });
  const port = options.port ?? first.config.server.port;
  const host = options.host ?? first.config.server.host;
  const address = await listen(gateway, port, host);
  if (typeof address === 'string') {
    io.stderr(`turnout: ${address}\n`);
    await store.close();
    return 1;
  }
  gateway.batches.start();
  const base = baseOf(address);
  const setupLink = await newSetupLink(store.people, first.config.people.url ?? base);
  greet(io, { base, firstKey, setupLink, first, simulator, dataDir, file: options.file });
  for (const warning of first.warnings) log('warn', warning);
  process.on('SIGHUP', () => void configuration.reload());
  await stopSignal();
  await shutDown({ gateway, configuration, log });
  await upstream.close();
  await store.close();
  await simulator?.close();
  return 0;
}

/** undici is read only where it is asked for: it would cost every other start a tenth of a second and 28 MB. */
async function codecOf(client: Config['server']['upstream_client']): Promise<Codec> {
  if (client === 'own') return ownCodec;
  const { undiciCodec } = await import('../upstream/undici-codec.ts');
  return undiciCodec;
}

function readOptions(args: readonly string[], io: CommandIo): Options | string {
  const text = { type: 'string' } as const;
  const words = readWords(args, { config: text, port: text, host: text, data: text });
  if (!words.ok) return words.error;
  const [stray] = words.value.positionals;
  if (stray !== undefined) return `unexpected ${stray}`;
  const port = textOf(words.value, 'port') ?? io.env['TURNOUT_PORT'];
  if (port !== undefined && !isPort(port)) return `--port must be 0 to 65535, not ${port}`;
  const named = textOf(words.value, 'config') ?? io.env['TURNOUT_CONFIG'];
  const file = resolve(io.cwd, named ?? 'turnout.yaml');
  return {
    file,
    isFirstRun: named === undefined && !existsSync(file),
    port: port === undefined ? undefined : Number(port),
    host: textOf(words.value, 'host'),
    data: textOf(words.value, 'data') ?? io.env['TURNOUT_DATA'],
  };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
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

function listen(gateway: Gateway, port: number, host: string): Promise<AddressInfo | string> {
  const { server } = gateway.listener;
  return new Promise((done) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      done(
        error.code === 'EADDRINUSE'
          ? `port ${port} is taken. Give another with --port, or 0 for a free one.`
          : `cannot listen: ${error.message}`,
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      done(typeof address === 'object' && address !== null ? address : 'cannot listen');
    });
  });
}

interface Greeting {
  /** Scheme, host and port. */
  readonly base: string;
  readonly firstKey: string | undefined;
  /** For the first owner; absent once there is one. */
  readonly setupLink: string | undefined;
  readonly first: Loaded;
  readonly simulator: Simulator | undefined;
  readonly dataDir: string;
  readonly file: string | undefined;
}

function baseOf({ address, family, port }: AddressInfo): string {
  const host = family === 'IPv6' ? `[${address}]` : address === '0.0.0.0' ? '127.0.0.1' : address;
  return `http://${host}:${port}`;
}

/** What a person needs to make the first call, ready to be copied. */
function greet(io: CommandIo, greeting: Greeting): void {
  const { base, firstKey, setupLink, first, simulator } = greeting;
  const providers =
    simulator === undefined
      ? [...first.snapshot.providerIds].join(', ')
      : 'none found: the built-in simulator answers, and no provider is called';
  const key =
    firstKey ??
    (io.env['TURNOUT_ADMIN_KEY'] === undefined
      ? 'the one shown at the first start (another: turnout keys create --name NAME)'
      : 'the one in TURNOUT_ADMIN_KEY');
  const lines = [
    `listening on ${base}`,
    '',
    `  base URL   ${base}/v1          (OpenAI; Anthropic and Gemini clients: ${base})`,
    `  key        ${key}`,
    ...(firstKey === undefined ? [] : ['             shown only now: keep it']),
    `  providers  ${providers}`,
    `  models     ${first.snapshot.listed.length}`,
    `  config     ${greeting.file ?? 'none'}`,
    `  data       ${greeting.dataDir}`,
    ...(setupLink === undefined
      ? []
      : [`  setup      ${setupLink}`, '             makes the first owner; good for a day (again: turnout setup)']),
    '',
    `  curl ${base}/v1/chat/completions \\`,
    `    -H "Authorization: Bearer ${firstKey ?? '$TURNOUT_KEY'}" -H "Content-Type: application/json" \\`,
    `    -d '{"model":"auto","messages":[{"role":"user","content":"hi"}]}'`,
    '',
  ];
  io.stdout(`${lines.join('\n')}\n`);
}

function stopSignal(): Promise<void> {
  return new Promise((done) => {
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
  gateway.close();
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
