import { WebSocket, type RawData } from 'ws';
import { ProtocolError } from '../../protocol/protocol-error.js';
import { connectionErrors } from '../../protocol/wire-codes.js';
import { Connection, type ConnectionOptions } from '../../sync/connection.js';
import type { BudgetAccount, InflightBudget, MessageAllocation } from '../../sync/inflight-budget.js';
import { SyncError } from '../../sync/sync-error.js';
import type { Transport } from '../../sync/transport.js';
import type { OversizedMessage } from './frame-scanner.js';
import type { GateReceiver, MessageGate } from './message-gate.js';

/** The WebSocket of one client: counts what arrives, and takes messages to the client's connection and back. */
export class SyncSocket implements GateReceiver, Transport {
  readonly connection: Connection;
  /** Resolves when the TCP connection has ended. */
  readonly closed: Promise<void>;
  readonly #webSocket: WebSocket;
  readonly #gate: MessageGate;
  readonly #maxMessageBytes: number;
  readonly #account: BudgetAccount;
  /** Messages in the order of their arrival. `ws` may deliver them later. */
  readonly #arrived: (MessageAllocation | OversizedMessage)[] = [];

  /** @param gate - what `webSocket` runs over; nothing has arrived yet */
  constructor(
    webSocket: WebSocket,
    gate: MessageGate,
    budget: InflightBudget,
    options: Omit<ConnectionOptions, 'transport'>,
  ) {
    this.#webSocket = webSocket;
    this.#gate = gate;
    this.#maxMessageBytes = options.limits.maxMessageBytes;
    this.connection = new Connection({ ...options, transport: this });
    this.#account = budget.createAccount(this.connection);
    gate.open(this);
    webSocket.on('message', (data, isBinary) => {
      this.#deliver(data, isBinary);
    });
    this.closed = new Promise((resolve) => {
      webSocket.once('close', () => {
        this.#close();
        resolve();
      });
    });
  }

  activity(): void {
    this.connection.noteActivity();
  }

  received(bytes: number): void {
    this.#account.receive(bytes);
  }

  completed(): void {
    this.#arrived.push(this.#account.complete());
  }

  oversized(message: OversizedMessage): void {
    this.#arrived.push(message);
    this.#refuseOversized();
  }

  send(message: Uint8Array): void {
    // Failure to send is the end of the connection, which 'close' reports.
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    this.#webSocket.send(message, { binary: true }, () => undefined);
  }

  get outgoingBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  pause(): void {
    this.#gate.pauseReading();
  }

  resume(): void {
    this.#gate.resumeReading();
  }

  end(): void {
    this.#gate.endAfterFlush();
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  #deliver(data: RawData, isBinary: boolean): void {
    const allocation = this.#arrived.shift();
    if (allocation === undefined || 'beginning' in allocation)
      throw new Error('a message was delivered that never arrived');
    if (isBinary) {
      this.connection.receive(toBytes(data), allocation);
    } else {
      allocation.release();
      this.connection.fail(new SyncError('sync-text-frame', 'messages are binary'));
    }
    this.#refuseOversized();
  }

  /** Refuses messages above the limit once everything before them is delivered. */
  #refuseOversized(): void {
    for (let next = this.#arrived[0]; next !== undefined && 'beginning' in next; next = this.#arrived[0]) {
      this.#arrived.shift();
      this.#refuse(next);
    }
  }

  /** Refuses a message to its session, if it names one. The rest of the connection goes on if it can be used. */
  #refuse({ beginning, announcedBytes, skipped }: OversizedMessage): void {
    const ident = /^[a-z_]+ ([1-9][0-9]{0,9}) /.exec(beginning.toString('latin1'))?.[1];
    if (ident === undefined) {
      this.connection.fail(
        new ProtocolError('message-syntax', `a message of ${announcedBytes} bytes names no session`, {
          wireCode: connectionErrors.badSyntax,
        }),
      );
      return;
    }
    const particulars = `${announcedBytes} bytes; --max-message-bytes is ${this.#maxMessageBytes}`;
    this.connection.fail(new SyncError('message-too-large', particulars), Number(ident));
    if (!skipped)
      this.connection.fail(new SyncError('sync-overload', `a message in several frames of ${particulars}`));
  }

  #close(): void {
    this.connection.end();
    for (const entry of this.#arrived.splice(0)) if ('release' in entry) entry.release();
    this.#account.close();
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
