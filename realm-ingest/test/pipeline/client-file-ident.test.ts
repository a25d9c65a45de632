import assert from 'node:assert/strict';
import { createClientFileIdent, toClientFileSalt } from '../../src/pipeline/client-file-ident.js';

describe('client file idents', () => {
  it('are in [2^32, 2^62), and not twice the same', () => {
    const idents = Array.from({ length: 1000 }, () => createClientFileIdent());
    for (const ident of idents) assert.ok(ident >= 2n ** 32n && ident < 2n ** 62n, String(ident));
    assert.equal(new Set(idents).size, idents.length);
  });
});

describe('salts of client files', () => {
  const key = Uint8Array.from({ length: 32 }, (_, n) => n);

  // Made with: printf 'my-app\0anon-1\0' | cat - ident | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
  it('are frozen', () => {
    assert.equal(toClientFileSalt(key, 'my-app', 'anon-1', 0x0123456789abcdefn), 0x79ee40c974f3b487n);
    assert.equal(toClientFileSalt(key, 'my-app', 'anon-1', 1n << 32n), 0x5899ca22539bab28n);
  });

  it('have the top bit cleared, and are never 0', () => {
    for (let ident = 1n; ident <= 500n; ident += 1n) {
      const salt = toClientFileSalt(key, 'my-app', 'anon-1', ident);
      assert.ok(salt > 0n && salt < 2n ** 63n);
    }
  });

  it('differ by app, user, ident and key', () => {
    const salts = [
      toClientFileSalt(key, 'a', 'b', 1n),
      toClientFileSalt(key, 'a', 'c', 1n),
      toClientFileSalt(key, 'c', 'b', 1n),
      toClientFileSalt(key, 'a', 'b', 2n),
      toClientFileSalt(key.slice().reverse(), 'a', 'b', 1n),
    ];
    assert.equal(new Set(salts).size, salts.length);
  });
});
