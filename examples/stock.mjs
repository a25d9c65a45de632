/** The stock: reserves items, runs out of some, and has a scanner that fails now and then. */
import { setTimeout as delay } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import express from 'express';
import pino from 'pino';
import { serve } from './service.mjs';

const log = pino();
const tracer = trace.getTracer('stock');
const app = express();
const shelves = new Map([
  ['lamp', 10_000],
  ['rope', 10_000],
  ['anchor', 12],
]);
let scans = 0;

app.use(express.json());

app.post('/items/:item/reservations', async (request, response) => {
  const { item } = request.params;
  const { order, quantity } = request.body;

  const left = await scanShelf(item);
  if (left < quantity) {
    log.warn({ order, item, left, quantity }, 'shelf is short');
    response.status(409).json({ item, left });
    return;
  }
  shelves.set(item, left - quantity);
  log.info({ order, item, left: left - quantity }, 'reserved');
  response.status(201).json({ item, quantity });
});

function scanShelf(item) {
  return tracer.startActiveSpan('scan shelf', { attributes: { 'stock.item': item } }, async (span) => {
    try {
      await delay(1 + Math.random() * 4);
      span.addEvent('barcode read', { 'stock.item': item });
      if (++scans % 17 === 0) throw new Error('scanner stuck: no answer in 5 ms');
      return shelves.get(item) ?? 0;
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  log.error({ err: error, item: request.path.split('/')[2] }, 'reservation failed');
  response.status(500).json({ error: error.message });
});

serve(app);
