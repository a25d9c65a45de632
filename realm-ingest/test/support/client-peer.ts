import { AdoptedFiles } from '../../src/sync/adopted-files.js';
import { Connection } from '../../src/sync/connection.js';
import { ErrorLog } from '../../src/sync/error-log.js';
import type { MessageAllocation } from '../../src/sync/inflight-budget.js';
import { defaultSyncLimits, type SyncLimits } from '../../src/sync/sync-limits.js';
import type { Transport } from '../../src/sync/transport.js';
import type { ProtocolVersion } from '../../src/protocol/messages.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { receive, type ReceivedMessage } from './client-message.js';
import { MemoryPipeline } from './memory-pipeline.js';

const peers: ClientPeer[] = [];

/** Closes the connections of a test, for its `afterEach`: their timers would keep the process alive. */
export function closePeers(): void {
  for (const { connection } of peers.splice(0)) connection.end();
}

/** A client at the other end of a connection, without any socket between. */
export class ClientPeer {
  readonly pipeline: MemoryPipeline;
  readonly logger = new RecordingLogger();
  readonly connection: Connection;
  /** What the server sent, as text. */
  readonly sent: string[] = [];
  /** What the server counted. */
  readonly counted: string[] = [];
  /** Messages whose bytes are not released yet. */
  unreleased = 0;
  paused = false;
  ended: 'ended' | 'terminated' | undefined;
  outgoingBytes = 0;
  /** What the budget answers to messages that ask for more; undefined: at once. */
  room: Promise<void> | undefined;
  #seen = 0;

  constructor(
    options: {
      pipeline?: MemoryPipeline;
      version?: ProtocolVersion;
      userId?: string;
      limits?: Partial<SyncLimits>;
      adoptedFiles?: AdoptedFiles;
    } = {},
  ) {
    peers.push(this);
    this.pipeline = options.pipeline ?? new MemoryPipeline();
    this.connection = new Connection({
      transport: this.#transport(),
      version: options.version ?? 14,
      userId: options.userId ?? 'user-1',
      pipeline: this.pipeline,
      limits: { ...defaultSyncLimits, ...options.limits },
      logger: this.logger,
      errorLog: new ErrorLog(),
      adoptedFiles: options.adoptedFiles ?? new AdoptedFiles(),
      observer: {
        fileAdopted: (how) => this.counted.push(`adopted ${how}`),
        errorSent: (code) => this.counted.push(`error ${code}`),
        acknowledged: (changesets) => this.counted.push(`acknowledged ${changesets}`),
      },
    });
  }

  /** Delivers messages to the server one after the other, and lets it settle. */
  async send(...messages: Uint8Array[]): Promise<void> {
    for (const message of messages) this.connection.receive(message, this.#allocate());
    await settle();
  }

  /** What the server sent since this was called last. */
  answers(): string[] {
    const answers = this.sent.slice(this.#seen);
    this.#seen = this.sent.length;
    return answers;
  }

  /** The same, taken apart. */
  received(): ReceivedMessage[] {
    return this.answers().map((text) => receive(Buffer.from(text)));
  }

  #transport(): Transport {
    const outgoing = (): number => this.outgoingBytes;
    return {
      send: (message) => this.sent.push(Buffer.from(message).toString('utf8')),
      get outgoingBytes() {
        return outgoing();
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      end: () => {
        this.ended = 'ended';
      },
      terminate: () => {
        this.ended = 'terminated';
      },
    };
  }

  #allocate(): MessageAllocation {
    this.unreleased += 1;
    let released = false;
    return {
      grow: () => this.room,
      release: () => {
        if (!released) this.unreleased -= 1;
        released = true;
      },
    };
  }
}

/** Lets promises that are resolved already take their course; no timers. Fake clocks leave `setImmediate` alone. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
