import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { type HostPath, hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { CA_NAMES, LEAF_NAMES } from './kubeadm-certificates.ts';
import { buildPki, type KeyPair, type Pki } from './pki.ts';

const NOW = new Date('2026-05-06T07:08:09Z');

function textOf({ tree }: Pki, path: HostPath | string): string | undefined {
  const entry = tree.get(hostPath(path));
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : undefined;
}

function isPair({ certificate, key }: KeyPair): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

function isValid({ certificate }: KeyPair, at: Date): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return validFromDate <= at && at <= validToDate;
}

describe.each([
  ['rsa', 'BEGIN RSA PRIVATE KEY'],
  ['ecdsa', 'BEGIN EC PRIVATE KEY'],
] as const)('the PKI of a node with %s keys', (algorithm, label) => {
  it('is consistent: keys match, each certificate has one issuer, validities include now', async () => {
    const { pairs } = await buildPki({ algorithm, now: NOW });
    expect(Object.keys(pairs).toSorted()).toEqual([...CA_NAMES, ...LEAF_NAMES].toSorted());
    const cas = CA_NAMES.map((name) => new X509Certificate(pairs[name].certificate));
    const entries = Object.entries(pairs);
    expect(entries.filter(([, pair]) => !isPair(pair) || !isValid(pair, NOW))).toEqual([]);
    expect(entries.filter(([, { key }]) => !key.includes(label))).toEqual([]);
    const issuersOf = ({ certificate }: KeyPair): number => {
      const parsed = new X509Certificate(certificate);
      return cas.filter((ca) => parsed.checkIssued(ca) && parsed.verify(ca.publicKey)).length;
    };
    expect(entries.filter(([, pair]) => issuersOf(pair) !== 1)).toEqual([]);
  });

  it('breaks the requested certificates and no others', async () => {
    const { pairs, tree } = await buildPki({
      algorithm,
      now: NOW,
      expired: ['apiserver', 'etcd/ca'],
      notYetValid: ['admin.conf'],
      wrongKey: ['etcd/peer'],
      missingCaKeys: ['front-proxy-ca'],
    });
    const entries = Object.entries(pairs);
    const invalid = entries.filter(([, pair]) => !isValid(pair, NOW)).map(([name]) => name);
    expect(invalid.toSorted()).toEqual(['admin.conf', 'apiserver', 'etcd/ca']);
    expect(new X509Certificate(pairs['admin.conf'].certificate).validFromDate > NOW).toBe(true);
    expect(entries.filter(([, pair]) => !isPair(pair)).map(([name]) => name)).toEqual(['etcd/peer']);
    expect(tree.has(hostPath('/etc/kubernetes/pki/front-proxy-ca.crt'))).toBe(true);
    expect(tree.has(hostPath('/etc/kubernetes/pki/front-proxy-ca.key'))).toBe(false);
  });
});

describe('the files of a node', () => {
  it('contain the name and address of the node', async () => {
    const pki = await buildPki({ nodeName: 'cp-1', address: '192.0.2.7' });
    const apiserver = new X509Certificate(pki.pairs.apiserver.certificate);
    expect(apiserver.subjectAltName).toContain('DNS:cp-1, IP Address:10.96.0.1, IP Address:192.0.2.7');
    expect(new X509Certificate(pki.pairs['kubelet-client'].certificate).subject).toBe(
      'O=system:nodes\nCN=system:node:cp-1',
    );
    expect(textOf(pki, '/etc/kubernetes/scheduler.conf')).toContain('server: https://192.0.2.7:6443');
    expect(textOf(pki, '/etc/kubernetes/manifests/etcd.yaml')).toContain('--name=cp-1');
  });

  it('are in the requested certificates directory, and refer to it', async () => {
    const pki = await buildPki({ certificatesDir: hostPath('/srv/pki') });
    expect(textOf(pki, '/srv/pki/etcd/server.crt')).toBe(pki.pairs['etcd/server'].certificate);
    const referring = ['/etc/kubernetes/manifests/kube-apiserver.yaml', '/var/lib/kubelet/config.yaml'];
    for (const file of referring) {
      expect(textOf(pki, file)).toContain('/srv/pki/ca.crt');
      expect(textOf(pki, file)).not.toContain('/etc/kubernetes/pki');
    }
  });

  it('give the kubelet a dated PEM file behind a link', async () => {
    const pki = await buildPki({ now: NOW, kubeletAlgorithm: 'ecdsa', expired: ['kubelet-client'] });
    const link = pki.tree.get(hostPath('/var/lib/kubelet/pki/kubelet-client-current.pem'));
    const dated = '/var/lib/kubelet/pki/kubelet-client-2025-05-05-07-08-09.pem';
    expect(link).toEqual({ kind: 'link', target: dated });
    const { certificate, key } = pki.pairs['kubelet-client'];
    expect(textOf(pki, dated)).toBe(certificate + key);
    expect(key).toContain('BEGIN EC PRIVATE KEY');
    expect(pki.pairs.apiserver.key).toContain('BEGIN RSA PRIVATE KEY');
  });

  it('trust an older CA besides the current one on request', async () => {
    const pki = await buildPki({ caBundle: true, algorithm: 'ecdsa' });
    const [, data = ''] =
      /certificate-authority-data: (.*)/.exec(textOf(pki, '/etc/kubernetes/admin.conf') ?? '') ?? [];
    const bundle = Buffer.from(data, 'base64').toString();
    expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(bundle).toContain(pki.pairs.ca.certificate);
    expect(new X509Certificate(bundle).subject).toBe('CN=kubernetes');
  });

  it('are returned with every private key in them', async () => {
    const { tree, privateKeys } = await buildPki({ algorithm: 'ecdsa' });
    const pems = [...tree.values()].flatMap((entry) => {
      const text = entry.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
      const embedded = [...text.matchAll(/client-key-data: (.*)/g)].map(([, data = '']) => Buffer.from(data, 'base64'));
      return [text, ...embedded.map(String)].flatMap(
        (each) => each.match(/-----BEGIN \w+ PRIVATE KEY-----[^-]+/g) ?? [],
      );
    });
    const fingerprint = (pem: string): string => {
      return createPublicKey(privateKeys.find((key) => key.startsWith(pem)) ?? '')
        .export({ type: 'spki', format: 'pem' })
        .toString();
    };
    expect(new Set(pems.map(fingerprint)).size).toBe(privateKeys.length);
  });
});
