import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import sinon from 'sinon';
import { runProgram } from '../../src/cli/program.js';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Runs a command in this process, which is much faster than a process for each. */
export async function runHere(...args: string[]): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    sinon.stub(process[name], 'write').callsFake((chunk, ...rest: unknown[]) => {
      written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const callback = rest.find((argument) => typeof argument === 'function');
      if (callback) process.nextTick(callback);
      return true;
    });
  }
  try {
    return { code: await runProgram(args), ...written };
  } finally {
    sinon.restore();
  }
}

/** A command in its own process, as users run it. */
export class CommandProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<CommandResult>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
      env: { ...process.env, ...env },
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = once(this.child, 'close').then(([code]: (number | null)[]) => ({
      code: code ?? null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** The first line on stdout. */
  async firstLine(): Promise<string> {
    await this.#until(() => this.#stdout.includes('\n'), this.child.stdout);
    return this.#stdout.slice(0, this.#stdout.indexOf('\n'));
  }

  /** Resolves once a text is on stderr. */
  logged(text: string): Promise<void> {
    return this.#until(() => this.#stderr.includes(text), this.child.stderr);
  }

  async #until(condition: () => boolean, stream: Readable): Promise<void> {
    while (!condition()) {
      const ended = await Promise.race([this.exited, once(stream, 'data').then(() => undefined)]);
      if (ended && !condition()) throw new Error(`ended with ${ended.code}: ${ended.stderr}`);
    }
  }
}
