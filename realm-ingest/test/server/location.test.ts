import assert from 'node:assert/strict';
import {
  isLoopback,
  originOfAddress,
  originOfHost,
  parseOrigin,
  toLocationAnswer,
} from '../../src/server/location.js';

describe('location', () => {
  for (const [origin, hostname, socket] of [
    ['http://localhost:9090', 'http://localhost:9090', 'ws://localhost:9090'],
    ['https://telemetry.example.com', 'https://telemetry.example.com', 'wss://telemetry.example.com'],
    ['https://telemetry.example.com/', 'https://telemetry.example.com', 'wss://telemetry.example.com'],
    ['HTTPS://Telemetry.Example.com:443', 'https://telemetry.example.com', 'wss://telemetry.example.com'],
    ['http://[::1]:9090', 'http://[::1]:9090', 'ws://[::1]:9090'],
  ] as const) {
    it(`${origin} sends clients to ${hostname} and ${socket}`, () => {
      const answer = toLocationAnswer(parseOrigin(origin)!);
      assert.equal(answer.hostname, hostname);
      assert.equal(answer.ws_hostname, socket);
    });
  }

  for (const text of [
    '',
    'telemetry.example.com',
    'ws://example.com',
    'http://example.com/path',
    'http://example.com?x',
    'http://example.com#x',
    'http://user:password@example.com',
    'http://exa mple.com',
    'http://example.com:99999',
    'http://a\\b',
  ]) {
    it(`${JSON.stringify(text)} is not an origin`, () => {
      assert.equal(parseOrigin(text), undefined);
    });
  }

  it('a valid Host header is the origin; an invalid one is ignored', () => {
    assert.equal(originOfHost('http', '192.168.1.5:9090')?.href, 'http://192.168.1.5:9090/');
    assert.equal(originOfHost('https', 'ingest.example.com')?.href, 'https://ingest.example.com/');
    for (const host of [undefined, '', 'a/b', 'a b', 'evil@example.com', 'x?y', 'x#y']) {
      assert.equal(originOfHost('http', host), undefined, String(host));
    }
  });

  it('the origin of a listening address, with IPv6 in brackets', () => {
    assert.equal(originOfAddress('http', '127.0.0.1', 9090).href, 'http://127.0.0.1:9090/');
    assert.equal(originOfAddress('http', '::1', 9090).href, 'http://[::1]:9090/');
  });

  it('loopback can be reached from this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) assert.ok(isLoopback(host), host);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'example.com', '']) {
      assert.equal(isLoopback(host), false, host);
    }
  });
});
