import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { MessageGate } from '../../../src/server/sync-socket/message-gate.js';
import { eventually } from '../../../../test/support/eventually.js';

describe('message gate', () => {
  let server: Server;
  let peer: Socket;
  let gate: MessageGate;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    peer = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [socket] = (await once(server, 'connection')) as [Socket];
    gate = new MessageGate(socket, Buffer.alloc(0), {
      maxMessageBytes: 1000,
      lingerMillis: 100,
    });
    const unheard = (): void => undefined;
    gate.open({ activity: unheard, received: unheard, completed: unheard, oversized: unheard });
    // As `ws` does.
    gate.resume().once('end', () => gate.end());
  });

  afterEach(() => {
    peer.destroy();
    gate.destroy();
    server.close();
  });

  it('sends what was written to a peer that has ended its side, then ends', async () => {
    let received = 0;
    peer.on('data', (chunk) => (received += chunk.length)).end();
    const bytes = 1_000_000;
    gate.write(Buffer.alloc(bytes));
    await eventually('the bytes', () => received === bytes);
    await eventually('the end', () => gate.destroyed);
  });

  it('does not wait for a peer that has ended its side, and never reads', async () => {
    // More than the buffers of both ends of TCP hold.
    gate.write(Buffer.alloc(100_000_000));
    peer.pause().end();
    await eventually('the end', () => gate.destroyed, Boolean, 3000);
  });
});
