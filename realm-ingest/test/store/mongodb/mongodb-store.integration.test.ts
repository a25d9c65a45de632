import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import type { BsonWrapper, DocumentValue } from '../../../src/store/document.js';
import { isMap } from '../../../src/store/document.js';
import type { Driver, LoadDriver } from '../../../src/store/mongodb/driver.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import {
  createTestDatabase,
  keepsEverySubtype,
  describeMongodb,
} from '../../../../test/support/mongodb/test-database.js';
import { keepsStoreContract } from '../store-contract.js';
import type { CreateStorePlace } from '../../support/store-fixture.js';

/** An empty database, opened with one of the drivers. */
function placeWith(loadDriver: LoadDriver): CreateStorePlace {
  return async () => {
    const database = await createTestDatabase();
    const everySubtype = await keepsEverySubtype(database.db);
    return {
      open: ({ maxDeadLetterBytes = 2 ** 30 } = {}) =>
        openMongodbStore({
          ...{ url: database.uri, mode: 'serve', maxDeadLetterBytes, loadDriver },
          ...{ names: resolveCollectionNames({}), retentionSeconds: undefined, indexAttributes: false },
          ...{ logger: undefined, signal: undefined },
        }),
      remove: () => database.remove(),
      holds: (value) => everySubtype || hasUsualBinaries(value),
    };
  };
}

describeMongodb('the MongoDB store, driver 7', () => {
  keepsStoreContract(placeWith(() => import('mongodb')));
});

describeMongodb('the MongoDB store, driver 6', () => {
  keepsStoreContract(placeWith(async () => (await import('mongodb-6')) as unknown as Driver));
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
