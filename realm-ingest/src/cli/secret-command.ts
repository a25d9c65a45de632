import type { Command } from 'commander';
import { SecretError } from '../auth/server-secret.js';
import { addStoreOption, withStore, type StoreOption } from './command-options.js';
import { print } from './terminal.js';

/** `realm-ingest secret`: the secret that a first start made, for a backup. */
export function addSecretCommand(program: Command): void {
  addStoreOption(
    program
      .command('secret')
      .description(
        'print the server secret that is kept in the store: a file with it does for --secret-file',
      ),
  ).action(printSecret);
}

async function printSecret({ store: url }: StoreOption): Promise<void> {
  const { secret } = await withStore(url, 'read', (store) => store.loadSecret());
  if (!secret) {
    throw new SecretError(
      'the store keeps none; the first `serve` without --secret-file and REALM_INGEST_SECRET makes one',
    );
  }
  await print(Buffer.from(secret).toString('utf8'));
}
