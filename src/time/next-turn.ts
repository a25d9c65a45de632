/**
 * Resolves in a later turn of the event loop, after timers and sockets: with `setImmediate` in Node, a message in browsers
 * (which delay nested timers by 4 ms and more), a timer elsewhere.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else if (typeof MessageChannel === 'function') postMessageTo(resolve);
    else setTimeout(resolve, 0);
  });
}

function postMessageTo(resolve: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    resolve();
  });
  port1.start();
  port2.postMessage(undefined);
}
