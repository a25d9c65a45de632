/**
 * The App Services client API for users: log-in, profile, refresh, log-out, removal. Requests and answers are values
 * here; the server maps them to HTTP.
 *
 * Source: App Services API, sections 3 and 4; design, rule of delivery 9.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import type { ApiKeys, Revocations } from '../store/store.js';
import { isApiKeyText, toApiKeyHash } from './api-key.js';
import { AuthError } from './auth-error.js';
import { readUnverifiedClaims, Tokens, type Principal, type UnverifiedClaims } from './tokens.js';
import { createAnonymousUserId, isAnonymousUserId, toNamedUserId } from './user-id.js';

/** Default lifetime of an access token, seconds. */
export const defaultAccessTokenSeconds = 30 * 60;

const hourMillis = 3_600_000;

export interface AuthenticatorOptions {
  readonly appId: string;
  /** 32 bytes; see `deriveKeys`. */
  readonly signingKey: Uint8Array;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  readonly allowAnonymous: boolean;
  /** Seconds. */
  readonly accessTokenSeconds: number;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Answer to a log-in; section 3.1. Clients require all four fields. */
interface LoginAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
  readonly device_id: string;
}

/** Answer to a profile request; section 4.1. */
interface ProfileAnswer {
  readonly user_id: string;
  readonly domain_id: string;
  readonly identities: readonly { id: string; provider_type: string; provider_id: string }[];
  readonly data: Readonly<Record<string, string>>;
  readonly type: 'normal';
}

/** Answer to a refresh; section 4.2. */
interface RefreshAnswer {
  readonly access_token: string;
}

/** Counts since the authenticator was created. */
export interface AuthenticatorCounters {
  readonly logins: number;
  readonly refusedLogins: number;
  /** Refresh tokens with a signature that is not ours, accepted or not. */
  readonly unverifiedRefreshes: number;
}

/** Stands for "no id": clients require some ids and do not use them. */
const noId = '0'.repeat(24);

/**
 * Users of one app. Every method rejects with an {@link AuthError}, or with the store's error if the store cannot be
 * used. The caller must answer that one with a 5xx: a device that gets a 401 drops its user.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens: Tokens;
  readonly #now: () => number;
  readonly #unverifiedLines: LogThrottle;
  #logins = 0;
  #refusedLogins = 0;
  #unverifiedRefreshes = 0;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#tokens = new Tokens({ ...options, now: this.#now });
    this.#unverifiedLines = new LogThrottle(hourMillis, 1000, this.#now);
  }

  get counters(): AuthenticatorCounters {
    return {
      logins: this.#logins,
      refusedLogins: this.#refusedLogins,
      unverifiedRefreshes: this.#unverifiedRefreshes,
    };
  }

  /**
   * Logs a user in.
   *
   * @param provider - from the route: `anon-user`, `api-key`
   * @param body - the request's body, any JSON value
   */
  async login(provider: string, body: unknown): Promise<LoginAnswer> {
    try {
      const principal = await this.#principalOf(provider, body);
      const [accessToken, refreshToken] = await Promise.all([
        this.#tokens.createAccessToken(principal),
        this.#tokens.createRefreshToken(principal),
      ]);
      this.#logins += 1;
      this.#options.logger.debug({ provider, userId: principal.userId }, 'a user logged in');
      return {
        access_token: accessToken,
        refresh_token: refreshToken,
        user_id: principal.userId,
        device_id: noId,
      };
    } catch (error) {
      if (error instanceof AuthError) this.#refusedLogins += 1;
      throw error;
    }
  }

  /** The user's profile, as its app sees it. */
  async profile(accessToken: string): Promise<ProfileAnswer> {
    const { userId, provider, userName } = await this.authenticate(accessToken);
    return {
      user_id: userId,
      domain_id: noId,
      identities: [{ id: userId, provider_type: provider, provider_id: noId }],
      data: userName === undefined ? {} : { name: userName },
      type: 'normal',
    };
  }

  /**
   * A new access token for a refresh token. Only revoked tokens are answered with 401: a client that gets it drops its
   * user, and with an anonymous user the unsent records.
   */
  async refresh(refreshToken: string): Promise<RefreshAnswer> {
    const principal = await this.#tokens.verifyRefreshToken(refreshToken);
    if (principal) {
      if (await this.isRevoked(principal)) throw revoked();
      return { access_token: await this.#tokens.createAccessToken(principal) };
    }
    const claims = readUnverifiedClaims(refreshToken);
    if (!claims) throw new AuthError(400, 'BadRequest', 'the refresh token is not a JSON Web Token');
    return this.#refreshUnverified(claims);
  }

  /** Revokes the log-in of a refresh token. */
  async logOut(refreshToken: string): Promise<void> {
    const principal = await this.#tokens.verifyRefreshToken(refreshToken);
    if (!principal) throw invalidToken();
    await this.#revokeLogin(principal);
  }

  /**
   * Removes the user of an access token. A named user belongs to the operator, and other devices may share it: then only
   * this log-in ends.
   */
  async deleteUser(accessToken: string): Promise<void> {
    const principal = await this.authenticate(accessToken);
    // A client may have forged a refresh token with another user's id: it must not revoke that user.
    if (principal.loginId === undefined) {
      throw new AuthError(
        403,
        'AuthError',
        'this log-in cannot be verified; log in again to remove the user',
      );
    }
    if (principal.provider === 'anon-user') {
      await this.#options.revocations.add(userSubject(principal.userId), new Date(this.#now()));
    }
    await this.#revokeLogin(principal);
  }

  /** The user of an access token. Rejects with 401 unless the token is valid now. */
  async authenticate(accessToken: string): Promise<Principal> {
    const principal = await this.#tokens.verifyAccessToken(accessToken);
    if (!principal) throw invalidToken();
    if (await this.isRevoked(principal)) throw revoked();
    return principal;
  }

  /** Whether the user, the log-in or the API key behind it was revoked. */
  async isRevoked(principal: Principal): Promise<boolean> {
    const { userId, loginId, apiKeyId } = principal;
    if (await this.#options.revocations.has(subjectsOf(userId, loginId))) return true;
    if (apiKeyId === undefined) return false;
    // An unknown key was lost with an older store: our signature proves that it was valid.
    const key = await this.#options.apiKeys.findById(apiKeyId);
    return key?.revokedAt !== undefined;
  }

  async #principalOf(provider: string, body: unknown): Promise<Principal> {
    const loginId = randomBytes(12).toString('hex');
    switch (provider) {
      case 'anon-user':
        if (!this.#options.allowAnonymous) throw notEnabled('anonymous log-in');
        return { userId: createAnonymousUserId(), provider, loginId };
      case 'api-key': {
        const key = await this.#findApiKey(body);
        return {
          userId: toNamedUserId(this.#options.appId, key.userName),
          userName: key.userName,
          provider,
          loginId,
          apiKeyId: key.id,
        };
      }
      case 'custom-token':
        throw notEnabled('log-in with a custom JWT');
      default:
        throw new AuthError(404, 'AuthProviderNotFound', 'this server has no such authentication provider');
    }
  }

  async #findApiKey(body: unknown): Promise<{ id: string; userName: string }> {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new AuthError(400, 'BadRequest', 'the body of a log-in must be a JSON object');
    }
    const text = 'key' in body ? body.key : undefined;
    if (text === undefined) throw new AuthError(400, 'MissingParameter', 'a log-in by API key needs "key"');
    if (typeof text !== 'string') throw new AuthError(400, 'InvalidParameter', '"key" must be a string');
    const key = isApiKeyText(text) ? await this.#options.apiKeys.findByHash(toApiKeyHash(text)) : undefined;
    // The same answer for unknown and revoked keys: it does not reveal which keys exist.
    if (!key || key.revokedAt !== undefined) throw new AuthError(401, 'AuthError', 'invalid API key');
    return key;
  }

  async #refreshUnverified({ userId, loginId }: UnverifiedClaims): Promise<RefreshAnswer> {
    if (await this.#options.revocations.has(subjectsOf(userId ?? '', loginId))) throw revoked();
    const adopted = userId !== undefined && isAnonymousUserId(userId) && this.#options.allowAnonymous;
    this.#unverifiedRefreshes += 1;
    const events = this.#unverifiedLines.admit(userId ?? '');
    if (events !== undefined) {
      this.#options.logger.error(
        { userId: userId?.slice(0, 80), events, total: this.#unverifiedRefreshes, adopted },
        adopted
          ? 'a refresh token is signed with another secret; its anonymous user was accepted'
          : 'a refresh token is signed with another secret; its user is held back and keeps its records: start the server with that secret, or let the device log in again',
      );
    }
    if (!adopted) {
      throw new AuthError(
        503,
        'MaintenanceInProgress',
        'the refresh token cannot be verified now; log in again, or try again later',
      );
    }
    return { access_token: await this.#tokens.createAccessToken({ userId, provider: 'anon-user' }) };
  }

  async #revokeLogin({ loginId }: Principal): Promise<void> {
    if (loginId === undefined) return;
    await this.#options.revocations.add(loginSubject(loginId), new Date(this.#now()));
  }
}

function subjectsOf(userId: string, loginId: string | undefined): string[] {
  return [userSubject(userId), ...(loginId === undefined ? [] : [loginSubject(loginId)])];
}

function userSubject(userId: string): string {
  return `user:${userId}`;
}

function loginSubject(loginId: string): string {
  return `session:${loginId}`;
}

function notEnabled(what: string): AuthError {
  return new AuthError(404, 'AuthProviderNotFound', `${what} is not enabled on this server`);
}

function invalidToken(): AuthError {
  return new AuthError(401, 'InvalidSession', 'the token is invalid or has expired');
}

function revoked(): AuthError {
  return new AuthError(401, 'InvalidSession', 'the log-in was revoked');
}
