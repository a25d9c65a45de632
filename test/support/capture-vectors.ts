/**
 * Captures what real clients send, as vectors: `node --import tsx test/support/capture-vectors.ts`. Ids, times and
 * with them the bytes differ from run to run; the expected values are what our parser read; look through them before
 * it is committed. That it is what the clients meant, the other tests of this folder show.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { assembleObjects } from '../../realm-ingest/test/support/assemble-objects.js';
import { parseChangeset } from '../../realm-ingest/src/changeset/parse-changeset.js';
import { parseClientMessage } from '../../realm-ingest/src/protocol/client-message.js';
import type { ProtocolVersion } from '../../realm-ingest/src/protocol/messages.js';
import { readUploadBody } from '../../realm-ingest/src/protocol/upload-body.js';
import { BSON } from './engine/realm.mjs';
import { toNotation } from './server/vectors.js';
import { openDevice } from './device.js';
import { everyTypeSamples, everyTypeSchema } from './every-type.js';
import { startIngest } from './ingest.js';
import { kotlinMissing, kotlinVersions, startKotlinClient } from './kotlin-client.js';
import { Network } from './network.js';
import { createScratch } from './scratch.js';
import { toWebSocketMessages } from './web-socket-messages.js';

interface Capture {
  /** Beginning of the vectors' file names. */
  readonly name: string;
  readonly source: string;
  readonly version: ProtocolVersion;
  /** Runs the client until the server has acknowledged all its objects. */
  readonly run: (baseUrl: string) => Promise<void>;
}

const appId = 'capture';
const limits = { maxMessageBytes: 1024 * 1024 };

await capture({
  name: 'captured-realm-js',
  source: 'captured from realm-js 12.0.0-browser.2 (realm-core 13.13.0)',
  version: 9,
  async run(baseUrl) {
    const device = await openDevice({ baseUrl, appId, schema: everyTypeSchema });
    // The third sample is a hundred kilobytes of nothing.
    for (const { values } of everyTypeSamples(BSON).slice(0, 2)) device.write('EveryType', values);
    await device.uploaded();
  },
});

for (const version of kotlinMissing === undefined ? kotlinVersions : []) {
  await capture({
    name: `captured-realm-kotlin-${version.realm}`,
    source: `captured from Realm Kotlin ${version.realm} (native realm-core)`,
    version: version.protocol,
    async run(baseUrl) {
      const client = startKotlinClient({
        version,
        baseUrl,
        appId,
        count: 4,
        environment: { CLIENT_BATCH: '2' },
      });
      if ((await client.exit) !== 0) throw new Error(client.errors());
    },
  });
}
process.exit();

async function capture({ name, source, version, run }: Capture): Promise<void> {
  const scratch = await createScratch();
  const network = await Network.create();
  const server = await startIngest({ appId, store: scratch.store, classes: ['EveryType', 'Measurement'] });
  network.connectTo(server.url);
  await run(network.url);
  network.cut();
  await server.close();
  await scratch.remove();

  const messages = network.recordings.flatMap(
    (recording) => toWebSocketMessages(recording)?.fromClient ?? [],
  );
  const clientMessages: object[] = [];
  const changesets: object[] = [];
  for (const bytes of messages) {
    const message = parseClientMessage(bytes, version, limits);
    const uploaded = message.type === 'upload' ? await readUploadBody(message) : [];
    clientMessages.push({
      description: `${message.type.toUpperCase()}, message ${clientMessages.length + 1} of the connection`,
      source,
      version,
      hex: bytes.toString('hex'),
      expected: toNotation(message.type === 'upload' ? { ...message, changesets: uploaded } : message),
    });
    for (const changeset of uploaded) {
      const instructions = [...parseChangeset(changeset.bytes)];
      const objects = assembleObjects(instructions);
      changesets.push({
        description: `changeset of client version ${changeset.clientVersion}: ${objects.length} objects`,
        source,
        hex: Buffer.from(changeset.bytes).toString('hex'),
        expected: toNotation({ instructions, objects }),
      });
    }
  }
  await write(`${name}.client-messages.json`, clientMessages);
  await write(`${name}.changesets.json`, changesets);
}

async function write(file: string, vectors: object[]): Promise<void> {
  const path = fileURLToPath(new URL(`../../realm-ingest/test/vectors/${file}`, import.meta.url));
  await writeFile(path, `${JSON.stringify(vectors, undefined, 1)}\n`);
}
