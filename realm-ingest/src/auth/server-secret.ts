/**
 * The server's secret: where it comes from, and whether it is the secret of the store's last start.
 *
 * Source: design, rule of delivery 9.
 *
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { IngestError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Store } from '../store/store.js';

const minSecretBytes = 32;

/** The server's secret cannot be used: it is too short, or cannot be read. */
export class SecretError extends IngestError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('secret-unusable', particulars, options);
  }
}

/**
 * The secret to serve with: the given one, or else the store's, which the first start creates.
 *
 * @param given - at least 32 bytes, from the option, the file or the environment
 * @throws SecretError if it is too short
 */
export async function resolveServerSecret(
  store: Pick<Store, 'loadSecret' | 'keepSecret' | 'keepFingerprint'>,
  given: Uint8Array | undefined,
  logger: Logger,
): Promise<Uint8Array> {
  if (given && given.length < minSecretBytes) {
    throw new SecretError(
      `the secret from --secret-file or REALM_INGEST_SECRET has ${given.length} bytes; it needs at least ${minSecretBytes}. To create one: openssl rand -hex 32`,
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
      'the server secret is not the secret of the last start with this store: tokens of devices cannot be verified, and devices that are not anonymous are held back until they log in again; start with the old secret if you have it',
    );
    await store.keepFingerprint(fingerprint);
  }
  return secret;
}

/** The secret is text, so that people can print it, back it up, and pass it in a file or in the environment. */
async function makeSecret(store: Pick<Store, 'keepSecret'>, logger: Logger): Promise<Uint8Array> {
  const candidate = new TextEncoder().encode(randomBytes(32).toString('hex'));
  const kept = await store.keepSecret(candidate);
  if (isEqual(kept, candidate)) {
    logger.warn(
      {},
      'a server secret was made, and is kept in the store: back it up (`realm-ingest secret`). If the store is lost without a backup, all devices must log in again',
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
