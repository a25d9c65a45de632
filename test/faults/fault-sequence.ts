import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from './proxy/fault-proxy.js';
import type { Link, Strike } from './proxy/link.js';
import type { Message } from './proxy/message-reader.js';
import { describeNetworkFault, type NetworkAction, type NetworkFault } from './scenario.js';

/** What a fault can do beyond one connection. */
export interface FaultTargets {
  readonly proxy: FaultProxy;
  readonly server: {
    kill(downMillis: number): Promise<void>;
    stop(downMillis: number): Promise<void>;
    freeze(millis: number): Promise<void>;
  };
  readonly pauseClient: (millis: number) => void;
}

/** Bytes that trickle before a connection is itself again: headers and bodies of several messages. */
const trickleBytes = 3000;

/** How often a fault of a moment looks for a connection that it can strike, milliseconds. */
const lookMillis = 10;

/** The faults of one client, one after the other: each is looked for once the one before has struck. */
export class FaultSequence {
  readonly #faults: readonly NetworkFault[];
  readonly #targets: () => FaultTargets;
  readonly #onStrike: (fault: NetworkFault) => void;
  #next = 0;
  /** Messages of the next fault's kind that have passed since the last fault. */
  #seen = 0;
  #hasEnded = false;

  /** @param targets - asked when a fault strikes */
  constructor(
    faults: readonly NetworkFault[],
    targets: () => FaultTargets,
    onStrike: (fault: NetworkFault) => void,
  ) {
    this.#faults = faults;
    this.#targets = targets;
    this.#onStrike = onStrike;
  }

  /** Begins to look for the first. */
  start(): void {
    this.#arm();
  }

  /** Nothing strikes any more. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Those that have not struck. */
  get left(): readonly NetworkFault[] {
    return this.#faults.slice(this.#next);
  }

  /** The fault to inject at this message. */
  intercept(message: Message): Strike | undefined {
    const fault = this.#faults[this.#next];
    if (this.#hasEnded || fault === undefined || !('kind' in fault.at)) return undefined;
    if (fault.at.kind !== message.kind) return undefined;
    this.#seen += 1;
    if (this.#seen < fault.at.nth) return undefined;
    const { where, part } = fault.at;
    let hasActed = false;
    return {
      where,
      part,
      act: async (link) => {
        if (hasActed) return;
        hasActed = true;
        this.#advance(fault);
        await strike(fault.action, [link], this.#targets());
      },
    };
  }

  #advance(fault: NetworkFault): void {
    this.#next += 1;
    this.#seen = 0;
    this.#onStrike(fault);
    this.#arm();
  }

  #arm(): void {
    const fault = this.#faults[this.#next];
    if (fault !== undefined && 'afterMillis' in fault.at) void this.#strikeLater(fault, fault.at.afterMillis);
  }

  async #strikeLater(fault: NetworkFault, afterMillis: number): Promise<void> {
    await delay(afterMillis);
    while (this.#targets().proxy.links.length === 0 && !this.#hasEnded) await delay(lookMillis);
    if (this.#hasEnded) return;
    const targets = this.#targets();
    this.#advance(fault);
    await strike(fault.action, targets.proxy.links, targets);
  }
}

async function strike(
  action: NetworkAction,
  links: readonly Link[],
  { proxy, server, pauseClient }: FaultTargets,
): Promise<void> {
  switch (action.type) {
    case 'reset':
      for (const link of links) link.reset();
      return;
    case 'end':
      for (const link of links) link.end();
      return;
    case 'half-close':
      for (const link of links) link.halfClose(action.toward);
      return;
    case 'black-hole':
      for (const link of links) {
        if (action.of !== 'server') link.mute('client');
        if (action.of !== 'client') link.mute('server');
      }
      void delay(action.millis).then(() => {
        for (const link of links) link.reset();
      });
      return;
    case 'refuse':
      proxy.refuse(action.millis);
      for (const link of links) link.reset();
      return;
    case 'delay':
      await delay(action.millis);
      return;
    case 'latency':
      for (const link of links) link.pace.latencyMillis = action.millis;
      return;
    case 'throttle':
      for (const link of links) link.pace.bytesPerSecond = action.bytesPerSecond;
      return;
    case 'trickle':
      for (const link of links) link.pace.trickle(trickleBytes, action.bytes);
      return;
    case 'kill-server':
      await server.kill(action.downMillis);
      return;
    case 'stop-server':
      await server.stop(action.downMillis);
      return;
    case 'freeze-server':
      await server.freeze(action.millis);
      return;
    case 'pause-client':
      pauseClient(action.millis);
      return;
  }
}

/** For a message about faults that never struck. */
export function describeLeft(sequence: FaultSequence): string[] {
  return sequence.left.map(describeNetworkFault);
}
