/**
 * Access and refresh tokens: JWTs, signed with HS256.
 *
 * Source: App Services API, section 5 (clients want `exp`, `iat`, a signature part, and never `user_data: null`).
 *
 * @module
 */
import { compactVerify, decodeJwt, errors, SignJWT } from 'jose';

/** How users log in. */
export type AuthProvider = 'anon-user' | 'api-key';

/** Who a token speaks of. */
export interface Principal {
  readonly userId: string;
  readonly provider: AuthProvider;
  /** The log-in that began it; its refresh token is revoked by it. Absent where nobody could verify it. */
  readonly sessionId?: string;
  /** Of the key that logged the user in. */
  readonly apiKeyId?: string;
  /** Absent for anonymous users. */
  readonly userName?: string;
}

/** What a token says of itself, whoever made it. */
export interface UnverifiedClaims {
  readonly userId: string | undefined;
  readonly sessionId: string | undefined;
}

/** Refresh tokens never expire by time; clients want a number all the same. 2100-01-01. */
const refreshTokenExpirySeconds = 4_102_444_800;

/** Names the key that signed, for the day on which there are two. */
const keyId = '1';

export interface TokensOptions {
  readonly appId: string;
  /** 32 bytes; see `deriveKeys`. */
  readonly signingKey: Uint8Array;
  /** Life of access tokens, seconds. */
  readonly accessTokenSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Makes and checks the tokens of one app. */
export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  createAccessToken(principal: Principal): Promise<string> {
    return this.#sign('access', principal, this.#nowSeconds() + this.#options.accessTokenSeconds);
  }

  createRefreshToken(principal: Principal): Promise<string> {
    return this.#sign('refresh', principal, refreshTokenExpirySeconds);
  }

  /** Whom an access token speaks of; undefined if it is not ours, no access token of this app, or expired. */
  async verifyAccessToken(token: string): Promise<Principal | undefined> {
    const claims = await this.#verify('access', token);
    if (typeof claims?.exp !== 'number' || claims.exp <= this.#nowSeconds()) return undefined;
    return toPrincipal(claims);
  }

  /** Whom a refresh token speaks of; undefined if it is not ours or no refresh token of this app. */
  async verifyRefreshToken(token: string): Promise<Principal | undefined> {
    const claims = await this.#verify('refresh', token);
    return claims && toPrincipal(claims);
  }

  async #sign(type: 'access' | 'refresh', principal: Principal, expirySeconds: number): Promise<string> {
    const { userId, provider, sessionId, apiKeyId, userName } = principal;
    return new SignJWT({
      typ: type,
      provider,
      ...(sessionId !== undefined && { sid: sessionId }),
      ...(apiKeyId !== undefined && { key_id: apiKeyId }),
      ...(userName !== undefined && { name: userName }),
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: keyId })
      .setSubject(userId)
      .setAudience(this.#options.appId)
      .setIssuedAt(this.#nowSeconds())
      .setExpirationTime(expirySeconds)
      .sign(this.#options.signingKey);
  }

  async #verify(type: 'access' | 'refresh', token: string): Promise<Record<string, unknown> | undefined> {
    try {
      // Not jwtVerify, which would hold refresh tokens to their `exp`.
      await compactVerify(token, this.#options.signingKey, { algorithms: ['HS256'] });
      const claims = decodeJwt(token);
      return claims.typ === type && claims.aud === this.#options.appId ? claims : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.now() / 1000);
  }
}

/** Reads a token without believing it; undefined if it is no JWT. */
export function readUnverifiedClaims(token: string): UnverifiedClaims | undefined {
  try {
    const claims: Record<string, unknown> = decodeJwt(token);
    return { userId: textOf(claims.sub), sessionId: textOf(claims.sid) };
  } catch {
    return undefined;
  }
}

/** Our signature vouches for the claims; this only gives them their types. */
function toPrincipal(claims: Record<string, unknown>): Principal | undefined {
  const userId = textOf(claims.sub);
  const provider = claims.provider;
  if (userId === undefined || (provider !== 'anon-user' && provider !== 'api-key')) return undefined;
  const sessionId = textOf(claims.sid);
  const apiKeyId = textOf(claims.key_id);
  const userName = textOf(claims.name);
  return {
    userId,
    provider,
    ...(sessionId !== undefined && { sessionId }),
    ...(apiKeyId !== undefined && { apiKeyId }),
    ...(userName !== undefined && { userName }),
  };
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined;
}
