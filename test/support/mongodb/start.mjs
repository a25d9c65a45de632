/**
 * Starts the MongoDB-speaking server of the tests and prints its URI: `npm run mongodb [-- <port>]`. Java 17 and Maven
 * are asked for; what they fetch goes to the system's temporary directory, under the name of the pom's content.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pom = fileURLToPath(new URL('pom.xml', import.meta.url));
const source = fileURLToPath(new URL('Server.java', import.meta.url));

const classPath = join(fetchDependencies(), '*');
const java = spawn(
  'java',
  ['-Xmx512m', '-Dslf4j.internal.verbosity=ERROR', '-cp', classPath, source, ...process.argv.slice(2)],
  { stdio: ['pipe', 'inherit', 'inherit'] },
);
// The pipe is what holds the server: it ends with this process, however that ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => java.stdin.end());
java.on('error', (error) => fail(`java cannot be started: ${error.message}`));
java.on('exit', (code) => (process.exitCode = code ?? 1));

/** Fetched once, then found; whoever comes second while they are fetched finds its own in the way, and that will do. */
function fetchDependencies() {
  const digest = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16);
  const root = join(tmpdir(), `mongodb-for-tests-${process.getuid?.() ?? 0}`);
  const directory = join(root, digest);
  if (existsSync(directory)) return directory;
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const fetched = mkdtempSync(join(root, 'fetching-'));
  const { status, error } = spawnSync(
    'mvn',
    ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fetched}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) {
    rmSync(fetched, { recursive: true });
    fail(`Maven could not fetch the server${error ? `: ${error.message}` : ''}`);
  }
  try {
    renameSync(fetched, directory);
  } catch (error) {
    rmSync(fetched, { recursive: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
