/**
 * Loads the native engine if it is installed. Apps that tests make get what those of `connect` have: a `fetch` that has
 * read the body (realm-js does not catch a connection that is cut inside one), and a directory of their own, here the
 * process's, for a native engine finds the users of earlier runs in its directory.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The `Realm` class, or undefined if `realm` is not installed, or its binary could not be fetched. */
export async function loadNative() {
  let Realm;
  try {
    ({ default: Realm } = await import('realm'));
  } catch {
    return undefined;
  }
  const baseFilePath = mkdtempSync(join(tmpdir(), 'realm-'));
  process.once('exit', () => rmSync(baseFilePath, { recursive: true, force: true }));
  Realm.App = class extends Realm.App {
    constructor(configuration) {
      super({ baseFilePath, fetch: fetchWhole, ...configuration });
    }
  };
  return Realm;
}

async function fetchWhole(url, init) {
  const response = await globalThis.fetch(url, init);
  return new globalThis.Response((await response.text()) || null, response);
}
