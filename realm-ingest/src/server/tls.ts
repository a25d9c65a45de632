import { createSecureContext } from 'node:tls';

/** Certificate and key of a server that serves TLS itself, both PEM. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
}

/** Why a certificate and a key cannot be used, in the words of OpenSSL; undefined if they can. */
export function findTlsProblem(tls: TlsOptions): string | undefined {
  try {
    const pem = toPem(tls);
    // Node ignores an empty string.
    if (pem.cert.length === 0 || pem.key.length === 0) return 'empty';
    createSecureContext(pem);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Converts them to the types that Node takes. */
export function toPem({ cert, key }: TlsOptions): { cert: string | Buffer; key: string | Buffer } {
  const toNode = (value: string | Uint8Array): string | Buffer =>
    typeof value === 'string' ? value : Buffer.from(value);
  return { cert: toNode(cert), key: toNode(key) };
}
