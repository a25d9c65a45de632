import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api';
import Realm from '../engine/realm.mjs';
import { startIngestProcess } from '../end-to-end/ingest-process.js';
import { Network } from '../end-to-end/network.js';
import { storedDocuments, closeReader, storedDeadLetters } from '../end-to-end/stored.js';
import { connect } from '../../src/index.js';
import { recordTarget } from '../../src/exporter/record-target.js';

process.on('unhandledRejection', (e) => { console.log('UNHANDLED', e); });
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.INFO);
const store = 'sqlite:/tmp/w/tiny/t.db';
const network = await Network.create();
let server = await startIngestProcess({ appId: 'full', store, options: ['--metrics-port', '19464'] });
network.connectTo(server.url);
const connection = connect({ Realm, appId: 'full', baseUrl: network.url, credentials: Realm.Credentials.anonymous(), serviceName: 'x', directory: '/tmp/w/fulldir' });
const target = connection[recordTarget];
let n = 0;
const write = (count: number) => target.write(Array.from({ length: count }, () => ({ kind: 'span' as const, className: 'Span', notes: [], sizeBytes: 3050, values: { _id: new target.ObjectId(), name: `r${n++}`, statusMessage: Math.random().toString(36).repeat(300).slice(0, 3000) } })));
const metrics = async () => (await (await fetch('http://127.0.0.1:19464/metrics')).text()).split('\n').filter((l) => /^realm_ingest_(held|hold|store_fail|doc|inflight_b|errors_sent.*code="2|dead.*[1-9]$|conn)/.test(l) && !/ 0$/.test(l)).join('\n');
for (let i = 0; i < 10; i++) { console.log(await write(500)); }
await delay(15000);
console.log(connection.status, await metrics());
console.log('healthz', (await fetch(`${server.url}/healthz`)).status);
await delay(12000);
console.log(connection.status.unsynced, await metrics());
await server.kill();
console.log('killed while full; df', execFileSync('df', ['/tmp/w/tiny']).toString());
console.log(server.output().slice(-3000));
try { server = await startIngestProcess({ appId: 'full', store, options: ['--metrics-port', '19464'] }); network.connectTo(server.url); await delay(4000); console.log('restarted on a full disk', (await fetch(`${server.url}/healthz`)).status); } catch (e) { console.log('start on full disk:', String(e)); }
execFileSync('mount', ['-o', 'remount,size=200m', '/tmp/w/tiny']);
console.log('more room');
if (process.argv[2] === 'restart') {}
const ok = await connection.flush(120000);
console.log('flush', ok, connection.status);
console.log(await metrics(), 'healthz', (await fetch(`${server.url}/healthz`)).status);
const docs = await storedDocuments(store, 'Span');
const names = new Set(docs.map((d) => d.name));
console.log('written', n, 'stored', docs.length, 'distinct', names.size, 'dead', (await storedDeadLetters(store)).length);
await closeReader(store);
console.log(server.output().slice(-2500));
await connection.close(); await server.stop(); await network.close();
process.exit(0);
