import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when an access token is no longer valid, by the real clock. */
export async function expiryOf(token: string | null): Promise<void> {
  const claims: unknown = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString());
  const { exp } = claims as { exp: number };
  await delay(Math.max(0, exp * 1000 - Date.now()) + 10);
}
