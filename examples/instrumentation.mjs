/**
 * Loaded before a service (`node --import ./instrumentation.mjs checkout.mjs`): registers the hook that lets
 * instrumentations see ES modules, opens the connection and starts the SDK.
 *
 * Your own app has `import Realm from 'realm'` in place of the first import, and needs no counters and no report.
 */
import Realm, { engineName } from '../test/support/engine/realm.mjs';
import { register } from 'node:module';
import { connect, RealmLogRecordExporter, RealmSpanExporter } from 'opentelemetry-exporter-realm';
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { LogRecordCounter, SpanCounter } from './counters.mjs';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const connection = connect({
  Realm,
  appId: process.env.EXAMPLE_APP_ID,
  baseUrl: process.env.EXAMPLE_BASE_URL,
  credentials: Realm.Credentials.anonymous(),
  directory: process.env.EXAMPLE_DIRECTORY,
});

const batching = { scheduledDelayMillis: 500 };
const spanProcessor = new BatchSpanProcessor(new RealmSpanExporter({ connection }), batching);
const logRecordProcessor = new BatchLogRecordProcessor({
  exporter: new RealmLogRecordExporter({ connection }),
  ...batching,
});
const spans = new SpanCounter();
const logs = new LogRecordCounter();

const sdk = new NodeSDK({
  instrumentations: [
    getNodeAutoInstrumentations({
      // a readable trace: one span for each request and service, none for layers of the framework and sockets
      '@opentelemetry/instrumentation-express': { ignoreLayersType: ['middleware'] },
      '@opentelemetry/instrumentation-router': { enabled: false },
      '@opentelemetry/instrumentation-net': { enabled: false },
    }),
  ],
  spanProcessors: [spanProcessor, spans],
  logRecordProcessors: [logRecordProcessor, logs],
  metricReaders: [],
});
sdk.start();

export { engineName };

/**
 * Ends what `sdk.start()` began. The native engine has everything on disk and would continue at the next start. The
 * WebAssembly engine has not, so this waits until the server has acknowledged everything.
 */
export async function shutDown() {
  await Promise.all([spanProcessor.forceFlush(), logRecordProcessor.forceFlush()]);
  await connection.flush(25_000);
  await sdk.shutdown();
  return { spans: spans.ended, logs: logs.emitted };
}
