import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../src/store/open-store.js';
import { keepsStoreContract } from '../store-contract.js';

describe('the SQLite store', () => {
  keepsStoreContract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sqlite-store-'));
    const url = `sqlite:${join(directory, 'telemetry.db')}`;
    return {
      open: (options) => openStore(url, { mode: 'serve', ...options }),
      remove: () => rm(directory, { recursive: true }),
    };
  });
});
