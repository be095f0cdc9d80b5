import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that simulates network failures. */
export interface FaultyProxy {
  readonly port: number;
  /** From now on, closes every connection when its server answers: requests get through, answers do not. */
  dropAnswers(): void;
  /** Answers get through again. */
  restore(): void;
  /** Closes every connection now. */
  disconnect(): void;
  /** Resolves when clients have sent so many more bytes. */
  received(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Forwards connections to 127.0.0.1:`target`. */
export async function startFaultyProxy(target: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  let isDropping = false;
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
      if (isDropping) client.destroy();
      else client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    dropAnswers: () => {
      isDropping = true;
    },
    restore: () => {
      isDropping = false;
    },
    disconnect,
    received: (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      expected = { bytes, resolve };
      return promise;
    },
    close: async () => {
      disconnect();
      server.close();
      await once(server, 'close');
    },
  };
}
