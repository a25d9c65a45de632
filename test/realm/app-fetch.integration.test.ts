import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { isTracingSuppressed } from '@opentelemetry/core';
import sinon from 'sinon';
import { fetchWhole } from '../../src/realm/app-fetch.js';

describe('the fetch of an App', () => {
  let server: Server | undefined;

  afterEach(() => {
    sinon.restore();
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  async function serve(onRequest: RequestListener): Promise<string> {
    server = createServer(onRequest).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('gives status, headers and body of an answer', async () => {
    const url = await serve((request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ method: request.method }));
    });
    const response = await fetchWhole(url, { method: 'POST' });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.equal(await response.text(), '{"method":"POST"}');
  });

  it('rejects if the connection is cut inside the body; text() never does', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"access_token":"');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(fetchWhole(url));
  });

  it('rejects if the body does not arrive in the time of the request', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
    });
    await assert.rejects(fetchWhole(url, { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
  });

  it('is not traced, from the request to the last byte, whatever context is active', async () => {
    const contextManager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(contextManager);
    try {
      const suppressed: boolean[] = [];
      const text = (): Promise<string> => {
        suppressed.push(isTracingSuppressed(context.active()));
        return Promise.resolve('');
      };
      sinon.replace(globalThis, 'fetch', () => {
        suppressed.push(isTracingSuppressed(context.active()));
        return Promise.resolve(Object.assign(new Response(), { text }));
      });
      const active = ROOT_CONTEXT.setValue(createContextKey('app'), true);
      await context.with(active, () => fetchWhole('http://127.0.0.1'));
      assert.deepEqual(suppressed, [true, true]);
    } finally {
      context.disable();
    }
  });
});
