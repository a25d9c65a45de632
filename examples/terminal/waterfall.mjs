import { paint } from './paint.mjs';

const serviceColours = ['cyan', 'magenta', 'blue', 'green'];
const severityColours = { WARN: 'yellow', ERROR: 'red', FATAL: 'red' };
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const durationWidth = 10;
const smallestBar = 16;

/**
 * Draws a trace: one row for each span with a bar at its time, and its log lines below.
 *
 * @param spans - documents of the `Span` collection of one trace, as printed by `realm-ingest export`
 * @param logs - its documents of `LogRecord`
 * @param width - columns of the terminal
 * @returns the lines
 */
export function drawWaterfall(spans, logs, width) {
  const rows = [...inTreeOrder(spans)];
  const services = [...new Set(rows.map(({ span }) => serviceOf(span)))];
  const begin = spans.reduce(
    (first, span) => least(first, span.startTimeUnixNano),
    spans[0].startTimeUnixNano,
  );
  const end = spans.reduce((last, span) => -least(-last, -span.endTimeUnixNano), begin);
  const nameWidth = Math.min(
    Math.max(...rows.map(({ span, tree }) => tree.length + span.name.length)),
    Math.max(12, Math.floor(width * 0.45)),
  );
  const serviceWidth = Math.max(...services.map((service) => service.length));
  const barWidth = Math.max(smallestBar, width - serviceWidth - nameWidth - durationWidth - 6);
  const scale = (time) => (Number(time - begin) / Math.max(1, Number(end - begin))) * barWidth;

  return rows.flatMap(({ span, tree, below }) => {
    const failed = span.statusCode === 'ERROR';
    const colour = failed ? 'red' : serviceColours[services.indexOf(serviceOf(span)) % serviceColours.length];
    const name = fit(tree + span.name, nameWidth);
    const row = [
      paint(serviceOf(span).padEnd(serviceWidth), colour),
      `${paint(name.slice(0, tree.length), 'dim')}${failed ? paint(name.slice(tree.length), 'red') : name.slice(tree.length)}`,
      paint(drawBar(scale(span.startTimeUnixNano), scale(span.endTimeUnixNano), barWidth), colour),
      milliseconds(span.durationNano).padStart(durationWidth),
    ].join('  ');
    const indent = ' '.repeat(serviceWidth + 2);
    return [
      row,
      ...logs
        .filter((log) => log.spanId === span.spanId)
        .sort((a, b) => compare(a.timeUnixNano, b.timeUnixNano))
        .map((log) => indent + drawLog(log, below, begin, width - indent.length)),
    ];
  });
}

/** Parents before children, siblings by start time. `tree` is drawn before the name, `below` before the log lines. */
function* inTreeOrder(spans) {
  const ids = new Set(spans.map((span) => span.spanId));
  const childrenOf = (id) =>
    spans
      .filter((span) => (ids.has(span.parentSpanId) ? span.parentSpanId === id : id === undefined))
      .sort((a, b) => compare(a.startTimeUnixNano, b.startTimeUnixNano));

  function* walk(id, indent) {
    const children = childrenOf(id);
    for (const [place, span] of children.entries()) {
      const last = place === children.length - 1;
      const root = id === undefined;
      const inner = root ? '' : indent + (last ? '   ' : '│  ');
      const stem = childrenOf(span.spanId).length > 0 ? '│' : ' ';
      yield { span, tree: root ? '' : indent + (last ? '└─ ' : '├─ '), below: `${inner}${stem}  ` };
      yield* walk(span.spanId, inner);
    }
  }
  yield* walk(undefined, '');
}

function drawBar(from, to, width) {
  const start = Math.min(Math.floor(from), width - 1);
  const units = Math.max(1, Math.min(Math.round((to - start) * 8), (width - start) * 8));
  const bar = '█'.repeat(Math.floor(units / 8)) + eighths[units % 8];
  return (' '.repeat(start) + bar).padEnd(width);
}

function drawLog(log, below, begin, width) {
  const severity = (log.severityText ?? '').toUpperCase().padEnd(5);
  const at = `+${milliseconds(log.timeUnixNano - begin)}`;
  const exception = log.attributes?.err?.message ?? log.attributes?.exception?.message;
  const text = `${typeof log.body === 'string' ? log.body : JSON.stringify(log.body)}${exception ? `: ${exception}` : ''}`;
  const space = Math.max(10, width - below.length - at.length - severity.length - 3);
  return `${paint(below, 'dim')}${paint(at, 'dim')} ${paint(severity, severityColours[severity.trim()] ?? 'dim')} ${fit(text, space).trimEnd()}`;
}

function milliseconds(nanoseconds) {
  return `${(Number(nanoseconds) / 1e6).toFixed(1)} ms`;
}

function serviceOf(span) {
  return span.resource?.service?.name ?? '';
}

function fit(text, width) {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function least(a, b) {
  return a < b ? a : b;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
