import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * What Prometheus' clients tell of every process: memory, CPU, file descriptors, the event loop, garbage collection.
 * Made at the first call, once for the process whose figures they are: prom-client has no way to end its observers.
 * They keep no process alive.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
