import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SoakOrder, SoakReport } from './soak-worker.js';

/**
 * Makes runs in a process of their own: the engine, the event loop and the memory are theirs alone.
 *
 * @param onReport - called after each run
 * @throws Error if the process ended before its time
 */
export async function runInProcess(order: SoakOrder, onReport: (report: SoakReport) => void): Promise<void> {
  const worker = fork(fileURLToPath(new URL('soak-worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  worker.on('message', onReport);
  worker.send(order);
  const [code, signal] = (await once(worker, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`the runs' process ended with ${code ?? signal}`);
}
