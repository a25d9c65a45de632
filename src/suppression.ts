import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

/**
 * Makes one call into Realm, or of the network, where instrumentations make no spans.
 *
 * Each call enters it anew, from the root context: `connect()` usually runs before `sdk.start()`, when no context
 * manager exists yet that could carry anything to what happens later. A span of our own traffic would end up in the
 * store, and its URL attribute holds the access token (`baas_at`).
 */
export function withoutTracing<T>(call: () => T): T {
  return context.with(suppressTracing(ROOT_CONTEXT), call);
}
