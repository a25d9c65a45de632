/**
 * What the exporter needs from the machine. `platform/node` provides it in Node, `platform/browser` in browsers and React
 * Native. The `imports` of package.json choose one as `#platform`.
 *
 * @module
 */

/** The holder of a lock, with what other processes of the machine need to find out whether it still runs. */
export interface ProcessIdentity {
  /** Name of the machine or container. */
  readonly host: string;
  /** Changes with every boot of the machine; empty if the system has none. */
  readonly bootId: string;
  /** The namespace of `pid`: each container has its own. Empty if the system has none. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When the process started, in the system's own unit; empty if the system does not tell. */
  readonly startTime: string;
}

/** Files and processes. All calls are synchronous and small. */
export interface PlatformFiles {
  /** The default directory for telemetry: the user's directory for state, never a temporary one. */
  defaultDirectory(): string;
  join(...segments: readonly string[]): string;
  /** Creates a directory and its parents, accessible to this user only. */
  makePrivateDirectory(path: string): void;
  /** Names in a directory; none if it does not exist. */
  list(directory: string): string[];
  exists(path: string): boolean;
  /** Bytes of a file, or of all files in a directory and below; 0 if it does not exist. */
  sizeBytes(path: string): number;
  /** The text of a file, or undefined if it does not exist. */
  read(path: string): string | undefined;
  /** The first bytes of a file, fewer if it is shorter; undefined if it does not exist. */
  readStart(path: string, maxBytes: number): Uint8Array | undefined;
  /** Writes a private file atomically: a reader sees either the old text or the new one. */
  write(path: string, text: string): void;
  /**
   * Creates a file with its text in one step.
   *
   * @returns false if the file exists; of several callers, exactly one gets true
   */
  createExclusively(path: string, text: string): boolean;
  /** Removes a file; nothing happens if it does not exist. */
  remove(path: string): void;
  /** Sets a file's modification time to now. */
  touch(path: string): void;
  /** A file's modification time in milliseconds, or undefined if it does not exist. */
  modifiedMillis(path: string): number | undefined;
  /** This process. */
  readonly self: ProcessIdentity;
  /**
   * Whether a process of this machine, boot and namespace runs.
   *
   * @returns undefined if the system does not tell
   */
  isAlive(pid: number, startTime: string): boolean | undefined;
}

/** The machine that the exporter runs on. */
export interface Platform {
  /** An environment variable; undefined if there is no environment. */
  environment(name: string): string | undefined;
  /** Undefined if there is no file system: then there is one slot, which no other process shares. */
  readonly files: PlatformFiles | undefined;
  /** Lets the process exit before the timer fires, if the system supports that. */
  unref(timer: ReturnType<typeof setTimeout>): void;
}
