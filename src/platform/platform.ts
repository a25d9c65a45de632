/**
 * What the exporter needs of the machine beneath it. `platform/node` gives it in Node, `platform/browser` in browsers
 * and React Native; package.json's `imports` chooses behind `#platform`.
 *
 * @module
 */

/** Who holds a lock: enough to tell from elsewhere on the same machine whether that process still lives. */
export interface ProcessIdentity {
  /** Name of the machine or container. */
  readonly host: string;
  /** Changes with every boot of the machine; empty where the system tells none. */
  readonly bootId: string;
  /** The process id's name space: containers of one machine each count their own. Empty where the system tells none. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When the process began, in the system's own unit; empty where the system tells none. */
  readonly startTime: string;
}

/** Files and processes. All calls are synchronous and small. */
export interface PlatformFiles {
  /** Where telemetry lives unless the app says otherwise: a directory for state, never a temporary one. */
  defaultDirectory(): string;
  join(...segments: readonly string[]): string;
  /** Makes a directory and its parents, readable by this user alone. */
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
  /** Writes a file, private, such that a reader sees the old or the new text, whole. */
  write(path: string, text: string): void;
  /**
   * Creates a file with its text in one step.
   *
   * @returns false if the file exists already: of several callers exactly one gets true
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
   * Whether a process on this very machine, boot and name space lives.
   *
   * @returns undefined where the system does not tell
   */
  isAlive(pid: number, startTime: string): boolean | undefined;
}

/** The machine beneath the exporter. */
export interface Platform {
  /** An environment variable; undefined where there is no environment. */
  environment(name: string): string | undefined;
  /** Undefined where no files can be had: then there is one place for data, and nobody to share it with. */
  readonly files: PlatformFiles | undefined;
  /** Lets the process end although the timer is still to come, where the system knows such a thing. */
  unref(timer: ReturnType<typeof setTimeout>): void;
}
