/**
 * The App Services client API for users: log-in, profile, refresh, log-out, removal. It knows requests and answers as
 * values only; the server puts them on HTTP.
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

/** Life of an access token, seconds, where no option says otherwise. */
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

/** Answer to a log-in; section 3.1. All four are required by clients. */
export interface LoginAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
  readonly device_id: string;
}

/** Answer to a profile request; section 4.1. */
export interface ProfileAnswer {
  readonly user_id: string;
  readonly domain_id: string;
  readonly identities: readonly { id: string; provider_type: string; provider_id: string }[];
  readonly data: Readonly<Record<string, string>>;
  readonly type: 'normal';
}

/** Answer to a refresh; section 4.2. */
export interface RefreshAnswer {
  readonly access_token: string;
}

/** What an authenticator has counted since it was made. */
export interface AuthenticatorCounters {
  readonly logins: number;
  readonly refusedLogins: number;
  /** Refresh tokens whose signature was not ours, whatever became of them. */
  readonly unverifiedRefreshes: number;
}

/** Clients want a device id and do nothing with it: 24 zeros stand for none. */
const noId = '0'.repeat(24);

/**
 * Users of one app. Every method rejects with an {@link AuthError}, or with the store's error where it could not be
 * asked: that must become a 5xx, for a 401 would cost the device its user.
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
   * @param provider - as the route names it: `anon-user`, `api-key`
   * @param body - of the request, any JSON value
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

  /** What an app sees of its user. */
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
   * A new access token for a refresh token. Only what was revoked is answered with 401: a client that gets it drops
   * its user, and an anonymous one its unsent records.
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

  /** Revokes the log-in that a refresh token belongs to. */
  async logOut(refreshToken: string): Promise<void> {
    const principal = await this.#tokens.verifyRefreshToken(refreshToken);
    if (!principal) throw invalidSession();
    await this.#revokeSession(principal);
  }

  /**
   * Removes the user that an access token speaks of. A named user is the operator's, and other devices may share its
   * name: of that one only this log-in ends.
   */
  async deleteUser(accessToken: string): Promise<void> {
    const principal = await this.authenticate(accessToken);
    // Whoever made up a refresh token for someone else's id must not be able to revoke that one.
    if (principal.sessionId === undefined) {
      throw new AuthError(403, 'AuthError', 'this log-in cannot be verified; log in anew to remove the user');
    }
    if (principal.provider === 'anon-user') {
      await this.#options.revocations.add(userSubject(principal.userId), new Date(this.#now()));
    }
    await this.#revokeSession(principal);
  }

  /** Whom an access token speaks of: for the socket, and for calls that carry one. 401 unless it is valid now. */
  async authenticate(accessToken: string): Promise<Principal> {
    const principal = await this.#tokens.verifyAccessToken(accessToken);
    if (!principal) throw invalidSession();
    if (await this.isRevoked(principal)) throw revoked();
    return principal;
  }

  /** Whether the user, the log-in or the API key behind it was revoked. */
  async isRevoked(principal: Principal): Promise<boolean> {
    const { userId, sessionId, apiKeyId } = principal;
    if (await this.#options.revocations.has(subjectsOf(userId, sessionId))) return true;
    if (apiKeyId === undefined) return false;
    // A key that the store does not know went with an older store: our signature says that it was valid.
    const key = await this.#options.apiKeys.findById(apiKeyId);
    return key?.revokedAt !== undefined;
  }

  async #principalOf(provider: string, body: unknown): Promise<Principal> {
    const sessionId = randomBytes(12).toString('hex');
    switch (provider) {
      case 'anon-user':
        if (!this.#options.allowAnonymous) throw notEnabled('anonymous log-in');
        return { userId: createAnonymousUserId(), provider, sessionId };
      case 'api-key': {
        const key = await this.#findApiKey(body);
        return {
          userId: toNamedUserId(this.#options.appId, key.userName),
          userName: key.userName,
          provider,
          sessionId,
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
      throw new AuthError(400, 'BadRequest', 'the body of a log-in is a JSON object');
    }
    const text = 'key' in body ? body.key : undefined;
    if (text === undefined) throw new AuthError(400, 'MissingParameter', 'a log-in by API key needs "key"');
    if (typeof text !== 'string') throw new AuthError(400, 'InvalidParameter', '"key" is a string');
    const key = isApiKeyText(text) ? await this.#options.apiKeys.findByHash(toApiKeyHash(text)) : undefined;
    // One answer for both: who holds no valid key learns nothing of which ones there were.
    if (!key || key.revokedAt !== undefined) throw new AuthError(401, 'AuthError', 'invalid API key');
    return key;
  }

  async #refreshUnverified({ userId, sessionId }: UnverifiedClaims): Promise<RefreshAnswer> {
    if (await this.#options.revocations.has(subjectsOf(userId ?? '', sessionId))) throw revoked();
    const adopted = userId !== undefined && isAnonymousUserId(userId) && this.#options.allowAnonymous;
    this.#unverifiedRefreshes += 1;
    const events = this.#unverifiedLines.admit(userId ?? '');
    if (events !== undefined) {
      this.#options.logger.error(
        { userId: userId?.slice(0, 80), events, total: this.#unverifiedRefreshes, adopted },
        adopted
          ? 'a refresh token was signed with another secret; its anonymous user was taken on'
          : 'a refresh token was signed with another secret; its user is held back and keeps its records: start the server with that secret, or let the device log in anew',
      );
    }
    if (!adopted) {
      throw new AuthError(
        503,
        'MaintenanceInProgress',
        'the refresh token cannot be verified at present; log in anew, or try again later',
      );
    }
    return { access_token: await this.#tokens.createAccessToken({ userId, provider: 'anon-user' }) };
  }

  async #revokeSession({ sessionId }: Principal): Promise<void> {
    if (sessionId === undefined) return;
    await this.#options.revocations.add(sessionSubject(sessionId), new Date(this.#now()));
  }
}

function subjectsOf(userId: string, sessionId: string | undefined): string[] {
  return [userSubject(userId), ...(sessionId === undefined ? [] : [sessionSubject(sessionId)])];
}

function userSubject(userId: string): string {
  return `user:${userId}`;
}

function sessionSubject(sessionId: string): string {
  return `session:${sessionId}`;
}

function notEnabled(what: string): AuthError {
  return new AuthError(404, 'AuthProviderNotFound', `${what} is not enabled on this server`);
}

function invalidSession(): AuthError {
  return new AuthError(401, 'InvalidSession', 'the token is invalid or has expired');
}

function revoked(): AuthError {
  return new AuthError(401, 'InvalidSession', 'the session was revoked');
}
