import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

const host = createLocalHost();

describe('a connection from this machine', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer((socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });

  it('carries bytes both ways', async () => {
    const socket = await host.connect({ host: 'localhost', port, timeoutMs: 5000 });
    socket.write('ping');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('ping');
    socket.destroy();
  });

  it('outlives its connect timeout', async () => {
    const timeoutMs = 1000;
    const socket = await host.connect({ host: '127.0.0.1', port, timeoutMs });
    await once(AbortSignal.timeout(timeoutMs), 'abort');
    socket.write('still here');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('still here');
    socket.destroy();
  });

  it('times out', async () => {
    // 192.0.2.0/24 is for documentation: no response, or no route.
    const attempt = host.connect({ host: '192.0.2.1', port: 2379, timeoutMs: 200 });
    await expect(attempt).rejects.toMatchObject({ code: 'HOST_CONNECTION_FAILED', subject: '192.0.2.1:2379' });
  });

  it('is aborted by the caller', async () => {
    const reason = new Error('interrupted');
    const attempt = host.connect({ host: '127.0.0.1', port, timeoutMs: 5000, signal: AbortSignal.abort(reason) });
    await expect(attempt).rejects.toBe(reason);
  });
});

describe('a connection to a Unix socket of this machine', () => {
  let directory: string;
  const at = (name: string) => hostPath(path.join(directory, name));
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-unix-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('carries bytes both ways', async () => {
    const server = createServer((socket) => socket.pipe(socket));
    server.listen(at('echo.sock'));
    await once(server, 'listening');
    const socket = await host.connectUnix({ path: at('echo.sock'), timeoutMs: 5000 });
    socket.write('ping');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('ping');
    socket.destroy();
    server.close();
  });

  it.each([
    ['missing.sock', 'start its server'],
    ['file', 'start its server'],
  ])('to %s names it, and what to do', async (name, hint) => {
    await writeFile(at('file'), '');
    await expect(host.connectUnix({ path: at(name), timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'HOST_CONNECTION_FAILED',
      subject: at(name),
      hint: expect.stringContaining(hint) as string,
    });
  });

  it('is aborted by the caller', async () => {
    const reason = new Error('interrupted');
    const attempt = host.connectUnix({ path: at('a'), timeoutMs: 5000, signal: AbortSignal.abort(reason) });
    await expect(attempt).rejects.toBe(reason);
  });
});
