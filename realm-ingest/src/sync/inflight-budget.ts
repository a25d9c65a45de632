/**
 * One bound for the process on the bytes of messages, from their arrival on a socket to their commit.
 *
 * When the budget is used up, a connection that sends more is no longer read. When bytes are freed, as many connections
 * are read again as there is room for, in the order in which their messages started. So no connection waits for ever, and
 * started messages finish before new ones start.
 *
 * If all bytes belong to incomplete messages, nothing would ever be freed. Then one connection at a time, the first in
 * that order, may overdraw the budget until its message is complete. So a message may always finish, even if it is larger
 * than the budget. A connection that waits for `holdBackMillis` fails. A connection that overdraws for that long while
 * others wait goes to the back.
 *
 * Before a message is inflated, it asks for the inflated size. It gets it, in order, when there is room or when no other
 * message has any. Until then no connection is read beyond what is complete.
 *
 * @module
 */
import { SyncError } from './sync-error.js';
import type { SyncLimits } from './sync-limits.js';
import type { SyncObserver } from './sync-observer.js';

/** The bytes of one complete message. */
export interface MessageAllocation {
  /**
   * Asks for more bytes; to be called once. Returns undefined if they are granted at once. Otherwise the promise resolves
   * when they are granted, or when the allocation is released.
   */
  grow(bytes: number): Promise<void> | undefined;
  /** Frees the bytes. May be called again. */
  release(): void;
}

/** A connection as the budget sees it. */
export interface BudgetMember {
  pause(reason: unknown): void;
  resume(reason: unknown): void;
  fail(error: SyncError): void;
}

/** A message costs more than its bytes: objects around it, entries in queues. */
export const messageOverheadBytes = 512;

/** What Node reads from a socket at once: a resumed connection may send this much before it can be paused again. */
const readBytes = 64 * 1024;

/** How long room is reserved for a resumed connection, in milliseconds: it may have nothing to send. */
const reservedMillis = 10;

interface Account {
  readonly member: BudgetMember;
  /** `overdraft`: it is read although the budget is used up. */
  state: 'reading' | 'waiting' | 'overdraft' | 'closed';
  /** Bytes of the message that is arriving, overhead included; 0 between messages. */
  incomingBytes: number;
  /** Orders accounts by when that message started or, between messages, by when the last one was complete. */
  sequence: number;
  timer: NodeJS.Timeout | undefined;
}

/** Bytes that a complete message asks for. */
interface Growth {
  readonly bytes: number;
  granted: boolean;
  resolve(): void;
}

export class InflightBudget {
  readonly #maxBytes: number;
  readonly #stallMillis: number;
  readonly #observer: Pick<SyncObserver, 'heldBack'>;
  #usedBytes = 0;
  /** Of complete messages: they will be released without any more reading. */
  #completeBytes = 0;
  /** By sequence. */
  readonly #waiting: Account[] = [];
  #lastSequence = 0;
  /** Resumed, and nothing has arrived from them yet. */
  readonly #reserved = new Set<Account>();
  #reservedTimer: NodeJS.Timeout | undefined;
  #overdrawn: Account | undefined;
  /** Not granted yet. */
  readonly #growths = new Set<Growth>();
  #grantedGrowths = 0;

  constructor(
    { maxInflightBytes, holdBackMillis }: Pick<SyncLimits, 'maxInflightBytes' | 'holdBackMillis'>,
    observer: Pick<SyncObserver, 'heldBack'>,
  ) {
    this.#maxBytes = maxInflightBytes;
    this.#stallMillis = holdBackMillis;
    this.#observer = observer;
  }

  /** Bytes in use. More than the budget by at most one message and what had arrived when the budget was used up. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Creates a connection's account. The member is called synchronously, also from within the account's methods. */
  createAccount(member: BudgetMember): BudgetAccount {
    const account: Account = { member, state: 'reading', incomingBytes: 0, sequence: 0, timer: undefined };
    return {
      receive: (bytes) => {
        this.#receive(account, bytes);
      },
      complete: () => this.#complete(account),
      close: () => {
        this.#close(account);
      },
    };
  }

  #receive(account: Account, bytes: number): void {
    if (account.state === 'closed') return;
    this.#reserved.delete(account);
    const isFirst = account.incomingBytes === 0;
    if (isFirst) this.#moveToBack(account);
    const added = isFirst ? bytes + messageOverheadBytes : bytes;
    account.incomingBytes += added;
    this.#usedBytes += added;
    if (this.#isUsedUp() && account.state === 'reading') this.#wait(account);
    this.#settle();
  }

  #complete(account: Account): MessageAllocation {
    const bytes = account.incomingBytes;
    account.incomingBytes = 0;
    this.#completeBytes += bytes;
    if (account.state === 'overdraft') {
      this.#overdrawn = undefined;
      this.#moveToBack(account);
      this.#wait(account);
    } else {
      this.#moveToBack(account);
    }
    this.#settle();

    let growth: Growth | undefined;
    let released = false;
    return {
      grow: (growthBytes) => {
        if (released || growth !== undefined) return undefined;
        const { promise, resolve } = withResolver();
        growth = { bytes: growthBytes, granted: false, resolve };
        this.#growths.add(growth);
        this.#settle();
        return growth.granted ? undefined : promise;
      },
      release: () => {
        if (released) return;
        released = true;
        this.#free(growth?.granted === true ? bytes + growth.bytes : bytes, growth);
      },
    };
  }

  #free(bytes: number, growth: Growth | undefined): void {
    this.#usedBytes -= bytes;
    this.#completeBytes -= bytes;
    if (growth?.granted === true) {
      this.#grantedGrowths -= 1;
    } else if (growth !== undefined) {
      this.#growths.delete(growth);
      growth.resolve();
    }
    this.#settle();
  }

  #close(account: Account): void {
    if (account.state === 'closed') return;
    clearTimeout(account.timer);
    account.state = 'closed';
    this.#leave(account);
    this.#reserved.delete(account);
    if (this.#overdrawn === account) this.#overdrawn = undefined;
    this.#usedBytes -= account.incomingBytes;
    account.incomingBytes = 0;
    this.#settle();
  }

  /** Resumes the connections that there is room for, or one if only incomplete messages are in the way. */
  #settle(): void {
    this.#grantGrowths();
    if (!this.#isUsedUp()) {
      if (this.#overdrawn !== undefined) this.#read(this.#overdrawn, 'reading');
      this.#overdrawn = undefined;
      this.#resumeWaiting();
      return;
    }
    if (this.#overdrawn !== undefined || this.#completeBytes > 0) return;
    const next = this.#waiting.find((account) => account.incomingBytes > 0);
    if (next === undefined) return;
    this.#leave(next);
    this.#overdrawn = next;
    this.#read(next, 'overdraft');
    next.member.resume(next);
  }

  #resumeWaiting(): void {
    const room = (): number => this.#maxBytes - this.#usedBytes - this.#reserved.size * readBytes;
    const resumed: Account[] = [];
    while (this.#waiting.length > 0 && (room() >= readBytes || this.#reserved.size === 0)) {
      const [next] = this.#waiting.splice(0, 1);
      if (next === undefined) break;
      this.#reserved.add(next);
      this.#read(next, 'reading');
      resumed.push(next);
    }
    for (const account of resumed) account.member.resume(account);
    if (this.#waiting.length === 0 || this.#reservedTimer !== undefined) return;
    this.#reservedTimer = setTimeout(() => {
      this.#reservedTimer = undefined;
      this.#reserved.clear();
      this.#settle();
    }, reservedMillis);
  }

  #isUsedUp(): boolean {
    return this.#usedBytes > this.#maxBytes || this.#growths.size > 0;
  }

  #grantGrowths(): void {
    for (const growth of this.#growths) {
      if (this.#grantedGrowths > 0 && this.#usedBytes + growth.bytes > this.#maxBytes) return;
      this.#growths.delete(growth);
      this.#grantedGrowths += 1;
      this.#usedBytes += growth.bytes;
      this.#completeBytes += growth.bytes;
      growth.granted = true;
      growth.resolve();
    }
  }

  #wait(account: Account): void {
    account.state = 'waiting';
    this.#queue(account);
    this.#startTimer(account, () => {
      account.member.fail(new SyncError('sync-overload', `not read for ${this.#stallMillis} ms`));
      this.#close(account);
    });
    this.#observer.heldBack?.('budget');
    account.member.pause(account);
  }

  /** Its next message comes after all that have started. */
  #moveToBack(account: Account): void {
    this.#lastSequence += 1;
    account.sequence = this.#lastSequence;
    if (account.state !== 'waiting') return;
    this.#leave(account);
    this.#queue(account);
  }

  #queue(account: Account): void {
    const behind = this.#waiting.findLastIndex(({ sequence }) => sequence < account.sequence);
    this.#waiting.splice(behind + 1, 0, account);
  }

  #leave(account: Account): void {
    const index = this.#waiting.indexOf(account);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #read(account: Account, state: 'reading' | 'overdraft'): void {
    clearTimeout(account.timer);
    account.state = state;
    if (state === 'overdraft') {
      this.#startTimer(account, () => {
        this.#endOverdraft(account);
      });
    }
  }

  #endOverdraft(account: Account): void {
    if (this.#waiting.length === 0) {
      this.#read(account, 'overdraft');
      return;
    }
    this.#overdrawn = undefined;
    this.#moveToBack(account);
    this.#wait(account);
    this.#settle();
  }

  #startTimer(account: Account, fire: () => void): void {
    clearTimeout(account.timer);
    account.timer = setTimeout(fire, this.#stallMillis);
  }
}

/** The bytes of one connection. */
export interface BudgetAccount {
  /** Bytes of a message have arrived. */
  receive(bytes: number): void;
  /** The message is complete. The caller releases its allocation. */
  complete(): MessageAllocation;
  /** The connection is gone. Allocations stay until they are released. */
  close(): void;
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
