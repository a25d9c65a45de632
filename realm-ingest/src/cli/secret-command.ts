import type { Command } from 'commander';
import { SecretError } from '../auth/server-secret.js';
import { addStoreOption, withStore, type StoreOption } from './command-options.js';
import { print } from './terminal.js';

/** `realm-ingest secret`: prints the secret that the first start made, for a backup. */
export function addSecretCommand(program: Command): void {
  addStoreOption(
    program
      .command('secret')
      .description("print the store's server secret; saved in a file, it can be given to --secret-file"),
  ).action(printSecret);
}

async function printSecret({ store: url }: StoreOption): Promise<void> {
  const { secret } = await withStore(url, 'read', (store) => store.loadSecret());
  if (!secret) {
    throw new SecretError(
      'the store keeps none; the first `serve` without --secret-file or REALM_INGEST_SECRET makes one',
    );
  }
  await print(Buffer.from(secret).toString('utf8'));
}
