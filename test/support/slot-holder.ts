/**
 * A process that takes slots, for tests: over IPC it says `ready`, is given work, and says what came of it.
 *
 * - `{ acquire: directories }` → `{ won: indexes }`: tries each directory's lock once, in order
 * - `{ store: { directory, serviceName, appId }, unsent? }` → `{ slot: directory }`: takes the lowest free slot
 */
import { nodeFiles } from '../../src/platform/node/files.js';
import { HeartbeatWatch, SlotLock } from '../../src/disk/slot-lock.js';
import { FileSlotStore } from '../../src/disk/slot.js';

interface Work {
  acquire?: string[];
  store?: { directory: string; serviceName: string; appId: string };
  unsent?: number;
}

process.on('message', ({ acquire, store, unsent }: Work) => {
  if (acquire !== undefined) {
    const watch = new HeartbeatWatch(nodeFiles);
    const won: number[] = [];
    acquire.forEach((directory, index) => {
      if (SlotLock.acquire(nodeFiles, directory, watch) !== undefined) won.push(index);
    });
    process.send?.({ won });
  }
  if (store !== undefined) {
    const slot = new FileSlotStore(nodeFiles, store).acquire();
    if (unsent !== undefined) slot.markUnsent(unsent);
    process.send?.({ slot: slot.directory });
  }
});
process.send?.('ready');
