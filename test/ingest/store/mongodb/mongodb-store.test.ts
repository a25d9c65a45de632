import type { BsonWrapper, DocumentValue } from '../../../../src/ingest/store/document.js';
import { isMap } from '../../../../src/ingest/store/document.js';
import { openStore } from '../../../../src/ingest/store/open-store.js';
import { createTestDatabase, keepsEverySubtype, requireMongodb } from '../../../mongodb/test-database.js';
import { keepsStoreContract } from '../store-contract.js';

describe('the MongoDB store', () => {
  before(function () {
    requireMongodb(this);
  });
  keepsStoreContract(async () => {
    const database = await createTestDatabase();
    const everySubtype = await keepsEverySubtype(database.db);
    return {
      open: (options) => openStore(database.uri, { mode: 'serve', ...options }),
      remove: () => database.remove(),
      holds: (value) => everySubtype || hasUsualBinaries(value),
    };
  });
});

/** Whether all binaries in a value are plain ones and UUIDs: what Realm sends. */
function hasUsualBinaries(value: DocumentValue): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return true;
  if (Array.isArray(value)) return value.every(hasUsualBinaries);
  if (isMap(value)) return Object.values(value).every(hasUsualBinaries);
  const wrapper = value as BsonWrapper;
  if (wrapper._bsontype !== 'Binary') return true;
  return wrapper.sub_type === 0 || (wrapper.sub_type === 4 && wrapper.length() === 16);
}
