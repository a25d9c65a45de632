import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

/** `realm-ingest serve` in its own process. */
export interface IngestProcess {
  readonly url: string;
  /** Its output so far, both streams. */
  output(): string;
  /** SIGSTOP; resolves when it does nothing any more. */
  suspend(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** Bytes of memory that it has now. */
  residentBytes(): number;
  /** SIGTERM. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL. Does nothing if the process has ended. */
  kill(): Promise<void>;
  /** The same. */
  close(): Promise<void>;
}

export interface IngestProcessOptions {
  readonly appId: string;
  readonly store: string;
  readonly options?: readonly string[];
}

const main = fileURLToPath(new URL('../../realm-ingest/src/cli/main.ts', import.meta.url));

/** Runs the command as it stands in `src`, anonymous login allowed, on a port that is free. */
export async function startIngestProcess(settings: IngestProcessOptions): Promise<IngestProcess> {
  const child = runCommand([
    ...['serve', '--app-id', settings.appId, '--store', settings.store, '--port', '0', '--allow-anonymous'],
    ...(settings.options ?? []),
  ]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const url = await eventually(
    'an address',
    () => {
      if (child.exitCode !== null) throw new Error(`realm-ingest ended with ${child.exitCode}: ${output}`);
      return /https?:\/\/[\w.:[\]-]+/.exec(output)?.[0] ?? '';
    },
    Boolean,
    60_000, // on a busy machine, several at once
  );
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return {
    url,
    output: () => output,
    async suspend() {
      child.kill('SIGSTOP');
      await eventually(
        'a stopped process',
        () => inspect(child, 'state='),
        (state) => state.startsWith('T'),
      );
    },
    resume: () => child.kill('SIGCONT'),
    residentBytes: () => Number(inspect(child, 'rss=')) * 1024,
    async stop() {
      child.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
    kill,
    close: kill,
  };
}

/** What `ps` says of a process. */
function inspect({ pid }: ChildProcess, column: string): string {
  return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** `realm-ingest` with these arguments. */
export function runCommand(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}
