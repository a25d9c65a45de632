/**
 * An app that connects before it starts its SDK, with everything instrumented that a connection of ours could go
 * through; `own-traffic.test.ts` runs it. Its settings come from the environment: the command line is in the resource.
 *
 * @module
 */
import { once } from 'node:events';
import type * as http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { connect, RealmSpanExporter } from '../../src/index.js';
import Realm from './engine/realm.mjs';
import { eventually } from './eventually.js';

const { BASE_URL: baseUrl = '', APP_ID: appId = '', DIRECTORY: directory = '' } = process.env;

const connection = connect({
  Realm,
  appId,
  baseUrl,
  credentials: Realm.Credentials.anonymous(),
  serviceName: 'instrumented',
  directory,
});
// The session is made before there is a context manager: nothing of it carries a context.
await eventually(
  'a session',
  () => connection.status.state,
  (state) => state === 'connected',
);

const sdk = new NodeSDK({
  serviceName: 'instrumented',
  instrumentations: [
    getNodeAutoInstrumentations({ '@opentelemetry/instrumentation-fs': { enabled: false } }),
  ],
  traceExporter: new RealmSpanExporter({ connection }),
  logRecordProcessors: [],
  metricReaders: [],
});
sdk.start();

// Node's own modules are patched as they are required, once the SDK has started.
const require = createRequire(import.meta.url);
const { createServer, get } = require('node:http') as typeof http;
require('node:net');

const service = createServer((_request, response) => {
  response.end('well');
});
service.listen(0, '127.0.0.1');
await once(service, 'listening');
const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;

await record('before the cut');
await message('cut');
await record('while cut');
await delay(1000); // a few attempts to dial
console.log('recorded while cut'); // eslint-disable-line no-console -- the test waits for it
await message('restored');
await record('after the cut');
await connection.flush(30_000); // the session may not be back yet, and only a connected one is waited for at shutdown
await sdk.shutdown();
process.exit();

/** One span, with a request by http and one by undici inside; exported at once. */
async function record(name: string): Promise<void> {
  await trace.getTracer('app').startActiveSpan(name, async (span) => {
    const response = await fetch(url);
    await response.text();
    const [message] = (await once(get(url), 'response')) as [NodeJS.ReadableStream];
    await once(message.resume(), 'end');
    span.end();
  });
  await delay(50); // the server's spans end after the client's
  const provider = trace.getTracerProvider() as { getDelegate?: () => { forceFlush(): Promise<void> } };
  await provider.getDelegate?.().forceFlush();
}

function message(expected: string): Promise<unknown> {
  return new Promise((resolve) => {
    process.on('message', (received) => {
      if (received === expected) resolve(received);
    });
  });
}
