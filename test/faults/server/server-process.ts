import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Notice, Reply, Request, ServeSettings, ServerFigures, StoreContents } from './messages.js';

/** What comes of a process without having been asked. */
export interface ServerListener {
  onStoreFault(): void;
  onLog(line: string): void;
  /** It ended, and nobody had killed it. */
  onCrash(reason: string): void;
}

/** One process that serves, or could. */
export class ServerProcess {
  /** Set while it serves somebody. */
  listener: ServerListener | undefined;
  /** Servers that it has run. */
  served = 0;
  /** Its memory after the last of them, bytes. */
  rssBytes = 0;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  #isKilled = false;
  #errors = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.on('message', (message: Reply | Notice) => {
      this.#take(message);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.once('exit', (code, signal) => {
      const reason = `the server's process ended by itself (${code ?? signal}): ${this.#errors}`;
      this.#waiting?.reject(new Error(reason));
      this.#waiting = undefined;
      if (!this.#isKilled) this.listener?.onCrash(reason);
    });
  }

  /** Resolves when it can serve at once. */
  static async start(bundlePath: string): Promise<ServerProcess> {
    const child = fork(bundlePath, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const server = new ServerProcess(child);
    await server.#reply();
    return server;
  }

  get isAlive(): boolean {
    return !this.#isKilled && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @returns the port that it listens on */
  async serve(settings: ServeSettings): Promise<number> {
    const reply = await this.#ask({ type: 'serve', settings }, 'listening');
    this.served += 1;
    return reply.port;
  }

  /** Orderly, as on SIGTERM; the process can serve again. */
  async stop(): Promise<ServerFigures> {
    const { figures, rssBytes } = await this.#ask({ type: 'stop' }, 'stopped');
    this.rssBytes = rssBytes;
    return figures;
  }

  /** Reads a store that this process does not serve. */
  async read(store: string, collections: readonly string[]): Promise<StoreContents> {
    return (await this.#ask({ type: 'read', store, collections }, 'contents')).contents;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** SIGKILL. Resolves when the process has gone; frozen ones go, too. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #ask<T extends Reply['type']>(request: Request, type: T): Promise<Extract<Reply, { type: T }>> {
    const answer = this.#reply();
    this.#child.send(request);
    const reply = await answer;
    if (reply.type === type) return reply as Extract<Reply, { type: T }>;
    throw new Error(reply.type === 'failed' ? reply.reason : `${reply.type} in place of ${type}`);
  }

  #reply(): Promise<Reply> {
    if (this.#waiting !== undefined) throw new Error('the process is being asked something else');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #take(message: Reply | Notice): void {
    if (message.type === 'log') this.listener?.onLog(message.line);
    else if (message.type === 'store-fault') this.listener?.onStoreFault();
    else {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(message);
    }
  }
}
