import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * The standard metrics of a process: memory, CPU, file descriptors, event loop, garbage collection. Created at the first
 * call, once a process, because prom-client cannot end its observers. They do not keep the process alive.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
