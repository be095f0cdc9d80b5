import { createLocalHost } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readServerCertificates } from './server-certificates.ts';

/** A server that starts a TLS record and then sends a byte now and then. */
async function withDrip(check: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => {
    socket.write(Buffer.of(0x16, 3, 3, 0x40, 0));
    const timer = setInterval(() => socket.write(Buffer.of(2)), 100);
    socket.on('error', () => undefined).once('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await check((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe('a server that drips instead of a TLS handshake', () => {
  it('is left at the deadline of the whole handshake', async () => {
    await withDrip(async (port) => {
      const reading = readServerCertificates({ host: '127.0.0.1', port }, { host: createLocalHost() });
      await expectCode(reading, 'PKI_SERVER_SILENT');
    });
  }, 30_000);

  it('is left at once when the command is interrupted', async () => {
    await withDrip(async (port) => {
      const controller = new AbortController();
      const reason = new Error('interrupted');
      setTimeout(() => controller.abort(reason), 200);
      const reading = readServerCertificates(
        { host: '127.0.0.1', port },
        { host: createLocalHost() },
        controller.signal,
      );
      // Later it would be the error of the deadline.
      await expect(reading).rejects.toBe(reason);
    });
  });
});
