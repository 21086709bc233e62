import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  await new Promise((done) => listener.close(done));
  return port;
}

/** Whether the port is free. */
export function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer()
      .on('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}
