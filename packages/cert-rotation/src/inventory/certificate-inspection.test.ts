import { createLocalHost, hostPath } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { buildChain, detailCertificate, parseCertificate, parseCertificates } from '@kube-rescue/x509';
import { once } from 'node:events';
import { createServer as createPlainServer, type AddressInfo, type Server } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { inspectLocation } from './certificate-inspection.ts';
import { kubeadmNode, type Node, NOW, putFile } from '../kubeadm-node.fixture.ts';
import { makePair, openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { parseServerAddress } from './server-certificates.ts';

const PKI = '/etc/kubernetes/pki';

/** OpenSSL's text of an extension, without its heading and spaces. */
const flat = (text: string): string =>
  text
    .replace(/^.*:\s*(?:critical)?\s*\n/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();

function inspect({ host, input }: Node, target: string) {
  const file = { path: hostPath(target.startsWith('/') ? target : `/${target}`), reader: host };
  return inspectLocation({ target, node: input, file }, { host, clock: { now: () => NOW } });
}

describe('an inspected certificate', () => {
  it.each(['RSA 2048', 'ECDSA P-384'] as const)('has the fields that OpenSSL shows (%s)', (leaf) => {
    using openssl = openOpenSsl();
    const names = 'DNS:a.example,DNS:*.b.example,IP:10.0.0.1,IP:fd00::1,URI:spiffe://x/y,email:a@b.example';
    const extensions = [
      `subjectAltName=${names}`,
      'keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement,decipherOnly',
      'extendedKeyUsage=serverAuth,clientAuth,1.3.6.1.4.1.311.20.2.2',
      'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid',
    ].join('\n');
    makePair(openssl, { ca: 'ECDSA P-256', leaf, subject: '/O=a+OU=b/CN=Jürgen', extensions });
    const details = detailCertificate(parseCertificates(openssl.read('old.crt'), 'x')[0], NOW);
    const ext = (name: string): string => flat(openssl.run(`x509 -in old.crt -noout -ext ${name}`));
    expect(
      details.subjectAltNames.join(', ').replaceAll('IP:', 'IP Address:').replace('fd00::1', 'FD00:0:0:0:0:0:0:1'),
    ).toBe(ext('subjectAltName'));
    expect(details.keyUsage).toEqual(['digitalSignature', 'keyEncipherment', 'keyAgreement', 'decipherOnly']);
    expect(ext('keyUsage')).toBe('Digital Signature, Key Encipherment, Key Agreement, Decipher Only');
    expect(details.extendedKeyUsage).toEqual(['serverAuth', 'clientAuth', '1.3.6.1.4.1.311.20.2.2']);
    const colons = (hex: string | null): string => (hex ?? '').toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
    expect(colons(details.subjectKeyIdentifier)).toBe(ext('subjectKeyIdentifier'));
    expect(colons(details.authorityKeyIdentifier)).toBe(ext('authorityKeyIdentifier').replace('keyid:', ''));
    expect(openssl.run('x509 -in old.crt -noout -serial').trim()).toBe(`serial=${details.serialNumber}`);
    expect(details).toMatchObject({ keyAlgorithm: leaf, isCaCertificate: false, pathLength: null });
    expect(details.subject).toContain('CN=Jürgen');
  });

  it('is found by its id, with its key and its chain', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    expect(await inspect(node, 'etcd/server')).toMatchObject([
      { location: `${PKI}/etcd/server.crt`, keyMatches: true, chain: ['CN=etcd-ca'], chainFlaw: null },
    ]);
    expect(await inspect(node, 'ca/cluster')).toMatchObject([{ keyMatches: true, isCaCertificate: true, chain: [] }]);
    await expectCode(inspect(node, 'super-admin.conf'), 'PKI_CERTIFICATE_MISSING');
  });

  it('is found in a bundle, a kubeconfig and a DER file at any path', async () => {
    const other = await kubeadmNode({ algorithm: 'ecdsa' });
    const node = await kubeadmNode({ algorithm: 'ecdsa', caBundle: true }, (files, { pairs }) => {
      const { certificate, key } = pairs['etcd/server'];
      putFile(
        files,
        '/bundle.pem',
        `junk\r\n${certificate.replaceAll('\n', '\r\n')}more${pairs.ca.certificate.trimEnd()}`.replace(
          'more-',
          'more\n-',
        ),
      );
      putFile(files, '/wrong.crt', certificate);
      putFile(files, '/wrong.key', pairs.ca.key);
      putFile(files, '/combined.pem', key + certificate);
      putFile(files, '/foreign.pem', other.pki.pairs.apiserver.certificate);
      files.set(hostPath('/x.der'), { kind: 'file', bytes: parseCertificates(certificate, 'x')[0].der, mode: 0o644 });
    });
    expect(await inspect(node, '/bundle.pem')).toMatchObject([
      { part: '1 of 2', keyMatches: null },
      { part: '2 of 2' },
    ]);
    expect(await inspect(node, '/wrong.crt')).toMatchObject([{ keyMatches: false }]);
    expect(await inspect(node, '/combined.pem')).toMatchObject([{ keyMatches: true }]);
    expect(await inspect(node, '/x.der')).toMatchObject([{ subject: 'CN=node01' }]);
    expect(await inspect(node, '/foreign.pem')).toMatchObject([
      { chainFlaw: expect.stringMatching(/^the issuer of .* is not known$/) },
    ]);
    expect((await inspect(node, '/etc/kubernetes/admin.conf')).map(({ part }) => part)).toEqual([
      'client certificate',
      'trusted CA 1 of 2',
      'trusted CA 2 of 2',
    ]);
    await expectCode(inspect(node, '/nothing'), 'PKI_CERTIFICATE_MISSING');
    await expectCode(inspect(node, `${PKI}/ca.key`), 'PKI_PEM_INVALID');
  });
});

describe('a server', () => {
  const listen = async (server: Server): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const ask = (port: number) =>
    inspectLocation(
      { target: `127.0.0.1:${port}`, file: { path: hostPath('/x'), reader: createLocalHost() } },
      { host: createLocalHost(), clock: { now: () => NOW } },
    );

  it('shows the certificates that it presents, in their order, although no CA of this node signed them', async () => {
    const { pki } = await kubeadmNode({ expired: ['etcd/server'] });
    const { certificate, key } = pki.pairs['etcd/server'];
    const server = createServer({ cert: certificate + pki.pairs['etcd/ca'].certificate, key, requestCert: true });
    const port = await listen(server);
    try {
      const seen = await ask(port);
      expect(seen.map(({ subject, part }) => [subject, part])).toEqual([
        ['CN=node01', '1 of 2'],
        ['CN=etcd-ca', '2 of 2'],
      ]);
      expect(seen[0]).toMatchObject({ chain: ['CN=etcd-ca'], chainFlaw: null, keyMatches: null });
    } finally {
      server.close();
    }
  });

  it('without TLS is reported, and an unreachable one too', async () => {
    const server = createPlainServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume().end('hello\n');
    });
    const port = await listen(server);
    await expectCode(ask(port), 'PKI_SERVER_SILENT');
    server.close();
    await once(server, 'close');
    await expectCode(ask(port), 'HOST_CONNECTION_FAILED');
  });

  it.each([
    ['127.0.0.1:6443', { host: '127.0.0.1', port: 6443 }],
    ['[::1]:6443', { host: '::1', port: 6443 }],
    ['api.example.com:443', { host: 'api.example.com', port: 443 }],
    ['etcd/server', undefined],
    ['/etc/x:443', undefined],
    ['x:0', undefined],
    ['x:65536', undefined],
    ['::1:443', undefined],
  ])('has the address "%s" or not', (text, expected) => {
    expect(parseServerAddress(text)).toEqual(expected);
  });
});

describe('a chain', () => {
  /** CAs as `NAME: ISSUER`, each with a key of its own; made in order. */
  function cas(openssl: ReturnType<typeof openOpenSsl>, chain: Readonly<Record<string, readonly [string, string]>>) {
    for (const [name, [issuer, constraints]] of Object.entries(chain)) {
      openssl.run(`genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ${name}.key`);
      openssl.write('ext', `basicConstraints=critical,${constraints}\nsubjectKeyIdentifier=hash\n`);
      openssl.run(`req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`);
      const signer = issuer === name ? `-signkey ${name}.key` : `-CA ${issuer}.crt -CAkey ${issuer}.key`;
      openssl.run(`x509 -req -in ${name}.csr ${signer} -set_serial 5 -days 9 -extfile ext -out ${name}.crt`);
    }
    return Object.keys(chain).map((name) => parseCertificates(openssl.read(`${name}.crt`), name)[0]);
  }

  it('ends where a path length or a missing CA ends it', () => {
    using openssl = openOpenSsl();
    const known = cas(openssl, {
      root: ['root', 'CA:TRUE,pathlen:0'],
      middle: ['root', 'CA:TRUE'],
      low: ['middle', 'CA:TRUE'],
      leaf: ['low', 'CA:FALSE'],
      below: ['leaf', 'CA:FALSE'],
    });
    const [root, middle, low, leaf, below] = known;
    if (!root || !middle || !low || !leaf || !below) throw new Error('not made');
    expect(buildChain(middle, known)).toMatchObject({ flaw: undefined, certificates: { length: 2 } });
    expect(buildChain(leaf, known).flaw).toContain('CN=root allows fewer CAs');
    expect(buildChain(below, known).flaw).toContain('CN=leaf is not a CA');
    expect(buildChain(leaf, [root, middle]).flaw).toContain('the issuer of CN=leaf is not known');
  });

  it('of certificates with one name and different keys takes the one that signed', () => {
    using openssl = openOpenSsl();
    const [first] = cas(openssl, { twin: ['twin', 'CA:TRUE'] });
    const [second, leaf] = cas(openssl, { twin: ['twin', 'CA:TRUE'], leaf: ['twin', 'CA:FALSE'] });
    if (!first || !second || !leaf) throw new Error('not made');
    expect(buildChain(leaf, [first, second]).certificates.at(-1)).toBe(second);
    expect(buildChain(leaf, [first]).flaw).toContain('not known');
  });

  it('of two CAs that signed each other ends', () => {
    using openssl = openOpenSsl();
    cas(openssl, { a: ['a', 'CA:TRUE'], b: ['b', 'CA:TRUE'] });
    const cross = (name: string, issuer: string) => {
      openssl.write('ext', 'basicConstraints=critical,CA:TRUE\n');
      openssl.run(
        `x509 -req -in ${name}.csr -CA ${issuer}.crt -CAkey ${issuer}.key -set_serial 6 -days 9 -extfile ext -out x.crt`,
      );
      return parseCertificates(openssl.read('x.crt'), name)[0];
    };
    const known = [cross('a', 'b'), cross('b', 'a')];
    expect(buildChain(known[0] as never, known).flaw).toBe('its certificates sign each other in a loop');
  });
});

it('a certificate with a negative serial number, a huge one and dates past 2050 is read like any other', () => {
  using openssl = openOpenSsl();
  openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.key');
  for (const serial of ['-7', `0x7f${'ab'.repeat(19)}`]) {
    openssl.run(`req -x509 -new -key k.key -subj /CN=x -days 36500 -set_serial ${serial} -out c.crt`);
    const certificate = parseCertificate(parseCertificates(openssl.read('c.crt'), 'x')[0].der, 'x');
    expect(certificate.notAfter.getUTCFullYear()).toBeGreaterThan(2100);
    expect(detailCertificate(certificate, NOW).serialNumber).not.toBe('');
  }
});
