/**
 * What an exporter measures of itself: OpenTelemetry's `otel.sdk.exporter.*` metrics.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/
 *
 * @module
 */
import type { Attributes, Counter, Histogram, Meter, MeterProvider, UpDownCounter } from '@opentelemetry/api';
import type { ErrorCode, ExporterError } from '../errors.js';
import { packageVersion } from '../version.js';
import { describeCause } from '../connection-error.js';
import type { Diagnostics } from '../diagnostics.js';

/** What is exported, as the metrics' names have it. */
export type Signal = 'span' | 'log';

const signals = {
  span: { unit: '{span}', items: 'spans' },
  log: { unit: '{log_record}', items: 'log records' },
} as const;

const METER_NAME = 'opentelemetry-exporter-realm';

/** What became of the items of one export; those that are not named are stored. */
export interface ExportOutcome {
  /** Items that cannot be mapped: dropped alone, and no failure of the export. */
  readonly unmappable: number;
  /** Items that were not stored. */
  readonly failed: number;
  /** Why they were not: present if and only if the export has failed. */
  readonly error?: ExporterError;
}

/** How many exporters of a type have been measured: their names are told apart by it, and come again after a restart. */
const instances = new Map<string, number>();

/** The instruments of one exporter. No method throws, whatever the app's meter does. */
export class ExporterMetrics {
  readonly #attributes: Attributes;
  readonly #diagnostics: Diagnostics;
  readonly #inflight: UpDownCounter;
  readonly #exported: Counter;
  readonly #duration: Histogram;

  private constructor(component: string, signal: Signal, meter: Meter, diagnostics: Diagnostics) {
    const { unit, items } = signals[signal];
    const instance = instances.get(component) ?? 0;
    instances.set(component, instance + 1);
    this.#attributes = {
      'otel.component.type': component,
      'otel.component.name': `${component}/${instance}`,
    };
    this.#diagnostics = diagnostics;
    this.#inflight = meter.createUpDownCounter(`otel.sdk.exporter.${signal}.inflight`, {
      unit,
      description: `The number of ${items} which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).`,
    });
    this.#exported = meter.createCounter(`otel.sdk.exporter.${signal}.exported`, {
      unit,
      description: `The number of ${items} for which the export has finished, either successful or failed.`,
    });
    this.#duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
      unit: 's',
      description: 'The duration of exporting a batch of telemetry records.',
      // Sum and count alone, as the SDK's own exporters have it; a view of the app's gives it buckets.
      advice: { explicitBucketBoundaries: [] },
    });
  }

  /**
   * The instruments of an exporter; none where the meter provider does not make them, which is logged.
   *
   * @param component - the exporter's class: the component's type, and the beginning of its name
   */
  static of(
    component: string,
    signal: Signal,
    meterProvider: MeterProvider,
    diagnostics: Diagnostics,
  ): ExporterMetrics | undefined {
    try {
      const meter = meterProvider.getMeter(METER_NAME, packageVersion);
      return new ExporterMetrics(component, signal, meter, diagnostics);
    } catch (error) {
      diagnostics.report('warn', 'metrics', `nothing is measured: ${describeCause(error)}`);
      return undefined;
    }
  }

  /**
   * Counts items as in flight.
   *
   * @returns what is called once, when it is known what became of them
   */
  start(count: number): (outcome: ExportOutcome) => void {
    const startMillis = performance.now();
    this.#record(() => {
      this.#inflight.add(count, this.#attributes);
    });
    return (outcome) => {
      this.#record(() => {
        this.#end(count, performance.now() - startMillis, outcome);
      });
    };
  }

  #end(count: number, millis: number, { unmappable, failed, error }: ExportOutcome): void {
    this.#inflight.add(-count, this.#attributes);
    this.#count(count - unmappable - failed);
    this.#count(unmappable, 'unmappable-record');
    this.#count(failed, error?.code);
    this.#duration.record(millis / 1000, this.#with(error?.code));
  }

  #count(items: number, errorType?: ErrorCode): void {
    if (items > 0) this.#exported.add(items, this.#with(errorType));
  }

  #with(errorType: ErrorCode | undefined): Attributes {
    return errorType === undefined ? this.#attributes : { ...this.#attributes, 'error.type': errorType };
  }

  #record(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#diagnostics.report('warn', 'metrics', `an export was not measured: ${describeCause(error)}`);
    }
  }
}
