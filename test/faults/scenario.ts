/**
 * What one fault run does: its clients, what they record, and the faults that strike meanwhile.
 *
 * @module
 */
import { formatSeed } from './random.js';
import type { MessageKind } from './proxy/message-kind.js';

/** The point in one client's traffic at which a fault strikes. */
export interface MessagePlace {
  readonly kind: MessageKind;
  /** The nth such message since the client's last fault, from 1. */
  readonly nth: number;
  /** `inside`: after so much of its bytes, from 0 to 1; at least one byte passes, and at least one does not. */
  readonly where: 'before' | 'inside' | 'after';
  readonly part: number;
}

/** What a fault of the network, or of the server that is behind it, does. */
export type NetworkAction =
  /** RST to both sides. */
  | { readonly type: 'reset' }
  /** FIN to both sides. */
  | { readonly type: 'end' }
  /** FIN to one side; what the other says still passes. */
  | { readonly type: 'half-close'; readonly toward: 'client' | 'server' }
  /** Nothing passes any more in these directions, then RST. */
  | {
      readonly type: 'black-hole';
      readonly of: 'client' | 'server' | 'both';
      readonly millis: number;
    }
  /** RST, and RST for every new connection for a while. */
  | { readonly type: 'refuse'; readonly millis: number }
  /** The message, and all behind it, waits. */
  | { readonly type: 'delay'; readonly millis: number }
  /** Each write waits, both ways, until the connection ends. */
  | { readonly type: 'latency'; readonly millis: number }
  /** Both directions, until the connection ends. */
  | { readonly type: 'throttle'; readonly bytesPerSecond: number }
  /** The next few kilobytes pass in pieces of this many bytes. */
  | { readonly type: 'trickle'; readonly bytes: number }
  /** SIGKILL, and a new process on the same store after a while. */
  | { readonly type: 'kill-server'; readonly downMillis: number }
  /** Orderly, as on SIGTERM, and a new server on the same store. */
  | { readonly type: 'stop-server'; readonly downMillis: number }
  /** SIGSTOP, and SIGCONT after a while. */
  | { readonly type: 'freeze-server'; readonly millis: number }
  /** The client goes off the network by itself, and comes back. */
  | { readonly type: 'pause-client'; readonly millis: number };

/** A fault that strikes in one client's traffic, or at a given time. */
export interface NetworkFault {
  readonly at: MessagePlace | { readonly afterMillis: number };
  readonly action: NetworkAction;
}

/** What a store does to one call. */
export type StoreAction =
  /** Fails this many times with a retryable error, without doing anything. */
  | { readonly type: 'fail'; readonly times: number }
  /** Begins late. */
  | { readonly type: 'stall'; readonly millis: number }
  /** Does it, and says that it may be tried again. */
  | { readonly type: 'lose-answer' };

/** A fault of the store. */
export interface StoreFault {
  readonly call: 'commit' | 'findClientFile';
  /** The nth such call since the last fault of the store, from 1. */
  readonly nth: number;
  readonly action: StoreAction;
}

/** One user on one connection. */
export interface ClientPlan {
  /** Records through our exporters, writes into its own Realms, or does both on one connection. */
  readonly exporters: boolean;
  /** How many Realms it writes to by itself. */
  readonly realms: number;
  /** Spans, log records and objects that it makes in a round. */
  readonly recordsPerRound: number;
  /** Bytes of padding in some of its records, so that messages become large. */
  readonly paddingBytes: number;
  /** Of the SDK's batch processors. */
  readonly maxExportBatchSize: number;
  /** How long after its start it first finds a network; 0 for at once. */
  readonly offlineMillis: number;
  /** In the order in which they strike: each is looked for once the one before has struck. */
  readonly faults: readonly NetworkFault[];
}

export interface Scenario {
  readonly seed: number;
  readonly clients: readonly ClientPlan[];
  readonly storeFaults: readonly StoreFault[];
  /** Life of access tokens, seconds. */
  readonly accessTokenSeconds: number;
  /** Rounds of records; more are made while a fault has not struck yet. */
  readonly rounds: number;
}

/** The scenario in words, one line each. */
export function describeScenario(scenario: Scenario): string[] {
  const { seed, clients, storeFaults, rounds, accessTokenSeconds } = scenario;
  return [
    `seed ${formatSeed(seed)}: ${clients.length} client(s), ${rounds} rounds, tokens of ${accessTokenSeconds} s`,
    ...clients.flatMap((client, index) => [
      `client ${index}: ${describeClient(client)}`,
      ...client.faults.map((fault) => `  ${describeNetworkFault(fault)}`),
    ]),
    ...(storeFaults.length === 0 ? [] : ['store:']),
    ...storeFaults.map((fault) => `  ${describeStoreFault(fault)}`),
  ];
}

export function describeNetworkFault({ at, action }: NetworkFault): string {
  if ('afterMillis' in at) return `${at.afterMillis} ms on: ${describeAction(action)}`;
  const { where, kind, nth, part } = at;
  const place = where === 'inside' ? `after ${Math.round(part * 100)} % of` : where;
  return `${place} ${kind} ${nth}: ${describeAction(action)}`;
}

export function describeStoreFault({ call, nth, action }: StoreFault): string {
  const what =
    action.type === 'fail'
      ? `fails ${action.times} times`
      : action.type === 'stall'
        ? `stalls for ${action.millis} ms`
        : 'is done, and its answer lost';
  return `${call} ${nth} ${what}`;
}

function describeClient(client: ClientPlan): string {
  const { exporters, realms, recordsPerRound, paddingBytes, maxExportBatchSize, offlineMillis } = client;
  return [
    ...(exporters ? [`exporters (batches of ${maxExportBatchSize})`] : []),
    ...(realms > 0 ? [`${realms} Realm(s) of its own`] : []),
    `${recordsPerRound} records a round`,
    ...(paddingBytes > 0 ? [`some padded by ${paddingBytes} bytes`] : []),
    ...(offlineMillis > 0 ? [`no network for ${offlineMillis} ms`] : []),
  ].join(', ');
}

function describeAction(action: NetworkAction): string {
  switch (action.type) {
    case 'reset':
      return 'RST';
    case 'end':
      return 'FIN';
    case 'half-close':
      return `half-closed toward the ${action.toward}`;
    case 'black-hole':
      return `nothing of ${action.of === 'both' ? 'either side' : `the ${action.of}`} passes for ${action.millis} ms, then RST`;
    case 'refuse':
      return `RST, and no connection for ${action.millis} ms`;
    case 'delay':
      return `delayed by ${action.millis} ms`;
    case 'latency':
      return `latency of ${action.millis} ms from there on`;
    case 'throttle':
      return `throttled to ${action.bytesPerSecond} bytes/s`;
    case 'trickle':
      return `in pieces of ${action.bytes} byte(s) from there on`;
    case 'kill-server':
      return `the server is killed, back after ${action.downMillis} ms`;
    case 'stop-server':
      return `the server is stopped in order, back after ${action.downMillis} ms`;
    case 'freeze-server':
      return `the server is frozen for ${action.millis} ms`;
    case 'pause-client':
      return `the client pauses for ${action.millis} ms`;
  }
}
