import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createLocalHost } from '@kube-rescue/host';
import { buildPki, expectCode, type Pki } from '@kube-rescue/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

const host = createLocalHost();
const timeoutMs = 5000;
let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function httpsServer({ pairs }: Pki, pair: 'etcd/server' | 'apiserver', handler: http.RequestListener): https.Server {
  const { certificate, key } = pairs[pair];
  const clients = { requestCert: true, rejectUnauthorized: false, ca: pairs['etcd/ca'].certificate };
  return https.createServer({ cert: certificate, key, ...clients }, handler);
}

describe.each(['rsa', 'ecdsa'] as const)('a request over TLS with %s keys', (algorithm) => {
  let pki: Pki;
  let expired: Pki;
  beforeAll(async () => {
    [pki, expired] = await Promise.all([
      buildPki({ algorithm, address: '127.0.0.1' }),
      buildPki({ algorithm, address: '127.0.0.1', expired: ['etcd/server'] }),
    ]);
  });

  it('reports the certificate of the peer as signed by its CA', async () => {
    const port = await listen(httpsServer(pki, 'etcd/server', (_, response) => response.end('ok')));
    const ca = pki.pairs['etcd/ca'].certificate;
    const answer = await host.request({ url: `https://127.0.0.1:${port}/health`, timeoutMs, ca });
    expect(answer).toMatchObject({ status: 200, body: 'ok', peer: { trusted: true, reason: undefined } });
    expect(answer.peer?.serialNumber).toMatch(/^[0-9A-F]+$/);
    expect(answer.peer?.validTo.getTime()).toBeGreaterThan(Date.now());
  });

  it('accepts an expired peer and reports the expiry', async () => {
    const port = await listen(httpsServer(expired, 'etcd/server', (_, response) => response.end('ok')));
    const ca = expired.pairs['etcd/ca'].certificate;
    const answer = await host.request({ url: `https://127.0.0.1:${port}/`, timeoutMs, ca });
    expect(answer).toMatchObject({ status: 200, peer: { trusted: false, reason: 'CERT_HAS_EXPIRED' } });
  });

  it('trusts no peer without a CA, and no peer with another name', async () => {
    const port = await listen(httpsServer(pki, 'etcd/server', (_, response) => response.end()));
    const bare = await host.request({ url: `https://127.0.0.1:${port}/`, timeoutMs });
    expect(bare.peer?.trusted).toBe(false);
    const ca = pki.pairs['etcd/ca'].certificate;
    const named = await listen(httpsServer(pki, 'apiserver', (_, response) => response.end()));
    const other = await host.request({ url: `https://127.0.0.1:${named}/`, timeoutMs, ca });
    expect(other.peer?.trusted).toBe(false);
    const server = httpsServer(await buildPki({ algorithm, address: '10.0.0.9' }), 'apiserver', (_, response) => {
      response.end();
    });
    const elsewhere = await listen(server);
    const misnamed = await host.request({ url: `https://127.0.0.1:${elsewhere}/`, timeoutMs, ca });
    expect(misnamed.peer?.trusted).toBe(false);
  });

  it('presents its client certificate', async () => {
    const server = httpsServer(pki, 'etcd/server', ({ socket }, response) => {
      const peer = (socket as TLSSocket).getPeerCertificate();
      response.end(`${String((socket as TLSSocket).authorized)} ${String(peer.subject.CN)}`);
    });
    const { certificate, key } = pki.pairs['apiserver-etcd-client'];
    const url = `https://127.0.0.1:${await listen(server)}/`;
    const { body } = await host.request({ url, timeoutMs, client: { certificate, key } });
    expect(body).toBe('true kube-apiserver-etcd-client');
  });

  it('reports a client key of another certificate, without printing it', async () => {
    const { certificate } = pki.pairs['apiserver-etcd-client'];
    const { key } = pki.pairs.ca;
    const probe = { url: 'https://127.0.0.1:1/', timeoutMs, client: { certificate, key } };
    const failure = await expectCode(host.request(probe), 'HOST_CONNECTION_FAILED');
    expect(JSON.stringify(failure)).not.toContain(key.split('\n')[1]);
  });
});

function answering(handler: http.RequestListener): Promise<number> {
  return listen(http.createServer(handler));
}

describe('a request', () => {
  it('does not follow a redirect', async () => {
    const port = await answering((_, response) => response.writeHead(302, { location: '/elsewhere' }).end('moved'));
    const answer = await host.request({ url: `http://127.0.0.1:${port}/`, timeoutMs });
    expect(answer).toEqual({ status: 302, body: 'moved', date: expect.any(Date) });
  });

  it('connects to the given address, with the host name of its URL', async () => {
    const port = await answering(({ headers }, response) => response.end(headers.host));
    const answer = await host.request({ url: `http://shop.test:${port}/`, address: '127.0.0.1', timeoutMs });
    expect(answer.body).toBe(`shop.test:${port}`);
  });

  it('refuses an endless answer at 4 MiB', async () => {
    const port = await answering((_, response) => {
      const chunk = 'x'.repeat(100_000);
      const pump = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', pump);
      pump();
    });
    const url = `http://127.0.0.1:${port}/`;
    const failure = await expectCode(host.request({ url, timeoutMs }), 'HOST_ANSWER_TOO_LARGE');
    expect(failure.message).toContain(String(4 * 1024 * 1024));
  });

  it('reports that nothing listens, with the address', async () => {
    const port = await answering(() => undefined);
    servers.pop()?.close();
    const url = `http://me:hunter2@127.0.0.1:${port}/readyz?token=hunter2`;
    const failure = await expectCode(host.request({ url, timeoutMs }), 'HOST_CONNECTION_FAILED');
    expect(failure.subject).toBe(`http://127.0.0.1:${port}/readyz`);
    expect(failure.message).toContain('ECONNREFUSED');
  });

  it.each(['before the answer', 'in the middle of it'])('times out, %s', async (when) => {
    const port = await answering((_, response) => {
      if (when === 'during the answer') response.write('half');
    });
    const url = `http://127.0.0.1:${port}/`;
    const failure = await expectCode(host.request({ url, timeoutMs: 100 }), 'HOST_CONNECTION_FAILED');
    expect(failure.message).toContain('no response within 100 ms');
  });

  it('reports a peer with another protocol', async () => {
    const port = await listen(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
    await expectCode(host.request({ url: `http://127.0.0.1:${port}/`, timeoutMs }), 'HOST_CONNECTION_FAILED');
    await expectCode(host.request({ url: `https://127.0.0.1:${port}/`, timeoutMs }), 'HOST_CONNECTION_FAILED');
  });

  it('rejects with the reason of its signal', async () => {
    const asked = Promise.withResolvers<void>();
    const port = await answering(() => asked.resolve());
    const stop = new AbortController();
    const request = host.request({ url: `http://127.0.0.1:${port}/`, timeoutMs, signal: stop.signal });
    await asked.promise;
    stop.abort(new Error('stopped by the operator'));
    await expect(request).rejects.toThrow('stopped by the operator');
  });
});
