/**
 * Access and refresh tokens: JWTs, signed with HS256.
 *
 * Source: App Services API, section 5 (clients need `exp`, `iat` and a signature part, and never `user_data: null`).
 *
 * @module
 */
import { compactVerify, decodeJwt, errors, SignJWT } from 'jose';

/** How users log in. */
type AuthProvider = 'anon-user' | 'api-key';

/** The user of a token, and the log-in that it belongs to. */
export interface Principal {
  readonly userId: string;
  readonly provider: AuthProvider;
  /** The log-in, by which the refresh token is revoked. Absent if the refresh token could not be verified. */
  readonly loginId?: string;
  /** The id of the key that logged the user in. */
  readonly apiKeyId?: string;
  /** Absent for anonymous users. */
  readonly userName?: string;
}

/** Claims of a token that was not verified. */
export interface UnverifiedClaims {
  readonly userId: string | undefined;
  readonly loginId: string | undefined;
}

/** 2100-01-01. Refresh tokens never expire by time, but clients need a number. */
const refreshTokenExpirySeconds = 4_102_444_800;

/** Names the signing key, so that a later release can have two. */
const keyId = '1';

interface TokensOptions {
  readonly appId: string;
  /** 32 bytes; see `deriveKeys`. */
  readonly signingKey: Uint8Array;
  /** Lifetime of access tokens, seconds. */
  readonly accessTokenSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Creates and verifies the tokens of one app. */
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

  /** The user of an access token; undefined if it is not ours, not an access token of this app, or expired. */
  async verifyAccessToken(token: string): Promise<Principal | undefined> {
    const claims = await this.#verify('access', token);
    if (typeof claims?.exp !== 'number' || claims.exp <= this.#nowSeconds()) return undefined;
    return toPrincipal(claims);
  }

  /** The user of a refresh token; undefined if it is not ours or not a refresh token of this app. */
  async verifyRefreshToken(token: string): Promise<Principal | undefined> {
    const claims = await this.#verify('refresh', token);
    return claims && toPrincipal(claims);
  }

  async #sign(type: 'access' | 'refresh', principal: Principal, expirySeconds: number): Promise<string> {
    const { userId, provider, loginId, apiKeyId, userName } = principal;
    return new SignJWT({
      typ: type,
      provider,
      ...(loginId !== undefined && { sid: loginId }),
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
      // Not jwtVerify: it would check the `exp` of refresh tokens.
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

/** Reads a token without verifying it; undefined if it is not a JWT. */
export function readUnverifiedClaims(token: string): UnverifiedClaims | undefined {
  try {
    const claims: Record<string, unknown> = decodeJwt(token);
    return { userId: textOf(claims.sub), loginId: textOf(claims.sid) };
  } catch {
    return undefined;
  }
}

/** Gives verified claims their types. */
function toPrincipal(claims: Record<string, unknown>): Principal | undefined {
  const userId = textOf(claims.sub);
  const provider = claims.provider;
  if (userId === undefined || (provider !== 'anon-user' && provider !== 'api-key')) return undefined;
  const loginId = textOf(claims.sid);
  const apiKeyId = textOf(claims.key_id);
  const userName = textOf(claims.name);
  return {
    userId,
    provider,
    ...(loginId !== undefined && { loginId }),
    ...(apiKeyId !== undefined && { apiKeyId }),
    ...(userName !== undefined && { userName }),
  };
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined;
}
