import { ConnectionError } from '../connection-error.js';

/** Nothing more may be kept on the device until something was acknowledged. */
export class DeviceFullError extends ConnectionError {
  readonly #takenBytes: number;
  readonly #maxBytes: number;

  /**
   * @param takenBytes - what the files of the service take
   * @param maxBytes - the limit
   * @param fate - what became of which records, for the message
   */
  constructor(takenBytes: number, maxBytes: number, fate: string) {
    const files = `its files take ${toMebibytes(takenBytes)} of ${toMebibytes(maxBytes)} (maxUnsyncedBytes)`;
    super('device-full', `${fate}; ${files}`, { retryable: true });
    this.#takenBytes = takenBytes;
    this.#maxBytes = maxBytes;
  }

  /** The same, for so many records that were refused. */
  ofRecords(refused: number): DeviceFullError {
    const fate = `${refused} new ${refused === 1 ? 'record was' : 'records were'} refused`;
    return new DeviceFullError(this.#takenBytes, this.#maxBytes, fate);
  }
}

function toMebibytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
