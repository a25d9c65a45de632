import { setTimeout as delay } from 'node:timers/promises';

/** Taken while modules load: a test may set another clock later. */
const rightTime = Date.now.bind(Date);

/** Resolves when an access token is no longer valid by the right clock. */
export async function expiryOf(token: string | null): Promise<void> {
  const claims: unknown = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString());
  const { exp } = claims as { exp: number };
  await delay(Math.max(0, exp * 1000 - rightTime()) + 10);
}
