import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Waits for a process to end. @returns its exit code, and all that it wrote to its pipes, in the order in which it came */
export async function ended(child: ChildProcess): Promise<{ code: unknown; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, output };
}
