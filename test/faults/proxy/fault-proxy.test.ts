import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { FaultProxy } from './fault-proxy.js';
import type { Link, Strike } from './link.js';

/** Any request that the proxy understands, of 124 bytes. */
const request = `POST /login HTTP/1.1\r\ncontent-length: 80\r\n\r\n${'x'.repeat(80)}`;
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';

/** One end of a connection, and what it has seen. */
class Peer {
  received = '';
  /** `open`, `ended` by a FIN, or `reset`. */
  state = 'open';
  readonly chunks: number[] = [];

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
      this.chunks.push(bytes.length);
    });
    socket.on('end', () => (this.state = 'ended'));
    socket.on('error', () => (this.state = 'reset'));
  }
}

describe('the fault proxy', () => {
  let listener: Server;
  let proxy: FaultProxy;
  let server: Peer | undefined;
  let client: Peer;
  /** Asked at each message. */
  let strike: Strike | undefined;

  beforeEach(async () => {
    strike = undefined;
    server = undefined;
    listener = createServer({ allowHalfOpen: true }, (socket) => {
      server = new Peer(socket);
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    proxy = await FaultProxy.create(() => strike);
    proxy.connectTo((listener.address() as AddressInfo).port);
    client = dial();
  });

  afterEach(async () => {
    client.socket.destroy();
    server?.socket.destroy();
    await proxy.close();
    listener.close();
  });

  it('passes everything both ways, and the end of each', async () => {
    client.socket.end(request);
    await until(() => server?.state === 'ended');
    assert.equal(server?.received, request);
    server.socket.end(answer);
    await until(() => client.state === 'ended');
    assert.equal(client.received, answer);
    await until(() => proxy.links.length === 0);
  });

  const places = [
    { where: 'before', part: 0, passes: 0 },
    { where: 'inside', part: 0, passes: 1 },
    { where: 'inside', part: 0.25, passes: 31 },
    { where: 'inside', part: 1, passes: request.length - 1 },
    { where: 'after', part: 0, passes: request.length },
  ] as const;

  for (const { where, part, passes } of places) {
    it(`cuts ${where} a message: ${passes} of ${request.length} bytes pass`, async () => {
      strikeWith({ where, part }, (link) => {
        link.end();
      });
      client.socket.write(request);
      await until(() => server?.state === 'ended');
      assert.equal(server?.received, request.slice(0, passes));
      await until(() => client.state === 'ended');
    });
  }

  it('resets both sides', async () => {
    await until(() => server !== undefined);
    // Before: an RST right behind bytes that nobody has read yet is told by libuv as an end.
    strikeWith({ where: 'before', part: 0 }, (link) => {
      link.reset();
    });
    client.socket.write(request);
    await until(() => client.state === 'reset' && server?.state === 'reset');
  });

  it('half-closes toward the server, and passes its answer', async () => {
    strikeWith({ where: 'after', part: 0 }, (link) => {
      link.halfClose('server');
    });
    client.socket.write(request);
    await until(() => server?.state === 'ended');
    client.socket.write('nobody hears this');
    server?.socket.write(answer);
    await until(() => client.received === answer);
    assert.equal(client.state, 'open');
    assert.equal(server?.received, request);
  });

  it('half-closes toward the client, and passes what it says', async () => {
    strikeWith({ where: 'before', part: 0 }, (link) => {
      link.halfClose('client');
    });
    client.socket.write(request);
    await until(() => client.state === 'ended' && server?.received === request);
    assert.equal(server?.state, 'open');
  });

  it('lets nothing of a muted side pass, and keeps the connection', async () => {
    strikeWith({ where: 'inside', part: 0.5 }, (link) => {
      link.mute('client');
    });
    client.socket.write(request);
    await until(() => server?.received.length === request.length / 2);
    client.socket.write(request);
    server?.socket.write(answer);
    await until(() => client.received === answer);
    assert.deepEqual([client.state, server?.state, server?.received.length], ['open', 'open', 62]);
  });

  it('holds back a message, and all behind it, as long as a strike takes', async () => {
    let go = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));
    let isHeld = false;
    strike = {
      where: 'inside',
      part: 0.5,
      act: () => {
        isHeld = true;
        return waiting;
      },
    };
    client.socket.write(request);
    await until(() => isHeld && server?.received.length === 62);
    strike = undefined;
    client.socket.write(request);
    await delay(20);
    assert.equal(server?.received.length, 62);
    go();
    await until(() => server?.received === request + request);
  });

  it('throttles to a number of bytes a second', async () => {
    strikeWith({ where: 'before', part: 0 }, (link) => {
      link.pace.bytesPerSecond = 400;
    });
    const begun = performance.now();
    client.socket.write(request);
    await until(() => server?.received === request);
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds > 0.25, `${request.length} bytes in ${seconds} s`);
    assert.ok((server?.chunks.length ?? 0) > 1);
  });

  it('trickles, a few bytes at a time, and then is itself again', async () => {
    strikeWith({ where: 'before', part: 0 }, (link) => {
      link.pace.trickle(60, 3);
    });
    client.socket.write(request);
    await until(() => server?.received === request);
    assert.ok((server?.chunks.length ?? 0) >= 3, String(server?.chunks));
  });

  it('resets new connections while it refuses, and while there is no server', async () => {
    proxy.refuse(60_000);
    const refused = dial();
    await until(() => refused.state === 'reset');
    proxy.refuse(0);
    const taken = dial();
    taken.socket.write(request);
    await until(() => server?.received === request);
    proxy.connectTo(undefined);
    const orphan = dial();
    await until(() => orphan.state === 'reset');
    taken.socket.destroy();
  });

  it('resets the client when the server has gone', async () => {
    client.socket.write(request);
    await until(() => server?.received === request);
    server?.socket.resetAndDestroy();
    await until(() => client.state === 'reset');
  });

  function strikeWith(place: Pick<Strike, 'where' | 'part'>, act: (link: Link) => void): void {
    strike = {
      ...place,
      act: (link) => {
        act(link);
        return Promise.resolve();
      },
    };
  }

  function dial(): Peer {
    const { port } = new URL(proxy.url);
    return new Peer(connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }));
  }
});

function until(holds: () => boolean): Promise<boolean> {
  return eventually('it', holds);
}
