import { InvalidArgumentError, type Command } from 'commander';
import { createApiKey } from '../auth/api-key.js';
import { CommandError } from './command-error.js';
import { addStoreOption, withStore, type StoreOption } from './command-options.js';
import { note, print, toTable } from './terminal.js';

/** `realm-ingest keys`: creates, lists and revokes API keys. */
export function addKeysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .description('create, list or revoke the API keys with which devices log in');
  addStoreOption(
    keys
      .command('create')
      .description('create a key and print it; the store keeps only its hash')
      .requiredOption(
        '--user <name>',
        'the user that the key logs in; several keys may share a user',
        parseUserName,
      ),
  ).action(createKey);
  addStoreOption(keys.command('list').description('print the keys, without their secret part')).action(
    listKeys,
  );
  addStoreOption(
    keys
      .command('revoke')
      .description('revoke a key; devices that use it are logged out within minutes')
      .argument('<id>', 'id from `keys list`'),
  ).action(revokeKey);
}

async function createKey({ store: url, user }: StoreOption & { readonly user: string }): Promise<void> {
  const { key, stored } = createApiKey(user, new Date());
  await withStore(url, 'command', (store) => store.apiKeys.create(stored));
  await print(key);
  note(`key ${stored.id} of ${JSON.stringify(user)}: keep it; it is not shown again`);
}

async function listKeys({ store: url }: StoreOption): Promise<void> {
  const keys = await withStore(url, 'read', (store) => store.apiKeys.list());
  const rows = keys.map(({ id, userName, createdAt, revokedAt }) => [
    id,
    createdAt.toISOString(),
    revokedAt ? `revoked ${revokedAt.toISOString()}` : 'valid',
    userName,
  ]);
  for (const line of toTable([['ID', 'CREATED', 'STATE', 'USER'], ...rows])) await print(line);
}

async function revokeKey(id: string, { store: url }: StoreOption): Promise<void> {
  await withStore(url, 'command', async ({ apiKeys }) => {
    if (await apiKeys.revoke(id, new Date())) return print(`revoked ${id}`);
    const key = await apiKeys.findById(id);
    if (!key) {
      throw new CommandError('api-key-not-found', `${JSON.stringify(id)}; see \`realm-ingest keys list\``);
    }
    return print(`${id} was revoked ${key.revokedAt?.toISOString() ?? 'before'}`);
  });
}

function parseUserName(text: string): string {
  if (!/^[^\p{Cc}]{1,200}$/u.test(text)) {
    throw new InvalidArgumentError('It must have 1 to 200 characters and no control character.');
  }
  return text;
}
