import { ConnectionError } from '../connection-error.js';
import type { DeviceBudget } from './device-budget.js';

/** The device has no room for more records until the server has acknowledged some. */
export class DeviceFullError extends ConnectionError {
  readonly #takenBytes: number;
  readonly #maxBytes: number;

  /** @param fate - what happened to which records, for the message */
  constructor(budget: Pick<DeviceBudget, 'takenBytes' | 'maxBytes'>, fate: string) {
    const { takenBytes, maxBytes } = budget;
    const files = `its files take ${toMebibytes(takenBytes)} of ${toMebibytes(maxBytes)} (maxUnsyncedBytes)`;
    super('device-full', `${fate}; ${files}`, { retryable: true });
    this.#takenBytes = takenBytes;
    this.#maxBytes = maxBytes;
  }

  /** The same error, about a number of records that were refused. */
  ofRecords(refused: number): DeviceFullError {
    const fate = `${refused} new ${refused === 1 ? 'record was' : 'records were'} refused`;
    return new DeviceFullError({ takenBytes: this.#takenBytes, maxBytes: this.#maxBytes }, fate);
  }
}

function toMebibytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
