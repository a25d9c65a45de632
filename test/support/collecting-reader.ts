import assert from 'node:assert/strict';
import type { Attributes } from '@opentelemetry/api';
import { MetricReader, type MetricData } from '@opentelemetry/sdk-metrics';

export interface Point {
  readonly attributes: Attributes;
  readonly value: unknown;
}

/** A metric reader that collects when it is asked. */
export class CollectingReader extends MetricReader {
  async scopes(): Promise<{ name: string; version?: string }[]> {
    const { resourceMetrics } = await this.collect();
    return resourceMetrics.scopeMetrics.map(({ scope }) => scope);
  }

  async metrics(): Promise<MetricData[]> {
    const { resourceMetrics, errors } = await this.collect();
    assert.deepEqual(errors, []);
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  }

  async points(name: string): Promise<readonly Point[]> {
    const metric = (await this.metrics()).find(({ descriptor }) => descriptor.name === name);
    return metric?.dataPoints ?? [];
  }

  async sum(name: string): Promise<number> {
    return (await this.points(name)).reduce((sum, { value }) => sum + (value as number), 0);
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Counts of points by their `error.type`, or `none`. */
export function byError(
  points: readonly Point[],
  count: (value: unknown) => number = Number,
): Record<string, number> {
  return Object.fromEntries(
    points.map(({ attributes, value }) => [String(attributes['error.type'] ?? 'none'), count(value)]),
  );
}
