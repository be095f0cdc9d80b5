import { createLocalHost, systemClock } from '@kube-rescue/host';
import { buildEtcdPki, type EtcdPki, type EtcdPkiOptions, expectCode } from '@kube-rescue/testing';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openEtcd } from '../client/open-etcd.ts';
import type { EtcdTls } from './tls-options.ts';

const deps = { host: createLocalHost(), clock: systemClock };
const servers: Http2SecureServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

/** A server with just enough HTTP/2 for a connection. */
async function listen({ certificate, key }: EtcdPki['server']): Promise<string> {
  const server = createSecureServer({ cert: certificate, key });
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function connectTo(options: EtcdPkiOptions, tls: Partial<EtcdTls> = {}) {
  const pki = await buildEtcdPki(options);
  const endpoint = await listen(pki.server);
  const client = await openEtcd({ endpoints: [endpoint], tls: { ca: pki.ca.certificate, ...tls } }, deps);
  const identity = await client.serverIdentity(endpoint);
  client.close();
  return identity;
}

const acceptExpiredServer = true;

describe.each([{ acceptExpiredServer: false }, { acceptExpiredServer: true }])('a server of etcd, with %o', (tls) => {
  it('is trusted when its certificate was signed by the CA', async () => {
    expect(await connectTo({}, tls)).toMatchObject({ subject: 'CN=node01', isExpired: false });
  });

  it('is trusted through a presented intermediate CA', async () => {
    expect(await connectTo({ intermediate: true }, tls)).toMatchObject({ isExpired: false });
  });

  it.each([{}, { expiredServer: true }])(
    'is refused when another CA of the same name signed it: %o',
    async (options) => {
      const { ca } = await buildEtcdPki();
      await expectCode(connectTo(options, { ...tls, ca: ca.certificate }), 'ETCD_TLS_UNTRUSTED');
    },
  );

  it.each([{}, { expiredServer: true }])('is refused when its certificate is for another name: %o', async (options) => {
    const refused = await expectCode(
      connectTo({ ...options, serverNames: 'DNS:etcd-0.example.com,IP:10.0.0.1' }, tls),
      'ETCD_NAME_MISMATCH',
    );
    expect(refused.message).toContain('etcd-0.example.com');
  });

  it('is trusted by the requested server name', async () => {
    const names = { serverNames: 'DNS:etcd-0.example.com' };
    expect(await connectTo(names, { ...tls, serverName: 'etcd-0.example.com' })).toMatchObject({ isExpired: false });
    await expectCode(connectTo(names, { ...tls, serverName: 'etcd-1.example.com' }), 'ETCD_NAME_MISMATCH');
  });

  it.each([{}, { expiredServer: true }])('is refused with a self-signed certificate: %o', async (options) => {
    const { ca } = await buildEtcdPki();
    const self = await buildEtcdPki(options);
    const endpoint = await listen(self.ca);
    const attempt = openEtcd({ endpoints: [endpoint], tls: { ...tls, ca: ca.certificate } }, deps);
    await expectCode(attempt, 'ETCD_TLS_UNTRUSTED');
  });

  it.each([
    ['an intermediate that is no CA', ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature']],
    ['an intermediate that may not sign', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign']],
    ['an intermediate for clients only', ['basicConstraints=critical,CA:TRUE', 'extendedKeyUsage=clientAuth']],
  ])('is refused when it comes from %s, expired or not', async (_, intermediateExtensions) => {
    const options = { intermediate: true, intermediateExtensions };
    await expectCode(connectTo(options, tls), 'ETCD_TLS_UNTRUSTED');
    await expectCode(connectTo({ ...options, expiredServer: true }, tls), 'ETCD_TLS_UNTRUSTED');
  });

  it.each([
    ['for clients only', ['extendedKeyUsage=clientAuth']],
    ['for signing certificates only', ['keyUsage=critical,keyCertSign']],
    ['with an unknown critical extension', ['1.2.3.4=critical,DER:0500']],
  ])('is refused when its certificate is %s, expired or not', async (_, serverExtensions) => {
    await expectCode(connectTo({ serverExtensions }, tls), 'ETCD_TLS_UNTRUSTED');
    await expectCode(connectTo({ serverExtensions, expiredServer: true }, tls), 'ETCD_TLS_UNTRUSTED');
  });
});

describe('an expired server of etcd', () => {
  it.each([
    ['its own certificate', { expiredServer: true }],
    ['its own certificate, behind an intermediate one', { expiredServer: true, intermediate: true }],
    ['the CA', { expiredCa: true }],
  ])('is refused by default and accepted on request, with an expired certificate: %s', async (_, options) => {
    const refused = await expectCode(connectTo(options), 'ETCD_SERVER_EXPIRED');
    expect(refused.message).toMatch(/is genuine .* expired on \d{4}-/);
    expect(await connectTo(options, { acceptExpiredServer })).toMatchObject({ isExpired: true });
  });

  it('is refused when it is not valid yet, even when expired servers are accepted', async () => {
    const now = new Date(Date.now() + 60 * 24 * 60 * 60 * 1000);
    await expectCode(connectTo({ now }, { acceptExpiredServer }), 'ETCD_TLS_UNTRUSTED');
  });

  it('is refused when a CA has name constraints, which are not evaluated', async () => {
    const intermediateExtensions = [
      'basicConstraints=critical,CA:TRUE',
      'nameConstraints=permitted;IP:127.0.0.0/255.0.0.0',
    ];
    const options = { intermediate: true, intermediateExtensions, serverNames: 'IP:127.0.0.1' };
    expect(await connectTo(options)).toMatchObject({ isExpired: false });
    await expectCode(connectTo({ ...options, expiredServer: true }, { acceptExpiredServer }), 'ETCD_TLS_UNTRUSTED');
  });

  it('is refused when the path of CAs is longer than allowed by the CA', async () => {
    const caExtensions = ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'];
    const options = { caExtensions, expiredServer: true };
    expect(await connectTo(options, { acceptExpiredServer })).toMatchObject({ isExpired: true });
    await expectCode(connectTo({ ...options, intermediate: true }, { acceptExpiredServer }), 'ETCD_TLS_UNTRUSTED');
  });
});

describe('credentials', () => {
  it('are refused without a CA certificate', async () => {
    await expectCode(connectTo({}, { ca: 'no PEM' }), 'ETCD_CREDENTIALS_INVALID');
  });

  it('are refused when the key does not match, without its content', async () => {
    const { client } = await buildEtcdPki();
    const { client: other } = await buildEtcdPki();
    const mixed = { certificate: client.certificate, key: other.key };
    const refused = await expectCode(connectTo({}, { client: mixed }), 'ETCD_CREDENTIALS_INVALID');
    expect(JSON.stringify(refused)).not.toContain(other.key.split('\n')[1]);
  });

  it('are required for an https endpoint', async () => {
    await expectCode(openEtcd({ endpoints: ['https://127.0.0.1:1'] }, deps), 'ETCD_CREDENTIALS_INVALID');
  });
});
