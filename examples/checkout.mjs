/** Takes orders, and asks the stock service to reserve what was ordered. */
import express from 'express';
import pino from 'pino';
import { serve } from './service.mjs';

const log = pino();
const app = express();

app.use(express.json());

app.post('/orders', async (request, response) => {
  const { order, item, quantity } = request.body;
  log.info({ order, item }, 'order received');

  const answer = await fetch(`${process.env.STOCK_URL}/items/${item}/reservations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ order, quantity }),
  });
  if (answer.status === 409) {
    log.warn({ order, item }, 'order declined: not enough in stock');
    response.status(409).json({ order, declined: await answer.json() });
    return;
  }
  if (!answer.ok) throw new Error(`stock answered ${answer.status} for order ${order}`);

  log.info({ order, reservation: await answer.json() }, 'order accepted');
  response.status(201).json({ order });
});

app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  log.error({ err: error }, 'order failed');
  response.status(502).json({ error: error.message });
});

serve(app);
