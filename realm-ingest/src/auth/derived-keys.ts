import { hkdfSync } from 'node:crypto';

/** What the server's secret is good for. Each key has a label of its own, so that none says anything of another. */
export interface DerivedKeys {
  /** Salts of client files; design, rule of delivery 8. 32 bytes. */
  readonly saltKey: Uint8Array;
  /** HS256 key of access and refresh tokens. 32 bytes. */
  readonly signingKey: Uint8Array;
}

const keyBytes = 32;

/**
 * Derives the server's keys from its secret: HKDF-SHA-256 without salt. Frozen by a vector: another derivation would
 * make every token and every salt that is out there a stranger's.
 */
export function deriveKeys(secret: Uint8Array): DerivedKeys {
  const derive = (label: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `realm-ingest/${label}`, keyBytes));
  return { saltKey: derive('client-file-salt/1'), signingKey: derive('token-signing/1') };
}
