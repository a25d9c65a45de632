import { withoutTracing } from '../suppression.js';

/** A response whose body has arrived, as far as Realm reads it. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: Headers;
  text(): Promise<string>;
}

/**
 * The `fetch` of our own Apps (Realm 12.6 and later): the current global `fetch`, without tracing, and with the body read.
 *
 * Realm handles a rejection of `fetch`, but not of `response.text()`: a connection that is cut inside a body would cause an
 * unhandled rejection, which ends a Node.js process. Here `fetch` itself rejects, and Realm reports a failed request.
 * (realm-js, `NetworkTransport.ts`, 12.6 to 12.15: it reads `status`, `headers` and `text()`.)
 *
 * @throws what `fetch` and the reading of the body throw
 */
export function fetchWhole(input: unknown, init?: unknown): Promise<WholeResponse> {
  return withoutTracing(async () => {
    const response = await fetch(input as string, init as RequestInit);
    const body = await response.text();
    return { status: response.status, headers: response.headers, text: () => Promise.resolve(body) };
  });
}
