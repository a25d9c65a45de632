import type { Socket } from 'node:net';

/**
 * Ends a TCP connection with RST, or without one if its FIN is under way.
 *
 * Node.js 20 loses a handle that is reset while its shutdown is pending: libuv refuses the reset, Node.js counts the handle
 * as closing, and the process spins at its end for ever.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
