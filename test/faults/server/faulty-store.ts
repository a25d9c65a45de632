import { setTimeout as delay } from 'node:timers/promises';
import { ObjectId } from 'bson';
import { StoreError } from '../../../realm-ingest/src/store/store-error.js';
import type {
  CommitRequest,
  CommitResult,
  PlacedDocument,
  Store,
} from '../../../realm-ingest/src/store/store.js';
import type { StoreAction, StoreFault } from '../scenario.js';
import type { StoreLie } from './messages.js';

/**
 * A store whose calls fail, stall, or are done and lose their answer, as its faults say; one after the other.
 *
 * @param onStrike - called for each fault that strikes
 */
export function withFaults(store: Store, faults: readonly StoreFault[], onStrike: () => void): Store {
  const left = [...faults];
  let calls = 0;
  let failures = 0;

  async function call<T>(name: StoreFault['call'], perform: () => Promise<T>): Promise<T> {
    if (failures > 0) {
      failures -= 1;
      throw unavailable('it is still down');
    }
    if (left[0]?.call !== name) return perform();
    calls += 1;
    if (calls < left[0].nth) return perform();
    const { action } = left.shift()!;
    calls = 0;
    onStrike();
    if (action.type === 'fail') failures = action.times - 1;
    return act(action, perform);
  }

  return replaceMethods(store, {
    commit: (request: CommitRequest) => call('commit', () => store.commit(request)),
    findClientFile: (ident: bigint) => call('findClientFile', () => store.findClientFile(ident)),
  });
}

/** A store whose first commit of documents, or each of them, is not what it says: the harness has to find it out. */
export function withLie(store: Store, lie: StoreLie): Store {
  let hasLied = false;
  return replaceMethods(store, {
    async commit(request: CommitRequest): Promise<CommitResult> {
      if (hasLied || request.changesets.every(({ documents }) => documents.length === 0)) {
        return store.commit(request);
      }
      hasLied = lie !== 'forgets-all';
      if (lie === 'forgets' || lie === 'forgets-all') return { stored: 0, duplicates: 0, deadLetters: [] };
      return store.commit({
        ...request,
        changesets: request.changesets.map((changeset) => ({
          ...changeset,
          documents: changeset.documents.flatMap((placed) => falsify(placed, lie)),
        })),
      });
    },
  });
}

function falsify(placed: PlacedDocument, lie: 'doubles' | 'alters'): PlacedDocument[] {
  if (lie === 'alters') return [{ ...placed, document: { ...placed.document, altered: true } }];
  return [placed, { ...placed, document: { ...placed.document, _id: new ObjectId() } }];
}

async function act<T>(action: StoreAction, perform: () => Promise<T>): Promise<T> {
  switch (action.type) {
    case 'fail':
      throw unavailable('it is down');
    case 'stall':
      await delay(action.millis);
      return perform();
    case 'lose-answer':
      await perform();
      throw unavailable('its answer was lost');
  }
}

function unavailable(particulars: string): StoreError {
  return new StoreError('store-unavailable', particulars, { retryable: true });
}

/** The same store with these methods replaced; all others are untouched. */
function replaceMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name): unknown {
      const replaced: unknown = Reflect.get(methods, name);
      const value: unknown = replaced ?? Reflect.get(target, name, target);
      return typeof value === 'function' && replaced === undefined ? value.bind(target) : value;
    },
  });
}
