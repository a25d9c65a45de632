import { setTimeout as delay } from 'node:timers/promises';
import Realm from '../../support/engine/realm.mjs';
import type { Random } from '../random.js';
import type { ClientPlan } from '../scenario.js';
import type { ExpectedRecord } from './expected-record.js';
import { ExportingApp } from './exporting-app.js';
import { drawNote, noteSchema } from './notes.js';

/** A client's name and the address of its server. */
export interface ClientSettings {
  readonly appId: string;
  readonly baseUrl: string;
  /** Unlike that of every other client in this process. */
  readonly name: string;
  /** The client's own directory. */
  readonly directory: string;
  readonly random: Random;
  /** Ends a client that has not even logged in. */
  readonly signal: AbortSignal;
}

/** How long a client that logs in by itself waits before it tries again, milliseconds. */
const logInMillis = 100;

/** One user on one connection: with our exporters, with its own Realms, or both. */
export class FaultClient {
  readonly #plan: ClientPlan;
  readonly #name: string;
  readonly #random: Random;
  readonly #app: ExportingApp | undefined;
  readonly #realms: readonly Realm[];
  readonly #notes: ExpectedRecord[] = [];
  #isEnded = false;

  private constructor(
    plan: ClientPlan,
    { name, random }: ClientSettings,
    app: ExportingApp | undefined,
    realms: readonly Realm[],
  ) {
    this.#plan = plan;
    this.#name = name;
    this.#random = random;
    this.#app = app;
    this.#realms = realms;
  }

  /** Resolves when the client has a user, if it logs in itself. Our exporters log in later. */
  static async start(plan: ClientPlan, settings: ClientSettings): Promise<FaultClient> {
    const { appId, baseUrl, name, directory } = settings;
    const { maxExportBatchSize } = plan;
    if (plan.realms === 0) {
      const credentials = Realm.Credentials.anonymous(false);
      const target = { Realm, appId, baseUrl, credentials, directory };
      const app = new ExportingApp({ connect: target, serviceName: name, maxExportBatchSize });
      return new FaultClient(plan, settings, app, []);
    }
    const user = await logIn(new Realm.App({ id: appId, baseUrl }), settings.signal);
    const realms = Array.from({ length: plan.realms }, (_, n) => {
      const path = `${name}-${n}.realm`;
      return new Realm({ schema: noteSchema, path, sync: { user, flexible: true } });
    });
    const app = plan.exporters
      ? new ExportingApp({ connect: { Realm, user, directory }, serviceName: name, maxExportBatchSize })
      : undefined;
    return new FaultClient(plan, settings, app, realms);
  }

  /** Everything that the client made. */
  get expected(): readonly ExpectedRecord[] {
    return [...this.#notes, ...(this.#app?.expected ?? [])];
  }

  /** Makes a round of records. */
  record(): void {
    const { recordsPerRound } = this.#plan;
    const random = this.#random;
    const share = Math.ceil(recordsPerRound / (this.#realms.length + (this.#app === undefined ? 0 : 1)));
    this.#app?.record(share, random, () => this.#padding());
    for (const realm of this.#realms) {
      for (let left = share; left > 0;) {
        const count = Math.min(left, random.integer(1, 10));
        left -= count;
        this.#write(realm, count);
      }
    }
  }

  /** @returns whether the server has acknowledged everything within the time */
  async settled(timeoutMillis: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMillis;
    const settled = await Promise.all([
      this.#app?.settled(timeoutMillis) ?? true,
      ...this.#realms.map((realm) => uploaded(realm, deadline)),
    ]);
    return settled.every(Boolean);
  }

  /** Goes off the network by itself for a while. */
  pause(millis: number): void {
    this.#app?.connection.pause();
    for (const realm of this.#realms) realm.syncSession?.pause();
    void delay(millis).then(() => {
      if (this.#isEnded) return;
      this.#app?.connection.resume();
      for (const realm of this.#realms) realm.syncSession?.resume();
    });
  }

  /** Findings after everything has settled. */
  problems(): string[] {
    return this.#app?.problems() ?? [];
  }

  async close(): Promise<void> {
    this.#isEnded = true;
    const exporting = await this.#app?.openRealm();
    for (const realm of [...this.#realms, ...(exporting ? [exporting] : [])]) realm.syncSession?.pause();
    await this.#app?.shutDown();
    for (const realm of this.#realms) realm.close();
  }

  #write(realm: Realm, count: number): void {
    const first = this.#notes.length;
    const notes = Array.from({ length: count }, (_, n) => {
      return drawNote(this.#random, `${this.#name} note ${first + n}`, this.#padding());
    });
    realm.write(() => {
      for (const { values } of notes) realm.create('Note', values);
    });
    this.#notes.push(...notes.map(({ expected }) => expected));
  }

  /** Text that does not compress, for one record in ten of a client that pads. */
  #padding(): string {
    const { paddingBytes } = this.#plan;
    if (paddingBytes === 0 || !this.#random.chance(0.1)) return '';
    return Buffer.from(this.#random.bytes(paddingBytes)).toString('base64');
  }
}

async function logIn(app: Realm.AnyApp, signal: AbortSignal): Promise<Realm.User> {
  for (;;) {
    try {
      return await app.logIn(Realm.Credentials.anonymous(false));
    } catch {
      await delay(logInMillis, undefined, { signal }); // a fault: there are so many, and then no more
    }
  }
}

/** A wait fails if its session does. */
async function uploaded(realm: Realm, deadline: number): Promise<boolean> {
  for (;;) {
    const leftMillis = deadline - performance.now();
    if (leftMillis <= 0) return false;
    try {
      await realm.syncSession?.uploadAllLocalChanges(leftMillis);
      return true;
    } catch {
      await delay(20);
    }
  }
}
