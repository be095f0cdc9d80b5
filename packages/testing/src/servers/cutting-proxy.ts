import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can be told to fail as networks do. */
export interface CuttingProxy {
  readonly port: number;
  /** From now on, ends every connection as soon as its server has something to say: the request is through, the answer is not. */
  cutAnswers(): void;
  /** Answers go through again. */
  heal(): void;
  /** Ends every connection now. */
  cut(): void;
  /** Resolves when clients have sent so many more bytes. */
  received(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Passes connections on to 127.0.0.1:`target`. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let isCutting = false;
  let expected = { bytes: 0, resolve: (): void => undefined };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      upstream.write(chunk);
      expected.bytes -= chunk.length;
      if (expected.bytes <= 0) expected.resolve();
    });
    upstream.on('data', (chunk) => {
      if (isCutting) client.destroy();
      else client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cutAnswers: () => {
      isCutting = true;
    },
    heal: () => {
      isCutting = false;
    },
    cut,
    received: (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      expected = { bytes, resolve };
      return promise;
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
