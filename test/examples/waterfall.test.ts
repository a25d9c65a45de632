import assert from 'node:assert/strict';

const { drawWaterfall } = (await import(
  new URL('../../examples/terminal/waterfall.mjs', import.meta.url).href
)) as {
  drawWaterfall: (spans: object[], logs: object[], width: number) => string[];
};

/** A span that lasts from `from` to `to`, in milliseconds. */
function span(
  spanId: string,
  parentSpanId: string | undefined,
  from: number,
  to: number,
  more: object = {},
): object {
  return {
    ...{ spanId, parentSpanId, name: spanId, statusCode: 'UNSET', resource: { service: { name: 'shop' } } },
    startTimeUnixNano: BigInt(from) * 1_000_000n,
    endTimeUnixNano: BigInt(to) * 1_000_000n,
    durationNano: BigInt(to - from) * 1_000_000n,
    ...more,
  };
}

function log(spanId: string, at: number, body: unknown): object {
  return { spanId, body, severityText: 'info', timeUnixNano: BigInt(at) * 1_000_000n, attributes: {} };
}

describe('the waterfall of the example', () => {
  it('draws each span where it happened, children under their parents in the order of their start', () => {
    const spans = [
      span('second', 'root', 6, 10),
      span('root', undefined, 0, 10),
      span('first', 'root', 0, 5),
    ];
    assert.deepEqual(drawWaterfall(spans, [], 50), [
      'shop  root       █████████████████████     10.0 ms',
      'shop  ├─ first   ██████████▌                5.0 ms',
      'shop  └─ second              █████████      4.0 ms',
    ]);
  });

  it('draws log lines under their span, in the order of their time', () => {
    const spans = [span('root', undefined, 0, 10), span('child', 'root', 2, 8)];
    const [, ...rest] = drawWaterfall(spans, [log('root', 9, 'done'), log('root', 1, 'begun')], 60);
    assert.deepEqual(rest.slice(0, 2), ['      │  +1.0 ms INFO  begun', '      │  +9.0 ms INFO  done']);
  });

  it('takes spans whose parent is elsewhere for roots', () => {
    const lines = drawWaterfall([span('a', 'unknown', 0, 1), span('b', undefined, 1, 2)], [], 50);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 7)),
      ['shop  a', 'shop  b'],
    );
  });

  it('keeps within the width, however deep the trace and long the names', () => {
    const spans = Array.from({ length: 30 }, (_, n) =>
      span(`span ${n} ${'with a long name '.repeat(5)}`, undefined, n, n + 1, {
        spanId: `${n}`,
        parentSpanId: n === 0 ? undefined : `${n - 1}`,
      }),
    );
    for (const width of [80, 120, 200]) {
      const longest = Math.max(
        ...drawWaterfall(spans, [log('3', 3, 'x'.repeat(500))], width).map((line) => line.length),
      );
      assert.ok(longest <= width, `${longest} columns of ${width}`);
    }
  });

  it('draws spans that took no time', () => {
    assert.match(drawWaterfall([span('root', undefined, 5, 5)], [], 60)[0] ?? '', /▏.* 0\.0 ms$/);
  });
});
