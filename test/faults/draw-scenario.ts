import { Random } from './random.js';
import type { MessageKind } from './proxy/message-kind.js';
import type {
  ClientPlan,
  MessagePlace,
  NetworkAction,
  NetworkFault,
  Scenario,
  StoreFault,
} from './scenario.js';

/**
 * What a client's traffic is when a fault is looked for; it decides which messages are sure to come.
 *
 * - `fresh`: it has yet to log in
 * - `new-file`: it is logged in, and its file has never had a session
 * - `connected`: a session is up, or will be; only uploads and their acknowledgements are sure to come
 * - `reconnecting`: its connection was just cut
 * - `pausing`: it goes off by itself, and comes back
 */
type Moment = 'fresh' | 'new-file' | 'connected' | 'reconnecting' | 'pausing';

type Weighted<T> = readonly (readonly [weight: number, item: T])[];

const uploads: Weighted<MessageKind> = [
  [4, 'UPLOAD'],
  [4, 'acknowledgement'],
];

const firstSession: Weighted<MessageKind> = [
  [1, 'upgrade request'],
  [1, 'upgrade answer'],
  [1, 'BIND'],
  [1, 'file ident'],
  [1, 'IDENT'],
  [1, 'bootstrap'],
  [1, 'MARK'],
  [1, 'MARK answer'],
];

/** Messages that are sure to come. */
const kinds: Readonly<Record<Moment, Weighted<MessageKind>>> = {
  fresh: [
    [0.5, 'location request'],
    [0.5, 'location answer'],
    [0.7, 'log-in request'],
    [0.7, 'log-in answer'],
    [0.5, 'profile request'],
    [0.5, 'profile answer'],
    ...firstSession,
    ...uploads,
    ...uploads,
  ],
  'new-file': [...firstSession, ...uploads],
  connected: uploads,
  reconnecting: [[1, 'upgrade request'], [1, 'upgrade answer'], [1, 'BIND'], [1, 'IDENT'], ...uploads],
  pausing: [[4, 'UNBIND'], [4, 'UNBOUND'], ...uploads],
};

/** Faults that end a connection, after which a client comes back. */
const cuts: Weighted<(random: Random) => NetworkAction> = [
  [20, () => ({ type: 'reset' })],
  [10, () => ({ type: 'end' })],
  [10, (random) => ({ type: 'half-close', toward: random.pick(['client', 'server']) })],
  [
    8,
    (random) => ({
      type: 'black-hole',
      of: random.pick(['client', 'server', 'both']),
      millis: random.integer(20, 400),
    }),
  ],
  [8, (random) => ({ type: 'refuse', millis: random.integer(50, 600) })],
  [16, (random) => ({ type: 'kill-server', downMillis: random.integer(0, 300) })],
];

const cutTypes = new Set(cuts.map(([, draw]) => draw(new Random(0)).type));

/** Faults that a connection may outlive. */
const hindrances: Weighted<(random: Random) => NetworkAction> = [
  [8, (random) => ({ type: 'delay', millis: random.integer(20, 300) })],
  [8, (random) => ({ type: 'trickle', bytes: random.integer(1, 7) })],
  [4, (random) => ({ type: 'freeze-server', millis: random.integer(50, 400) })],
];

/** Those that need a session: what they do to a log-in is of no interest, or not sure to be seen. */
const sessionHindrances: Weighted<(random: Random) => NetworkAction> = [
  [4, (random) => ({ type: 'latency', millis: random.integer(5, 40) })],
  [6, (random) => ({ type: 'throttle', bytesPerSecond: random.integer(100_000, 1_000_000) })],
];

/** Sends clients away for seconds. */
const stopServer = (random: Random): NetworkAction => ({
  type: 'stop-server',
  downMillis: random.integer(0, 300),
});

const pauseClient = (random: Random): NetworkAction => ({
  type: 'pause-client',
  millis: random.integer(10, 300),
});

/** Long enough for a log-in on a machine that does much else. */
const shortTokenSeconds = 5;

/** The client comes back with a token that has expired. */
const outlastToken: NetworkFault = {
  at: { kind: 'UPLOAD', nth: 1, where: 'after', part: 0 },
  action: { type: 'refuse', millis: shortTokenSeconds * 1000 + 500 },
};

/** The scenario of a seed: one to three clients, and one fault at the least. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed);
  const count = random.weighted([
    [6, 1],
    [3, 2],
    [1, 3],
  ]);
  const storeFaults = random.chance(0.35) ? drawStoreFaults(random.fork()) : [];
  const expires = random.chance(0.05);
  const clients = Array.from({ length: count }, (_, index) => {
    const mustFail = index === 0 && storeFaults.length === 0;
    const client = drawClient(random.fork(), mustFail);
    return expires ? { ...client, faults: [...client.faults, outlastToken] } : client;
  });
  return {
    seed,
    clients,
    storeFaults,
    accessTokenSeconds: expires ? shortTokenSeconds : 1800,
    rounds: random.integer(2, 4),
  };
}

function drawClient(random: Random, mustFail: boolean): ClientPlan {
  const exporters = random.chance(0.8);
  const realms = exporters
    ? random.weighted([
        [7, 0],
        [2, 1],
        [1, 2],
      ] as const)
    : random.integer(1, 3);
  const faultCount = random.weighted([
    [mustFail ? 0 : 2, 0],
    [5, 1],
    [3, 2],
    [2, 3],
  ] as const);
  return {
    exporters,
    realms,
    recordsPerRound: random.integer(1, 30),
    paddingBytes: random.chance(0.2) ? random.integer(5_000, 150_000) : 0,
    maxExportBatchSize: random.integer(2, 50),
    offlineMillis: random.chance(0.1) ? random.integer(50, 500) : 0,
    faults: drawNetworkFaults(random.fork(), faultCount),
  };
}

function drawNetworkFaults(random: Random, count: number): NetworkFault[] {
  let moment: Moment = 'fresh';
  return Array.from({ length: count }, () => {
    const fault = drawNetworkFault(random, moment);
    moment = after(fault, moment);
    return fault;
  });
}

function drawNetworkFault(random: Random, moment: Moment): NetworkFault {
  if (random.chance(0.1)) {
    const action = random.weighted([...cuts, ...hindrances])(random);
    return { at: { afterMillis: random.integer(0, 300) }, action };
  }
  const kind = random.weighted(kinds[moment]);
  const isRepeated = kind === 'UPLOAD' || kind === 'acknowledgement';
  const at: MessagePlace = {
    kind,
    nth: isRepeated ? random.integer(1, 4) : 1,
    where: random.pick(['before', 'inside', 'after']),
    part: random.next(),
  };
  const candidates: Weighted<(random: Random) => NetworkAction> = [
    ...cuts,
    ...hindrances,
    ...(isHttp(kind) ? [] : sessionHindrances),
    ...(isRepeated
      ? ([
          [2, stopServer],
          [4, pauseClient],
        ] as const)
      : []),
  ];
  return { at, action: random.weighted(candidates)(random) };
}

/** Events that certainly follow a fault. */
function after({ at, action }: NetworkFault, moment: Moment): Moment {
  if ('afterMillis' in at) return 'connected';
  const isCut = cutTypes.has(action.type);
  if (at.kind.startsWith('upgrade')) {
    if (!isCut) return 'connected';
    return moment === 'fresh' ? 'new-file' : moment;
  }
  if (isHttp(at.kind)) return 'new-file';
  if (isCut) return 'reconnecting';
  // A pause is sure to send UNBIND only if the connection was not cut before: the message of the pause may be on a dead one.
  return action.type === 'pause-client' && moment !== 'reconnecting' ? 'pausing' : 'connected';
}

function isHttp(kind: MessageKind): boolean {
  return kind.endsWith(' request') || (kind.endsWith(' answer') && kind !== 'MARK answer');
}

function drawStoreFaults(random: Random): StoreFault[] {
  return Array.from({ length: random.integer(1, 3) }, (_, index): StoreFault => {
    const atLookUp = index === 0 && random.chance(0.2);
    return {
      call: atLookUp ? 'findClientFile' : 'commit',
      nth: atLookUp ? 1 : random.integer(1, 5),
      action: random.weighted<() => StoreFault['action']>([
        [4, () => ({ type: 'fail', times: random.integer(1, 3) })],
        [2, () => ({ type: 'stall', millis: random.integer(20, 500) })],
        [4, () => ({ type: 'lose-answer' })],
      ])(),
    };
  });
}
