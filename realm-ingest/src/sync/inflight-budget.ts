/**
 * One bound for the process on the bytes of messages between their arrival on a socket and their commit.
 *
 * While the budget is used up, whoever sends more is no longer read; when bytes are freed, so many go on as there is
 * room for, those first whose message began first: nobody is passed by for ever, and messages are finished rather than
 * begun. If everything that is held belongs to messages that have not arrived whole, nothing would ever be freed: then
 * the first of them has the turn to read until its message is whole, then the next. So one message may always finish,
 * even one larger than the budget. Nobody waits longer than `stallMillis`, and nobody keeps the turn longer while others
 * wait: who has waited so long gives its bytes up.
 *
 * What a message inflates to is asked for before it is inflated, and granted in order when there is room, or when
 * nothing else is inflated. Nobody reads on while that waits, or it would wait for ever.
 *
 * @module
 */

/** The bytes that one message holds from the moment it is whole. */
export interface MessageHold {
  /**
   * Asks for as many bytes more, once. Undefined if they are granted at once; else resolves when they are, or when the
   * message is released.
   */
  grow(bytes: number): Promise<void> | undefined;
  /** The message is done with. May be called again. */
  release(): void;
}

/** What a connection does when its turn changes. */
export interface BudgetMember {
  pause(): void;
  resume(): void;
  /** It was paused for `stallMillis`: it is to close its account. */
  stalled(): void;
}

/** A message costs more than its bytes: objects around it, entries in queues. */
export const messageOverheadBytes = 512;

/** What Node reads from a socket at once: a connection that may go on is good for so much before it can be stopped. */
const readBytes = 64 * 1024;

/** How long room is kept for a connection that may go on, milliseconds: it may have nothing to send. */
const reservedMillis = 10;

interface Account {
  readonly member: BudgetMember;
  /** `turn`: reads although the budget is used up. */
  state: 'reading' | 'waiting' | 'turn' | 'closed';
  /** Bytes of the message that is arriving, overhead included; 0 between messages. */
  incomingBytes: number;
  /** When that message began, or, between messages, when the account began to wait: a running number. */
  place: number;
  timer: NodeJS.Timeout | undefined;
}

/** Bytes that a whole message asks for on top. */
interface Growth {
  readonly bytes: number;
  granted: boolean;
  resolve(): void;
}

export class InflightBudget {
  readonly maxBytes: number;
  readonly stallMillis: number;
  #usedBytes = 0;
  /** Of messages that are whole, and will be released without any more reading. */
  #wholeBytes = 0;
  /** In the order of their places. */
  readonly #waiting: Account[] = [];
  #lastPlace = 0;
  /** They may go on, and have not sent anything yet. */
  readonly #reserved = new Set<Account>();
  #reservedTimer: NodeJS.Timeout | undefined;
  #turn: Account | undefined;
  /** Asked for, not granted yet. */
  readonly #growths = new Set<Growth>();
  #grantedGrowths = 0;

  /**
   * @param maxBytes - the budget
   * @param stallMillis - how long a connection may be paused by it
   */
  constructor(maxBytes: number, stallMillis: number) {
    this.maxBytes = maxBytes;
    this.stallMillis = stallMillis;
  }

  /** Bytes held now; above `maxBytes` by no more than one message and what was under way when it was reached. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** A connection's part. Its member is called synchronously, also from within the account's methods. */
  createAccount(member: BudgetMember): BudgetAccount {
    const account: Account = { member, state: 'reading', incomingBytes: 0, place: 0, timer: undefined };
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
    if (isFirst) this.#putBehind(account);
    const added = isFirst ? bytes + messageOverheadBytes : bytes;
    account.incomingBytes += added;
    this.#usedBytes += added;
    if (this.#isUsedUp() && account.state === 'reading') this.#wait(account);
    this.#settle();
  }

  #complete(account: Account): MessageHold {
    const held = account.incomingBytes;
    account.incomingBytes = 0;
    this.#wholeBytes += held;
    if (account.state === 'turn') {
      this.#turn = undefined;
      this.#putBehind(account);
      this.#wait(account);
    } else {
      this.#putBehind(account);
    }
    this.#settle();

    let growth: Growth | undefined;
    let released = false;
    return {
      grow: (bytes) => {
        if (released || growth !== undefined) return undefined;
        const { promise, resolve } = withResolver();
        growth = { bytes, granted: false, resolve };
        this.#growths.add(growth);
        this.#settle();
        return growth.granted ? undefined : promise;
      },
      release: () => {
        if (released) return;
        released = true;
        this.#free(growth?.granted === true ? held + growth.bytes : held, growth);
      },
    };
  }

  #free(bytes: number, growth: Growth | undefined): void {
    this.#usedBytes -= bytes;
    this.#wholeBytes -= bytes;
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
    if (this.#turn === account) this.#turn = undefined;
    this.#usedBytes -= account.incomingBytes;
    account.incomingBytes = 0;
    this.#settle();
  }

  /** Lets those read for whom there is room, else one if nothing but incomplete messages is in the way. */
  #settle(): void {
    this.#grantGrowths();
    if (!this.#isUsedUp()) {
      if (this.#turn !== undefined) this.#read(this.#turn, 'reading');
      this.#turn = undefined;
      this.#letGoOn();
      return;
    }
    if (this.#turn !== undefined || this.#wholeBytes > 0) return;
    const next = this.#waiting.find((account) => account.incomingBytes > 0);
    if (next === undefined) return;
    this.#leave(next);
    this.#turn = next;
    this.#read(next, 'turn');
    next.member.resume();
  }

  #letGoOn(): void {
    const room = (): number => this.maxBytes - this.#usedBytes - this.#reserved.size * readBytes;
    const goOn: Account[] = [];
    while (this.#waiting.length > 0 && (room() >= readBytes || this.#reserved.size === 0)) {
      const [next] = this.#waiting.splice(0, 1);
      if (next === undefined) break;
      this.#reserved.add(next);
      this.#read(next, 'reading');
      goOn.push(next);
    }
    for (const account of goOn) account.member.resume();
    if (this.#waiting.length === 0 || this.#reservedTimer !== undefined) return;
    this.#reservedTimer = setTimeout(() => {
      this.#reservedTimer = undefined;
      this.#reserved.clear();
      this.#settle();
    }, reservedMillis);
  }

  #isUsedUp(): boolean {
    return this.#usedBytes > this.maxBytes || this.#growths.size > 0;
  }

  #grantGrowths(): void {
    for (const growth of this.#growths) {
      if (this.#grantedGrowths > 0 && this.#usedBytes + growth.bytes > this.maxBytes) return;
      this.#growths.delete(growth);
      this.#grantedGrowths += 1;
      this.#usedBytes += growth.bytes;
      this.#wholeBytes += growth.bytes;
      growth.granted = true;
      growth.resolve();
    }
  }

  #wait(account: Account): void {
    account.state = 'waiting';
    this.#queue(account);
    this.#startTimer(account, () => {
      account.member.stalled();
    });
    account.member.pause();
  }

  /** Its next message will be behind all that have begun. */
  #putBehind(account: Account): void {
    this.#lastPlace += 1;
    account.place = this.#lastPlace;
    if (account.state !== 'waiting') return;
    this.#leave(account);
    this.#queue(account);
  }

  #queue(account: Account): void {
    const behind = this.#waiting.findLastIndex(({ place }) => place < account.place);
    this.#waiting.splice(behind + 1, 0, account);
  }

  #leave(account: Account): void {
    const index = this.#waiting.indexOf(account);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #read(account: Account, state: 'reading' | 'turn'): void {
    clearTimeout(account.timer);
    account.state = state;
    if (state === 'turn') {
      this.#startTimer(account, () => {
        this.#endTurn(account);
      });
    }
  }

  #endTurn(account: Account): void {
    if (this.#waiting.length === 0) {
      this.#read(account, 'turn');
      return;
    }
    this.#turn = undefined;
    this.#putBehind(account);
    this.#wait(account);
    this.#settle();
  }

  #startTimer(account: Account, fire: () => void): void {
    clearTimeout(account.timer);
    account.timer = setTimeout(fire, this.stallMillis);
  }
}

/** One connection's part of the budget. */
export interface BudgetAccount {
  /** Bytes of the arriving message have come. */
  receive(bytes: number): void;
  /** The arriving message is whole: what it holds is its taker's from here on. */
  complete(): MessageHold;
  /** The connection is gone. Its whole messages keep what they hold until they are released. */
  close(): void;
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
