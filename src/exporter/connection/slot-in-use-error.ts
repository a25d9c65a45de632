import { ConnectionError } from '../connection-error.js';

/** A slot seemed free, and its files are open in another process, as in one that is stopped. It is left alone. */
export class SlotInUseError extends ConnectionError {
  constructor(slot: number) {
    const text = `slot ${slot} is passed by: another process, which may be stopped, has its files open`;
    super('open-failed', text, { retryable: true });
  }
}
