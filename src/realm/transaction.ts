import type { NativeRealm } from './realm-types.js';
import { withoutTracing } from '../suppression.js';

/**
 * Makes one transaction, all or nothing. It is never left open, whatever is thrown.
 *
 * `Realm.write` rolls back if its callback throws, but not if the commit throws (full disk, clock before 2015): the Realm
 * stays in the transaction, which keeps the write lock of the file, and no other transaction can begin.
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
    // The transaction's own error tells more.
  }
}
