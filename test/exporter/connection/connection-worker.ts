/**
 * A process with a connection of its own, for tests: `connection-worker.ts <url> <app id> <directory> <name> <count>`
 * writes so many spans, says `{ stored }`, and waits. Told `flush`, it says `{ flushed, acknowledged }`.
 */
import Realm from '../../engine/realm.mjs';
import { connect } from '../../../src/exporter/connection/connect.js';
import { recordTarget } from '../../../src/exporter/record-target.js';

const [baseUrl = '', appId = '', directory = '', name = '', count = '0'] = process.argv.slice(2);
const connection = connect({
  Realm,
  appId,
  baseUrl,
  credentials: Realm.Credentials.anonymous(),
  serviceName: 'workers',
  directory,
});
const target = connection[recordTarget];
const outcome = await target.write(
  Array.from({ length: Number(count) }, (_, index) => ({
    kind: 'span',
    className: 'Span',
    values: { _id: new target.ObjectId(), name: `${name}-${index}` },
    notes: [],
    sizeBytes: 50,
  })),
);
process.on('message', () => {
  void connection.flush(20_000).then((flushed) => {
    process.send?.({ flushed, acknowledged: connection.status.acknowledged });
  });
});
process.send?.({ stored: outcome.stored });
