import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { FileSlotStore, type Slot } from '../../src/disk/slot.js';
import { nodeFiles } from '../../src/platform/node/files.js';
import type { ConnectionContext } from '../../src/sync/connection-context.js';
import { EngineBoundary } from './engine-boundary.js';
import { RecordedEvents } from './recorded-events.js';

/** A slot in its own directory, with a scripted engine. */
export class SlotFixture {
  readonly engine = new EngineBoundary();
  readonly events = new RecordedEvents();
  readonly store: FileSlotStore;
  readonly slot: Slot;
  readonly context: ConnectionContext;
  readonly #directory = mkdtempSync(join(tmpdir(), 'slot-'));

  constructor(settings: Partial<ConnectionContext> = {}) {
    const where = { directory: this.#directory, serviceName: 'shop', appId: 'app' };
    this.store = new FileSlotStore(nodeFiles, where);
    this.slot = this.store.acquire();
    // The scripted engine makes no files. A native engine is recognised by its spool's file.
    writeFileSync(this.slot.path('spool.realm'), '');
    this.context = {
      Realm: this.engine.Realm,
      isNative: true,
      openSource: () => this.engine.source,
      schema: [],
      classNames: {},
      encryptionKey: undefined,
      shouldCompact: undefined,
      whenFull: 'dropNewest',
      maxUnsyncedAgeMillis: undefined,
      budget: new DeviceBudget({ maxBytes: 2 ** 30, files: { sizeBytes: () => undefined } }),
      events: this.events,
      ...settings,
    };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Lets a few turns of the event loop pass. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
