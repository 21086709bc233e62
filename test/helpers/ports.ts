import { createServer } from 'node:net';

/** Below those that the kernel gives away itself, ip_local_port_range of ip(7): other programs get these at any moment. */
const [FIRST, LAST] = [10_000, 32_000];

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await canListen(port)) return port;
  }
}

/** Whether the port is free. */
export function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer()
      .on('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}
