import assert from 'node:assert/strict';
import { openApp, respellUrl } from '../../src/realm/app-registry.js';
import type { NativeRealmConstructor } from '../../src/realm/realm-types.js';

describe('respellUrl', () => {
  for (const [url, spelled, meant] of [
    ['http://127.0.0.1:9090', 'http://127.0.0.1:009090', 'http://127.0.0.1:9090'],
    ['https://ingest.example.com', 'https://ingest.example.com:00443', 'https://ingest.example.com'],
    ['http://[::1]:80', 'http://[::1]:0080', 'http://[::1]'],
  ] as const) {
    it(`spells ${url} in another way that means the same`, () => {
      assert.equal(respellUrl(url, 2), spelled);
      assert.equal(new URL(spelled).origin, meant);
    });
  }
});

describe('openApp', () => {
  it("makes one App for each directory; Realm takes none for another one or the app's own", () => {
    const configs: { baseUrl: string; baseFilePath: string }[] = [];
    function App(config: { baseUrl: string; baseFilePath: string }): void {
      configs.push(config);
    }
    const Realm = { App } as never as NativeRealmConstructor;
    const config = { id: 'app', baseUrl: 'http://127.0.0.1:9090' };
    const open = (directory: string) => openApp(Realm, directory, { ...config, baseFilePath: directory });
    const first = open('a');
    const second = open('b');
    assert.equal(open('a'), first);
    assert.notEqual(second, first);
    assert.equal(configs.length, 2);
    assert.equal(new Set([config.baseUrl, ...configs.map(({ baseUrl }) => baseUrl)]).size, 3);
  });
});
