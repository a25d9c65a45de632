import assert from 'node:assert/strict';

/** One metric family of Prometheus' text format. */
export interface MetricFamily {
  readonly help: string;
  readonly type: string;
  /** By name and labels, as they stand there: `x_total{code="1"}`. */
  readonly samples: Map<string, number>;
}

/**
 * Reads Prometheus' text format, version 0.0.4, strictly: every sample belongs to a family that was announced with help
 * and type, stands once, and has a name and labels as they may be.
 */
export function parseExposition(text: string): Map<string, MetricFamily> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, MetricFamily>();
  let help: [name: string, text: string] | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP') {
        help = [name, rest];
      } else {
        assert.equal(help?.[0], name, `help stands before the type of ${name}`);
        assert.ok(!families.has(name), `${name} stands once`);
        families.set(name, { help: help[1], type: rest, samples: new Map() });
      }
      continue;
    }
    const sample =
      /^(([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) ([0-9.eE+-]+|NaN|[+-]Inf)$/i.exec(
        line,
      );
    assert.ok(sample, `a line that is none: ${line}`);
    const [, key = '', name = '', value] = sample;
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
    assert.ok(family, `${name} was not announced`);
    assert.ok(!family.samples.has(key), `${key} stands once`);
    family.samples.set(key, Number(value));
  }
  return families;
}

/** What Prometheus' "Metric and label naming" and `promtool check metrics` find wrong with names, helps and types. */
export function lint(families: ReadonlyMap<string, MetricFamily>): string[] {
  const problems: string[] = [];
  for (const [name, { help, type, samples }] of families) {
    const units = name.replace(/_total$/, '');
    if ((type === 'counter') !== name.endsWith('_total')) problems.push(`${name}: a ${type}`);
    if (/_(milliseconds|millis|ms|kilobytes|kb|mb|minutes)\b/i.test(units))
      problems.push(`${name}: its unit`);
    if (/_(gauge|counter|histogram|count|sum|bucket)$/.test(units)) problems.push(`${name}: its ending`);
    if (/[A-Z:]|__/.test(name)) problems.push(`${name}: its spelling`);
    if (!/^[A-Z].*\.$/.test(help)) problems.push(`${name}: its help`);
    if (type === 'counter' && [...samples.values()].some((value) => !(value >= 0)))
      problems.push(`${name}: its value`);
  }
  return problems;
}

/** A sample's value. */
export function valueOf(families: ReadonlyMap<string, MetricFamily>, sample: string): number {
  const name = sample.replace(/\{.*/, '');
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const value = family?.samples.get(sample);
  assert.ok(value !== undefined, `there is no ${sample}`);
  return value;
}
