import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

/**
 * Runs `call` with tracing suppressed. The native engine speaks to its server below JavaScript, out of
 * their sight; here the same traffic goes through node:http and node:net, and has to be kept out of it call by call.
 */
export function untraced(call) {
  return context.with(suppressTracing(ROOT_CONTEXT), call);
}
