import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';
import { readSecretFile } from '../auth/secret-file.js';
import type { Logger } from '../logger.js';
import { createDefaultLogger, logLevels, type LogLevel } from '../server/default-logger.js';
import { createIngestServer } from '../server/ingest-server.js';
import { findTlsProblem, type TlsOptions } from '../server/tls.js';
import {
  addClassOptions,
  addStoreOption,
  parseInteger,
  parseSeconds,
  type ClassOptions,
  type StoreOption,
} from './command-options.js';
import { storeNameOf } from './store-name.js';
import { print } from './terminal.js';

interface ServeOptions extends StoreOption, ClassOptions {
  readonly appId: string;
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly secretFile?: string;
  readonly allowAnonymous?: boolean;
  readonly accessTokenSeconds?: number;
  readonly logLevel: LogLevel;
  readonly maxMessageBytes?: number;
  readonly maxInflightBytes?: number;
  readonly maxDeadLetterBytes?: number;
  readonly retention?: number;
  readonly indexAttributes?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly metricsPort?: number;
  readonly metricsHost?: string;
}

/** `realm-ingest serve`: takes uploads until it is told to stop. */
export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('take uploads of one app until SIGTERM or SIGINT')
    .requiredOption('--app-id <id>', 'the app, as clients give it to Realm.App');
  addStoreOption(command)
    .option(
      '--host <host>',
      'address to listen on; beyond loopback it takes TLS, or --insecure (default: 127.0.0.1)',
    )
    .option('--port <port>', '0 picks a free one (default: 9090)', parseInteger)
    .option(
      '--public-url <url>',
      'where clients are sent; needed behind a proxy (default: the host they asked)',
    )
    .option(
      '--secret-file <path>',
      'the server secret, 32 bytes or more (default: REALM_INGEST_SECRET, or one in the store)',
    )
    .option('--allow-anonymous', 'let users log in without credentials');
  addClassOptions(command)
    .option('--access-token-seconds <n>', 'life of access tokens (default: 1800)', parseInteger)
    .addOption(new Option('--log-level <level>', 'of the log on stderr').choices(logLevels).default('info'))
    .option('--max-message-bytes <n>', 'largest sync message (default: 128 MiB)', parseInteger)
    .option(
      '--max-inflight-bytes <n>',
      'bytes of messages that are not stored yet (default: 256 MiB)',
      parseInteger,
    )
    .option('--max-dead-letter-bytes <n>', 'what dead letters may take (default: 1 GiB)', parseInteger)
    .option('--retention <time>', 'MongoDB deletes what it has kept for so long: 30d, 12h', parseSeconds)
    .option('--index-attributes', 'MongoDB indexes every attribute of spans and log records')
    .option('--tls-cert <path>', 'certificate, PEM')
    .option('--tls-key <path>', 'its key, PEM')
    .option('--insecure', 'listen beyond loopback without TLS')
    .option('--metrics-port <port>', 'serve /metrics for Prometheus there; 0 picks a free one', parseInteger)
    .option('--metrics-host <host>', 'address to serve /metrics on (default: 127.0.0.1)')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const logger = createDefaultLogger(options.logLevel);
  const server = createIngestServer({
    ...options,
    retentionSeconds: options.retention,
    secret: await readSecret(options, logger),
    tls: await readTls(options),
    logger,
  });
  const signals = catchSignals(logger);
  try {
    const starting = server.start();
    // It may wait for its store; then a signal ends the waiting.
    const started = await Promise.race([starting, signals.first]);
    if (started === undefined) {
      starting.catch(() => undefined);
      return;
    }
    const { url, metricsUrl } = started;
    await print(
      `realm-ingest is listening on ${url} (app ${options.appId}, store ${storeNameOf(options.store)})`,
    );
    if (metricsUrl !== undefined) await print(`metrics are at ${metricsUrl}`);
    const broken = await Promise.race([signals.first, server.broken]);
    if (broken) throw broken;
  } finally {
    await server.close();
    signals.release();
  }
}

/** `first` resolves on the first signal that asks to stop; a second one ends the process at once. */
function catchSignals(logger: Logger): { readonly first: Promise<undefined>; release(): void } {
  const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
  let stop: (value: undefined) => void;
  const first = new Promise<undefined>((resolve) => (stop = resolve));
  let stopping = false;
  const onSignal = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (stopping) process.exit(exitCodes[signal]);
    stopping = true;
    logger.info({ signal }, 'stopping; a second signal ends the process at once');
    stop(undefined);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    first,
    release() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}

async function readSecret(
  { secretFile }: ServeOptions,
  logger: Logger,
): Promise<Uint8Array | string | undefined> {
  if (secretFile !== undefined) return readSecretFile(secretFile, logger);
  return process.env.REALM_INGEST_SECRET;
}

async function readTls({ tlsCert, tlsKey }: ServeOptions): Promise<TlsOptions | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  const tls = { cert: await readPem('tlsCert', tlsCert), key: await readPem('tlsKey', tlsKey) };
  const problem = findTlsProblem(tls);
  if (problem === undefined) return tls;
  throw new InvalidOptionError('tlsCert', tlsCert, `the certificate of --tls-key, both PEM (${problem})`);
}

async function readPem(option: string, path: string | undefined): Promise<Uint8Array> {
  const expected = 'a PEM file; certificate and key go together';
  if (path === undefined) throw new InvalidOptionError(option, path, expected);
  try {
    return await readFile(path);
  } catch (error) {
    throw new InvalidOptionError(option, path, `${expected} (${String(error)})`);
  }
}
