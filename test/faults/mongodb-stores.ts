import { MongoClient } from 'mongodb';
import { formatSeed } from './random.js';

/** Gives each run its own database on a MongoDB server. */
export function mongodbStores(uri: string): (seed: number) => { url: string; remove(): Promise<void> } {
  const own = `${process.pid}`;
  return (seed) => {
    const url = withDatabase(uri, `realm_ingest_faults_${own}_${formatSeed(seed)}`);
    return {
      url,
      async remove() {
        const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 15_000 });
        // That of `npm run mongodb` cannot drop one from which it has dropped an index; its names are not used again.
        await client
          .db()
          .dropDatabase()
          .catch(() => undefined);
        await client.close();
      },
    };
  };
}

function withDatabase(uri: string, name: string): string {
  const [, start = '', options = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/iu.exec(uri) ?? [];
  return `${start}/${name}${options}`;
}
