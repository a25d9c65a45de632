import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

/** The Realm Kotlin versions that clients are built from: protocol 9 and protocol 14. */
export const kotlinVersions = [
  { realm: '1.10.2', protocol: 9 },
  { realm: '2.3.0', protocol: 14 },
] as const;

export type KotlinVersion = (typeof kotlinVersions)[number];

/** How one run of the client is to be; `run.sh` of the client names the settings. */
export interface KotlinRun {
  readonly version: KotlinVersion;
  readonly baseUrl: string;
  readonly appId: string;
  /** Objects to write. */
  readonly count: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running client and its output. */
export interface KotlinClient {
  /** Extended JSON, an object a line, as far as it has been printed. */
  readonly lines: readonly string[];
  /** Its exit status; null if it was killed. */
  readonly exit: Promise<number | null>;
  /** Its standard error. */
  errors(): string;
  /** SIGKILL. */
  kill(): void;
}

const script =
  process.env.KOTLIN_CLIENT ?? fileURLToPath(new URL('./clients/kotlin/run.sh', import.meta.url));

/** The directory in which clients are built. The first run of a version compiles it, which takes minutes. */
const buildDirectory = process.env.CLIENT_BUILD ?? join(tmpdir(), 'kotlin-build');

/** A client lives for seconds: without them it spends a quarter more on compiling itself. */
const quickStart = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

/** Why the Kotlin client cannot run here; undefined if it can. */
export const kotlinMissing = findMissing();

export function startKotlinClient(run: KotlinRun): KotlinClient {
  const child = spawn('sh', [script, run.baseUrl, run.appId, String(run.count)], {
    env: {
      JDK_JAVA_OPTIONS: quickStart,
      ...process.env,
      CLIENT_BUILD: buildDirectory,
      REALM_KOTLIN: run.version.realm,
      ...run.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return {
    get lines() {
      return output.split('\n').slice(0, -1); // the last line may be half of one
    },
    exit: once(child, 'close').then(([code]) => code as number | null),
    errors: () => errors,
    kill: () => child.kill('SIGKILL'), // run.sh has become java by exec
  };
}

/** Copies a client's `CLIENT_DIR`, as a restored backup would: without named pipes and lock files. */
export async function copyRealm(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: isPlainFile });
}

async function isPlainFile(source: string): Promise<boolean> {
  if (/\.(lock|note)$/u.test(source)) return false;
  return !source.endsWith('.management') || (await readdir(source)).length === 0;
}

function findMissing(): string | undefined {
  if (!existsSync(script)) return `no client at ${script}`;
  for (const command of ['java', 'mvn']) {
    if (spawnSync(command, ['-version'], { stdio: 'ignore' }).error !== undefined) return `no ${command}`;
  }
  return undefined;
}
