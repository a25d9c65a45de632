/**
 * The base of every error of both packages: what happened, the value, and what to do.
 *
 * @module
 */

/** The level at which an error is logged. */
export type ErrorLevel = 'debug' | 'info' | 'warn' | 'error';

/** One row of a package's table of errors. */
export interface ErrorEntry {
  readonly level: ErrorLevel;
  /** What happened, in words that stand before the particulars of one error. */
  readonly message: string;
}

/** The codes that both packages use. */
export const sharedErrors = {
  'invalid-option': { level: 'error', message: 'invalid option' },
} as const satisfies Record<string, ErrorEntry>;

const brand = Symbol.for('opentelemetry-exporter-realm.error');

/**
 * The base of every error that `opentelemetry-exporter-realm` and `realm-ingest` throw or report.
 *
 * `message` is the table's sentence, then the particulars: what was wrong, with which value, and what to do.
 */
export class RealmTelemetryError<Code extends string = string> extends Error {
  /** Stable code that programs may compare. */
  readonly code: Code;
  /** True on every instance, whichever build of the package made it. */
  readonly [brand] = true;
  readonly #level: ErrorLevel;

  /**
   * @param entry - the row of `code` in the package's table
   * @param particulars - what differs from error to error; never a secret
   */
  constructor(code: Code, entry: ErrorEntry, particulars: string, options?: ErrorOptions) {
    super(`${entry.message}: ${particulars}`, options);
    this.name = new.target.name;
    this.code = code;
    this.#level = entry.level;
  }

  /** The level at which to log this error. */
  get level(): ErrorLevel {
    return this.#level;
  }

  /**
   * Whether a value is an error of ours. Use it instead of `instanceof`: the ESM and the CommonJS build may both be
   * loaded in one process, each with its own classes.
   */
  static isError(value: unknown): value is RealmTelemetryError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** An option that was given is not usable. */
export class InvalidOptionError extends RealmTelemetryError<'invalid-option'> {
  /** Name of the option, as the user wrote it: `appId`, `--port`. */
  readonly option: string;

  /**
   * @param option - the option's name
   * @param value - the value given; it is quoted in the message, so never pass a secret
   * @param expected - what would have been right, as in "an integer from 0 to 65535"
   */
  constructor(option: string, value: unknown, expected: string) {
    const particulars = `${option} is ${quote(value)}; expected ${expected}`;
    super('invalid-option', sharedErrors['invalid-option'], particulars);
    this.option = option;
  }
}

function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
