import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import {
  createListener,
  destroyConnections,
  listen,
  stopListening,
  type Listener,
} from '../../src/server/listener.js';
import { readJsonBody } from '../../src/server/http-request.js';
import { eventually } from '../../../test/support/eventually.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.js';

const bounds = { headersMillis: 300, requestMillis: 600, checkIntervalMillis: 50, maxConnections: 20 };

/** How peers hold connections that nobody knows, and what that costs. */
describe('listener', () => {
  let listener: Listener;
  let port: number;
  let answered: number[];
  const peers: Socket[] = [];

  async function start(tls = false): Promise<void> {
    answered = [];
    const onRequest: RequestListener = (request, response) => {
      const answer = (status: number): void => {
        answered.push(status);
        response.writeHead(status).end();
      };
      readJsonBody(request).then(
        () => {
          answer(200);
        },
        () => {
          answer(400);
        },
      );
    };
    listener = createListener(onRequest, tls ? createSelfSignedCertificate() : undefined, bounds);
    port = await listen(listener, '127.0.0.1', 0, new RecordingLogger());
  }

  afterEach(() => {
    for (const peer of peers.splice(0)) peer.destroy();
    stopListening(listener);
    destroyConnections(listener);
  });

  /** Sends something, then a byte of `dripped` every 20 ms. */
  function connect(beginning: string, dripped = ''): Socket {
    const peer = createConnection(port, '127.0.0.1', () => {
      peer.write(beginning);
    });
    peer.on('error', () => undefined).resume();
    peers.push(peer);
    if (dripped === '') return peer;
    const timer = setInterval(() => {
      peer.write(dripped);
    }, 20);
    peer.once('close', () => {
      clearInterval(timer);
    });
    return peer;
  }

  const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const ways: [what: string, beginning: string, dripped: string, tls: boolean][] = [
    ['says nothing', '', '', false],
    ['dribbles its headers', head, 'X: y\r\n', false],
    ['dribbles its body', `${head}Content-Length: 60000\r\n\r\n`, '1', false],
    ['dribbles a body without an end', `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n1\r\n', false],
    ['never begins a TLS handshake', '', '', true],
    ['never ends a TLS handshake', '\x16\x03\x01\x02\x00\x01', '', true],
  ];
  for (const [what, beginning, dripped, tls] of ways) {
    it(`ends the connection of a peer that ${what}`, async () => {
      await start(tls);
      const peer = connect(beginning, dripped);
      const closed = new Promise((resolve) => peer.once('close', resolve));
      await eventually('the connection', () => listener.sockets.size === 1);
      await closed;
      await eventually('the server to have let go', () => listener.sockets.size === 0);
      assert.ok(!answered.includes(200));
    });
  }

  it('accepts connections up to its limit, and new ones when others have ended', async () => {
    await start();
    const patient = Array.from({ length: bounds.maxConnections }, () => connect(''));
    await eventually('all', () => listener.sockets.size === bounds.maxConnections);
    const tooMany = connect('');
    await new Promise((resolve) => tooMany.once('close', resolve));
    assert.equal(listener.sockets.size, bounds.maxConnections);
    for (const peer of patient) peer.destroy();
    await eventually('all to have gone', () => listener.sockets.size === 0);
    connect(`${head}Content-Length: 2\r\n\r\n{}`);
    await eventually('an answer', () => answered.includes(200));
  });
});
