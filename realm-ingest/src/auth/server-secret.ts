/**
 * The server's secret: where it comes from, and whether it is the one that the store was served with before.
 *
 * Source: design, rule of delivery 9.
 *
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { IngestError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Store } from '../store/store.js';

/** Shortest secret that is taken. */
export const minSecretBytes = 32;

/** The server's secret cannot be used: too short, or not to be read. */
export class SecretError extends IngestError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('secret-unusable', particulars, options);
  }
}

/**
 * The secret to serve with: the one given, else the store's, which is made at first start.
 *
 * @param given - at least 32 bytes, from the option, the file or the environment
 * @throws SecretError where it is too short
 */
export async function resolveServerSecret(
  store: Pick<Store, 'loadSecret' | 'keepSecret' | 'keepFingerprint'>,
  given: Uint8Array | undefined,
  logger: Logger,
): Promise<Uint8Array> {
  if (given && given.length < minSecretBytes) {
    throw new SecretError(
      `the one given (--secret-file, REALM_INGEST_SECRET) has ${given.length} bytes; at least ${minSecretBytes} are needed, as \`openssl rand -hex 32\` makes them`,
    );
  }
  const stored = await store.loadSecret();
  const secret = given ?? stored.secret ?? (await makeSecret(store, logger));
  const fingerprint = toFingerprint(secret);
  if (stored.fingerprint === undefined) {
    await store.keepFingerprint(fingerprint);
  } else if (!isEqual(stored.fingerprint, fingerprint)) {
    logger.error(
      {},
      'the server secret is not the one that this store was served with before: tokens of devices can no longer be verified, and those that are not anonymous are held back until they log in anew; start with the old secret if you have it',
    );
    await store.keepFingerprint(fingerprint);
  }
  return secret;
}

/** Text, so that it can be printed, backed up and handed in through a file or the environment as it is. */
async function makeSecret(store: Pick<Store, 'keepSecret'>, logger: Logger): Promise<Uint8Array> {
  const candidate = new TextEncoder().encode(randomBytes(32).toString('hex'));
  const kept = await store.keepSecret(candidate);
  if (isEqual(kept, candidate)) {
    logger.warn(
      {},
      'a server secret was made, and is kept in the store: back it up (`realm-ingest secret`), for without it the devices have to log in anew should the store be lost',
    );
  }
  return kept;
}

function toFingerprint(secret: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
