import type { NativeRealm } from './realm-types.js';
import { withoutTracing } from '../suppression.js';

/**
 * Makes one transaction, all or nothing: whatever is thrown, none of ours is left open.
 *
 * `Realm.write` rolls back what its callback throws at, but not what the commit throws at (a full disk, a clock that stands
 * before 2015): the Realm then stays in the transaction, which holds its file's write lock, and takes no other.
 *
 * @throws whatever Realm or `work` throws
 */
export function transact(realm: NativeRealm, work: () => void): void {
  withoutTracing(() => {
    const isNested = realm.isInTransaction;
    try {
      realm.write(work);
    } catch (cause) {
      if (!isNested) rollBack(realm);
      throw cause;
    }
  });
}

function rollBack(realm: NativeRealm): void {
  try {
    if (realm.isInTransaction) realm.cancelTransaction();
  } catch {
    // What the transaction threw tells more.
  }
}
