import { createLocalHost, type Host, systemClock } from '@kube-rescue/host';
import {
  buildEtcdPki,
  type FaultyProxy,
  type EtcdPki,
  expectCode,
  requireProgram,
  type RunningEtcd,
  startFaultyProxy,
  startEtcd,
} from '@kube-rescue/testing';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEtcd } from '../client/open-etcd.ts';
import { type EtcdClient } from '../client/etcd-client.ts';

const deps = { host: createLocalHost(), clock: systemClock };
const key = new TextEncoder().encode('/registry/secrets/default/a');
const value = new TextEncoder().encode('new');

describe('a server that is not etcd', () => {
  let pki: EtcdPki;
  const servers: Server[] = [];
  beforeAll(async () => {
    pki = await buildEtcdPki();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(server: Server): Promise<number> {
    server.on('connection', (socket) => socket.unref().on('error', () => undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** @param timeoutMs long by default: every server here answers, on a busy machine late */
  async function ask(url: string, timeoutMs = 60_000): Promise<unknown> {
    const options = {
      endpoints: [url],
      tls: { ca: pki.ca.certificate },
      connectTimeoutMs: timeoutMs,
      requestTimeoutMs: timeoutMs,
    };
    const client = await openEtcd(options, deps);
    try {
      return await client.get(key);
    } finally {
      client.close();
    }
  }

  it('is reported as unreachable when the connection is refused', async () => {
    await expectCode(ask('https://127.0.0.1:1'), 'ETCD_UNREACHABLE');
  });

  it('is reported as a timeout when it never responds', async () => {
    const port = await listen(createServer(() => undefined));
    await expectCode(ask(`https://127.0.0.1:${port}`, 500), 'ETCD_TIMEOUT');
    await expectCode(ask(`http://127.0.0.1:${port}`, 500), 'ETCD_TIMEOUT');
  });

  it('is recognised when it speaks HTTP/1', async () => {
    const port = await listen(createHttpServer((_, response) => response.end('hello')));
    await expectCode(ask(`http://127.0.0.1:${port}`), 'ETCD_NOT_ETCD');
    await expectCode(ask(`https://127.0.0.1:${port}`), 'ETCD_NOT_ETCD');
  });

  it('is recognised when it speaks HTTPS without HTTP/2', async () => {
    const server = createHttpsServer({ cert: pki.server.certificate, key: pki.server.key }, (_, response) =>
      response.end(),
    );
    const port = await listen(server);
    await expectCode(ask(`https://127.0.0.1:${port}`), 'ETCD_NOT_ETCD');
  });

  it('is recognised when it sends garbage over TLS', async () => {
    const server = createTlsServer({ cert: pki.server.certificate, key: pki.server.key }, (socket) => {
      socket.on('error', () => undefined);
      socket.write('220 mail.example.com ESMTP\r\n'.repeat(10));
    });
    const port = await listen(server);
    await expectCode(ask(`https://127.0.0.1:${port}`), 'ETCD_NOT_ETCD');
  });

  it.each([
    ['answers like a web server', { ':status': 200, 'content-type': 'text/html' }, '<html>'],
    ['answers with an error page', { ':status': 502 }, 'Bad gateway'],
    [
      'answers with garbage for a message',
      { ':status': 200, 'content-type': 'application/grpc' },
      '\0\0\0\0\x03\xff\xff\xff',
    ],
    ['announces a message of 4 GiB', { ':status': 200, 'content-type': 'application/grpc' }, '\0\xff\xff\xff\xff'],
    ['compresses', { ':status': 200, 'content-type': 'application/grpc' }, '\x01\0\0\0\0'],
    ['answers with half a message', { ':status': 200, 'content-type': 'application/grpc' }, '\0\0\0\0\x09half'],
    ['answers with nothing', { ':status': 200, 'content-type': 'application/grpc' }, ''],
  ])('is recognised when it speaks HTTP/2 and %s', async (_, headers, body) => {
    const server = createSecureServer({ cert: pki.server.certificate, key: pki.server.key });
    server.on('sessionError', () => undefined);
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond(headers, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from(body, 'latin1'));
    });
    const port = await listen(server);
    const refused = ask(`https://127.0.0.1:${port}`);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^ETCD_(NOT_ETCD|TOO_LARGE)$/) });
  });

  it.each(['ftp://127.0.0.1:2379', 'unix:///run/etcd.sock', 'https://user:secret@127.0.0.1', 'https://h/v2', ':', ''])(
    'is refused for an invalid endpoint: %j',
    async (url) => {
      const refused = await openEtcd({ endpoints: [url] }, deps).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'ETCD_ENDPOINT_INVALID' });
      expect(String(refused)).not.toContain('secret');
    },
  );
});

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a connection that is cut', () => {
  let etcd: RunningEtcd;
  let proxy: FaultyProxy;
  let client: EtcdClient;
  /** Open connections of the client. */
  const sockets = new Set<Duplex>();
  beforeAll(async () => {
    etcd = await startEtcd();
    proxy = await startFaultyProxy(etcd.members[0].port);
    const tls = { ca: etcd.pki?.ca.certificate ?? '', client: etcd.pki?.client };
    const endpoints = [`https://127.0.0.1:${proxy.port}`, `https://localhost:${proxy.port}`];
    const connect: Host['connect'] = async (target) => {
      const socket = await deps.host.connect(target);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    };
    client = await openEtcd({ endpoints, tls, requestTimeoutMs: 2000 }, { ...deps, host: { ...deps.host, connect } });
  });
  afterAll(async () => {
    client.close();
    await proxy.close();
    await etcd.stop();
  });

  /** Closes every connection; resolves when the client has noticed. */
  async function cutAll(): Promise<void> {
    const closed = [...sockets].map((socket) => once(socket, 'close'));
    proxy.disconnect();
    await Promise.all(closed);
    await nextTurn();
  }

  it('during a transaction leaves the outcome unknown, and reading resolves it', async () => {
    const before = await client.compareAndSwap({ key, modRevision: 0n, value: new Uint8Array() });
    proxy.dropAnswers();
    const write = client.compareAndSwap({ key, modRevision: before.revision, value });
    await expectCode(write, 'ETCD_OUTCOME_UNKNOWN');
    proxy.restore();
    const after = await client.get(key);
    expect(after?.value).toEqual(value);
    // Once, although there was another endpoint.
    expect(after?.version).toBe(2n);
  });

  it('before a write is reopened, and the write is made', async () => {
    await cutAll();
    const { modRevision } = (await client.get(key)) ?? { modRevision: 0n };
    await cutAll();
    expect((await client.compareAndSwap({ key, modRevision, value: new Uint8Array() })).succeeded).toBe(true);
  });

  it('during a read fails the read, which can be repeated', async () => {
    proxy.dropAnswers();
    await expectCode(client.get(key), 'ETCD_UNREACHABLE');
    proxy.restore();
    expect(await client.get(key)).toBeDefined();
  });

  it('has an unknown outcome too when the caller aborts a write', async () => {
    etcd.members[0].pause();
    const modRevision = 0n;
    const interrupt = new AbortController();
    // Larger than other HTTP/2 frames, smaller than one flight.
    const large = new Uint8Array(48 * 1024);
    const sent = proxy.received(large.length / 2);
    const write = client.compareAndSwap({ key, modRevision, value: large, signal: interrupt.signal });
    await sent;
    interrupt.abort(new Error('interrupted'));
    await expectCode(write, 'ETCD_OUTCOME_UNKNOWN');
    etcd.members[0].resume();
    await expectCode(late(client, etcd), 'ETCD_OUTCOME_UNKNOWN');
  });
});

/** A write to an etcd that times out. */
async function late(client: EtcdClient, etcd: RunningEtcd): Promise<void> {
  await client.get(key);
  etcd.members[0].pause();
  try {
    await client.compareAndSwap({ key, modRevision: 0n, value });
  } finally {
    etcd.members[0].resume();
  }
}
