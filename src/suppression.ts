import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

/**
 * Makes one call into Realm or the network with tracing suppressed, so that instrumentations make no spans.
 *
 * Every single call needs it, from the root context: `connect()` usually runs before `sdk.start()`, when no context manager
 * exists that could keep a context for later calls. A span of our own traffic would end up in the store, and its URL
 * attribute contains the access token (`baas_at`).
 */
export function withoutTracing<T>(call: () => T): T {
  return context.with(suppressTracing(ROOT_CONTEXT), call);
}
