import { ConnectionError } from '../connection-error.js';

/** A slot seemed free, but another process has its files open, for example one that is stopped. The slot is skipped. */
export class SlotInUseError extends ConnectionError {
  constructor(slot: number) {
    const text = `slot ${slot} is skipped: another process, which may be stopped, has its files open`;
    super('open-failed', text, { retryable: true });
  }
}
