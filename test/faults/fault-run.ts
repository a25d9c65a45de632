import { cp, lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExpectedRecord } from './clients/expected-record.js';
import { FaultClient } from './clients/fault-client.js';
import { describeLeft, FaultSequence } from './fault-sequence.js';
import { collections, judge, type Verdict } from './oracle.js';
import { FaultProxy } from './proxy/fault-proxy.js';
import { formatSeed, Random } from './random.js';
import { describeNetworkFault, describeScenario, describeStoreFault } from './scenario.js';
import type { ClientPlan, Scenario } from './scenario.js';
import type { StoreLie } from './server/messages.js';
import { ServerKeeper } from './server/server-keeper.js';
import type { ServerPool } from './server/server-pool.js';

/** What runs have in common. */
export interface RunSettings {
  readonly pool: ServerPool;
  /** Directory for the evidence of failed runs. Nothing is kept of the others. */
  readonly evidenceDirectory: string;
  /** Another store than a SQLite file of the run's own. */
  readonly storeFor?: (seed: number) => { readonly url: string; remove(): Promise<void> };
  /** By which the harness itself is tested. */
  readonly lie?: StoreLie;
  /** How long faults have to strike, milliseconds. Default: two minutes. */
  readonly strikeMillis?: number;
  /** How long clients have to deliver everything once there are no faults any more, milliseconds. Default: two minutes. */
  readonly settleMillis?: number;
}

/** What became of a run. */
export interface RunResult extends Verdict {
  readonly scenario: Scenario;
  /** Records that clients made. */
  readonly records: number;
  /** What struck, by kind: `reset`, `commit lose-answer`, …. */
  readonly struck: readonly string[];
  /** Documents that came to the store again, and were there. */
  readonly resent: number;
  /** All other findings. A run passes if this is empty and nothing was lost, doubled or corrupted. */
  readonly problems: readonly string[];
  readonly millis: number;
  /** Directory with the evidence of a failed run. */
  readonly evidence?: string;
}

/** Lines kept of what happened. */
const maxLines = 20_000;

/** The app that every run serves, each run with its own store. */
const appId = 'faults';

/** One run: clients record while faults strike; then all has to be in the store, once, and as it was recorded. */
export async function runScenario(scenario: Scenario, settings: RunSettings): Promise<RunResult> {
  const run = new FaultRun(scenario, settings);
  return run.perform();
}

/** Whether a run is one to look into. */
export function hasFailed(result: RunResult): boolean {
  const { lost, duplicated, corrupted, deadLetters, problems } = result;
  return lost + duplicated + corrupted + deadLetters + problems.length > 0;
}

class FaultRun {
  readonly #scenario: Scenario;
  readonly #settings: RunSettings & Required<Pick<RunSettings, 'strikeMillis' | 'settleMillis'>>;
  readonly #begun = performance.now();
  readonly #lines: string[] = [];
  readonly #struck: string[] = [];
  readonly #problems: string[] = [];
  readonly #proxies: FaultProxy[] = [];
  readonly #sequences: FaultSequence[] = [];
  readonly #clients = new Map<number, FaultClient>();
  readonly #ended = new AbortController();
  #port: number | undefined;

  constructor(scenario: Scenario, settings: RunSettings) {
    this.#scenario = scenario;
    this.#settings = { strikeMillis: 120_000, settleMillis: 120_000, ...settings };
  }

  async perform(): Promise<RunResult> {
    const { seed, storeFaults, accessTokenSeconds } = this.#scenario;
    const { pool, lie } = this.#settings;
    const directory = await mkdtemp(join(tmpdir(), `fault-run-${formatSeed(seed)}-`));
    const store = this.#settings.storeFor?.(seed) ?? {
      url: `sqlite:${join(directory, 'telemetry.db')}`,
      remove: () => Promise.resolve(),
    };
    const keeper = new ServerKeeper(
      pool,
      {
        ...{ appId, store: store.url, accessTokenSeconds, classes: ['Note'], storeFaults },
        ...(lie && { lie }),
      },
      {
        onMove: (port) => {
          this.#note(port === undefined ? 'the server is down' : `the server listens on ${port}`);
          this.#port = port;
          for (const proxy of this.#proxies) proxy.connectTo(port);
        },
        onStoreFault: (fault) => {
          this.#strike(`${fault.call} ${fault.action.type}`, describeStoreFault(fault));
        },
        onLog: (line) => {
          this.#note(`server: ${line}`);
        },
        onCrash: (reason) => {
          this.#fail(reason);
        },
      },
    );
    let verdict: Verdict = { lost: 0, duplicated: 0, corrupted: 0, deadLetters: 0, examples: [] };
    try {
      await keeper.start();
      await Promise.all(
        this.#scenario.clients.map((plan, index) => this.#drive(plan, index, directory, keeper)),
      );
      await this.#settle();
      for (const client of this.#clients.values()) this.#problems.push(...client.problems());
      await this.#closeClients();
      await keeper.end();
      if (keeper.figures.filesAhead > 0) {
        this.#fail(`${keeper.figures.filesAhead} files had more acknowledged than was committed`);
      }
      verdict = await this.#judge(store.url);
    } catch (error) {
      this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
      await this.#closeClients().catch(() => undefined);
    } finally {
      this.#ended.abort();
      for (const sequence of this.#sequences) sequence.end();
      await keeper.abandon();
      await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    }
    const result: RunResult = {
      ...verdict,
      scenario: this.#scenario,
      records: this.#expected().length,
      struck: this.#struck,
      resent: keeper.figures.duplicates,
      problems: this.#problems,
      millis: Math.round(performance.now() - this.#begun),
    };
    if (!hasFailed(result)) {
      await store.remove();
      await rm(directory, { recursive: true, force: true });
      return result;
    }
    return { ...result, evidence: await this.#keepEvidence(result, directory) };
  }

  /** One client, from its start until it has recorded all that it is to record, and its faults have struck. */
  async #drive(plan: ClientPlan, index: number, directory: string, keeper: ServerKeeper): Promise<void> {
    const random = new Random(this.#scenario.seed ^ (index + 1));
    const name = `${formatSeed(this.#scenario.seed)}-${index}`;
    const sequence: FaultSequence = new FaultSequence(
      plan.faults,
      () => ({
        proxy,
        server: keeper,
        pauseClient: (millis) => {
          this.#clients.get(index)?.pause(millis);
        },
      }),
      (fault) => {
        this.#strike(fault.action.type, `client ${index}: ${describeNetworkFault(fault)}`);
      },
    );
    const proxy = await FaultProxy.create((message, from) => {
      this.#note(`client ${index} ${from === 'client' ? '→' : '←'} ${message.kind} (${message.bytes} bytes)`);
      return sequence.intercept(message);
    });
    this.#sequences.push(sequence);
    this.#proxies.push(proxy);
    proxy.connectTo(this.#port);
    if (plan.offlineMillis > 0) proxy.refuse(plan.offlineMillis);
    sequence.start();

    const ownDirectory = join(directory, `client-${index}`);
    await mkdir(ownDirectory);
    const client = await FaultClient.start(plan, {
      ...{ appId, baseUrl: proxy.url, name, random },
      directory: ownDirectory,
      signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(this.#settings.strikeMillis)]),
    });
    this.#clients.set(index, client);
    const deadline = performance.now() + this.#settings.strikeMillis;
    for (let round = 0; round < this.#scenario.rounds || this.#isWaiting(sequence, keeper); round += 1) {
      if (performance.now() > deadline) break;
      client.record();
      this.#note(`client ${index} recorded round ${round}`);
      // Now and then the next round does not wait for the one before.
      const isPatient = round >= this.#scenario.rounds || random.chance(0.6);
      const settled = client.settled(2000);
      await (isPatient ? settled : Promise.race([settled, delay(random.integer(0, 30))]));
    }
    for (const line of describeLeft(sequence)) this.#fail(`client ${index}: never struck: ${line}`);
  }

  /** Faults of the store wait for any client's traffic. */
  #isWaiting(sequence: FaultSequence, keeper: ServerKeeper): boolean {
    return sequence.left.length > 0 || keeper.storeFaultsLeft.length > 0;
  }

  async #settle(): Promise<void> {
    const { settleMillis } = this.#settings;
    for (const proxy of this.#proxies) for (const link of proxy.links) link.pace.heal();
    const settled = await Promise.all(
      [...this.#clients].map(async ([index, client]) => [index, await client.settled(settleMillis)] as const),
    );
    for (const [index, isSettled] of settled) {
      if (!isSettled) this.#fail(`client ${index} was not done ${settleMillis} ms after the last fault`);
    }
  }

  async #judge(storeUrl: string): Promise<Verdict> {
    const { pool } = this.#settings;
    const reader = await pool.take();
    const contents = await reader.read(storeUrl, collections);
    pool.giveBack(reader);
    return judge(this.#expected(), contents);
  }

  #expected(): ExpectedRecord[] {
    return [...this.#clients.values()].flatMap(({ expected }) => expected);
  }

  async #closeClients(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #strike(kind: string, description: string): void {
    this.#struck.push(kind);
    this.#note(`FAULT ${description}`);
  }

  #fail(problem: string): void {
    this.#problems.push(problem);
    this.#note(`PROBLEM ${problem}`);
  }

  #note(line: string): void {
    if (this.#lines.length >= maxLines) return;
    const millis = (performance.now() - this.#begun).toFixed(0).padStart(6);
    this.#lines.push(`${millis} ${line}`);
  }

  /** What happened, and the store, in a directory that stays. */
  async #keepEvidence(result: RunResult, directory: string): Promise<string> {
    const { examples, problems, lost, duplicated, corrupted, deadLetters } = result;
    await mkdir(this.#settings.evidenceDirectory, { recursive: true });
    const text = [
      ...describeScenario(this.#scenario),
      '',
      `lost ${lost}, duplicated ${duplicated}, corrupted ${corrupted}, dead letters ${deadLetters}`,
      ...problems,
      ...examples,
      '',
      ...this.#lines,
      '',
    ];
    await writeFile(join(directory, 'run.txt'), text.join('\n'));
    const kept = join(this.#settings.evidenceDirectory, formatSeed(this.#scenario.seed));
    await rm(kept, { recursive: true, force: true });
    // A native engine keeps FIFOs beside its Realms.
    await cp(directory, kept, { recursive: true, filter: async (path) => !(await lstat(path)).isFIFO() });
    await rm(directory, { recursive: true, force: true });
    return kept;
  }
}
