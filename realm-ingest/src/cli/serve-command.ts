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

/** `realm-ingest serve`: runs the server until a signal stops it. */
export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('run the server for one app until SIGTERM or SIGINT')
    .requiredOption('--app-id <id>', 'id of the app, as clients give it to Realm.App');
  addStoreOption(command)
    .option(
      '--host <host>',
      'address to listen on; outside loopback, TLS or --insecure is required (default: 127.0.0.1)',
    )
    .option('--port <port>', 'port to listen on; 0 picks a free one (default: 9090)', parseInteger)
    .option(
      '--public-url <url>',
      'URL that clients connect to; needed behind a proxy (default: the host of their request)',
    )
    .option(
      '--secret-file <path>',
      'file with the server secret, 32 bytes or more (default: REALM_INGEST_SECRET, or a secret in the store)',
    )
    .option('--allow-anonymous', 'let users log in without credentials');
  addClassOptions(command)
    .option('--access-token-seconds <n>', 'lifetime of access tokens (default: 1800)', parseInteger)
    .addOption(
      new Option('--log-level <level>', 'least severe level of the log on stderr')
        .choices(logLevels)
        .default('info'),
    )
    .option('--max-message-bytes <n>', 'size limit of a sync message (default: 128 MiB)', parseInteger)
    .option(
      '--max-inflight-bytes <n>',
      'limit for all messages that are not stored yet (default: 256 MiB)',
      parseInteger,
    )
    .option('--max-dead-letter-bytes <n>', 'limit for all dead letters (default: 1 GiB)', parseInteger)
    .option(
      '--retention <time>',
      'MongoDB: delete documents after this time, such as 30d or 12h',
      parseSeconds,
    )
    .option('--index-attributes', 'MongoDB: index every attribute of spans and log records')
    .option('--tls-cert <path>', 'TLS certificate, a PEM file')
    .option('--tls-key <path>', 'key of the certificate, a PEM file')
    .option('--insecure', 'allow an address outside loopback without TLS')
    .option(
      '--metrics-port <port>',
      'port that serves /metrics for Prometheus; 0 picks a free one',
      parseInteger,
    )
    .option('--metrics-host <host>', 'address that serves /metrics (default: 127.0.0.1)')
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
    // The start may wait for the store; a signal ends it.
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

/** `first` resolves on the first SIGINT or SIGTERM; a second one ends the process at once. */
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
