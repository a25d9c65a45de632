import { createApiKey } from '../../realm-ingest/src/auth/api-key.js';
import { openStore } from '../../realm-ingest/src/store/open-store.js';

/** A new API key of the user `userName`, as `realm-ingest keys create` makes it, beside a server that may be running. */
export async function addApiKey(storeUrl: string, userName: string): Promise<string> {
  const { key, stored } = createApiKey(userName, new Date());
  const store = await openStore(storeUrl, { mode: 'command' });
  try {
    await store.apiKeys.create(stored);
  } finally {
    await store.close();
  }
  return key;
}
