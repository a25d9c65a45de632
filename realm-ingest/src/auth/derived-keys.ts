import { hkdfSync } from 'node:crypto';

/** Keys that derive from the server's secret, each with its own label, so that none reveals another. */
interface DerivedKeys {
  /** Salts of client files; design, rule of delivery 8. 32 bytes. */
  readonly saltKey: Uint8Array;
  /** HS256 key of access and refresh tokens. 32 bytes. */
  readonly signingKey: Uint8Array;
}

const keyBytes = 32;

/**
 * Derives the server's keys from its secret: HKDF-SHA-256 without salt. Frozen by a vector: another derivation would
 * invalidate all tokens and salts that devices hold.
 */
export function deriveKeys(secret: Uint8Array): DerivedKeys {
  const derive = (label: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `realm-ingest/${label}`, keyBytes));
  return { saltKey: derive('client-file-salt/1'), signingKey: derive('token-signing/1') };
}
