import { hostPath } from '@kube-rescue/host';
import { createFakeHost } from '@kube-rescue/testing';
import { findKind, type KindName } from '@kube-rescue/cluster-objects';
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { kubeadmNode, NOW } from '../kubeadm-node.fixture.ts';
import { forecastExpiry } from './expiry-forecast.ts';
import { issueCa, type Issued, issueLeaf } from './issued.fixture.ts';
import { inspectObject } from './object-inventory.ts';
import {
  inspectKubeconfigTrust,
  type ObservedCertificate,
  observedCertificateOf,
  observedCertificatesOf,
} from './observed-certificate.ts';
import { buildTrustGraph } from './trust-graph.ts';
import { findTrustDisagreements } from './trust-disagreement.ts';

const base64 = (value: string): string => Buffer.from(value).toString('base64');
const issuedNow = { now: NOW };

let node: readonly ObservedCertificate[];
let clusterCa: string;
let frontProxyCa: string;
let stranger: Issued;
beforeAll(async () => {
  const { host, input } = await kubeadmNode({ algorithm: 'ecdsa' });
  const inventory = await inspectCertificates(input, { host });
  node = observedCertificatesOf(inventory);
  const pemOf = (id: string): string => {
    const ca = inventory.cas.find((each) => each.id === id);
    return ca?.bundle.ok === true ? ca.bundle.value.map(({ x509 }) => x509.toString()).join('') : '';
  };
  [clusterCa, frontProxyCa] = [pemOf('cluster'), pemOf('front-proxy')];
  stranger = await issueCa('kubernetes', issuedNow);
});

function observe(kind: KindName, name: string, fields: object): readonly ObservedCertificate[] {
  const found = findKind(kind);
  const metadata = found.namespaced ? { name, namespace: 'default' } : { name };
  const object = { apiVersion: 'v1', kind, metadata, ...fields };
  return inspectObject({ kind: found, object }, { now: NOW }).flatMap(observedCertificateOf);
}
const serviceAccount = (name: string, ca: string) =>
  observe('Secret', name, { type: 'kubernetes.io/service-account-token', data: { 'ca.crt': base64(ca) } });
const extension = (client: string, proxy: string) =>
  observe('ConfigMap', 'extension-apiserver-authentication', {
    data: { 'client-ca-file': client, 'requestheader-client-ca-file': proxy },
  });
const tls = (name: string, { certificate }: Issued) =>
  observe('Secret', name, { type: 'kubernetes.io/tls', data: { 'tls.crt': base64(certificate) } });
const apiService = (ca: string) =>
  observe('APIService', 'a', { spec: { caBundle: base64(ca), service: { name: 'web', namespace: 'default' } } });

describe('trust', () => {
  it('has no disagreement in a healthy cluster, with bundles and a former CA', () => {
    const healthy = [
      ...node,
      ...serviceAccount('a', clusterCa),
      ...serviceAccount('b', stranger.certificate + clusterCa),
      ...extension(clusterCa, frontProxyCa),
    ];
    expect(findTrustDisagreements(healthy)).toEqual([]);
  });

  it('disagrees where service accounts trust another CA than the CA of the API server', () => {
    const stale = ['a', 'b', 'c'].flatMap((name) => serviceAccount(name, stranger.certificate));
    const root = observe('ConfigMap', 'kube-root-ca.crt', { data: { 'ca.crt': stranger.certificate } });
    const fingerprint = (pem: string): string =>
      new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 8);
    const [disagreement, ...others] = findTrustDisagreements([
      ...node,
      ...stale,
      ...root,
      ...serviceAccount('ok', clusterCa),
    ]);
    expect(others).toEqual([]);
    expect(disagreement).toMatchObject({
      code: 'TRUST_API_SERVER',
      message: `3 Secrets and 1 ConfigMap trust CN=kubernetes (${fingerprint(stranger.certificate)}), but the API server presents a certificate of CN=kubernetes (${fingerprint(clusterCa)})`,
      locations: ['a', 'b', 'c']
        .map((name) => `Secret default/${name} ca.crt`)
        .concat('ConfigMap default/kube-root-ca.crt ca.crt'),
      presentedAt: '/etc/kubernetes/pki/apiserver.crt',
    });
  });

  it('disagrees where extension API servers trust other CAs for clients and front proxy', () => {
    const codes = findTrustDisagreements([...node, ...extension(stranger.certificate, clusterCa)]).map(
      ({ code }) => code,
    );
    expect(codes.toSorted()).toEqual(['TRUST_CLIENT', 'TRUST_FRONT_PROXY']);
  });

  it('compares a caBundle with the certificate of its service, if known', async () => {
    const served = await issueLeaf('web', { issuer: stranger, names: ['web.default.svc'], ...issuedNow });
    const other = await issueLeaf('other', { issuer: stranger, names: ['other.default.svc'], ...issuedNow });
    expect(findTrustDisagreements([...apiService(clusterCa), ...tls('other', other)])).toEqual([]);
    expect(findTrustDisagreements([...apiService(stranger.certificate), ...tls('web', served)])).toEqual([]);
    expect(findTrustDisagreements([...apiService(served.certificate), ...tls('web', served)])).toEqual([]);
    const former = await issueLeaf('web', { names: ['web.default.svc'], ...issuedNow });
    const both = [...apiService(stranger.certificate), ...tls('former', former), ...tls('web', served)];
    expect(findTrustDisagreements(both)).toEqual([]);
    expect(findTrustDisagreements([...apiService(clusterCa), ...tls('web', served)])).toMatchObject([
      { code: 'TRUST_SERVICE', presentedAt: 'Secret default/web tls.crt' },
    ]);
  });

  it('is read from kubeconfigs, without the unreadable ones', async () => {
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${base64(stranger.certificate)}\n`;
    const host = createFakeHost({ tree: new Map() });
    await host.writeFile(hostPath('/stale.conf'), Buffer.from(kubeconfig), { mode: 0o600 });
    await host.writeFile(hostPath('/cut.conf'), Buffer.from('{'), { mode: 0o600 });
    const trusts = await inspectKubeconfigTrust(['/stale.conf', '/cut.conf', '/none.conf'].map(hostPath), { host });
    expect(findTrustDisagreements([...node, ...trusts])).toMatchObject([
      { code: 'TRUST_API_SERVER', locations: ['/stale.conf'] },
    ]);
  });
});

describe('the trust graph', () => {
  it('has one node for a certificate in many locations, with its issuing CAs', async () => {
    const reissued = await issueCa('kubernetes', { key: stranger.key, ...issuedNow });
    const leaf = await issueLeaf('web', { issuer: stranger, ...issuedNow });
    const bundle = observe('ConfigMap', 'bundle', {
      data: { ca: stranger.certificate + reissued.certificate + clusterCa },
    });
    const { nodes } = buildTrustGraph([...bundle, ...serviceAccount('a', clusterCa), ...tls('web', leaf)]);
    expect(nodes.size).toBe(4);
    const named = (pem: string) =>
      [...nodes.values()].find(
        ({ certificate }) => certificate.x509.toString() === new X509Certificate(pem).toString(),
      );
    expect(named(leaf.certificate)?.signedBy).toHaveLength(2);
    expect(named(clusterCa)?.observed).toHaveLength(2);
  });
});

describe('the forecast', () => {
  it('lists the earliest expiration first, and the CA that expires before its certificate', async () => {
    const expiring = await issueCa('expiring', { until: 5, ...issuedNow });
    const leaf = await issueLeaf('web', { issuer: expiring, until: 100, ...issuedNow });
    const gone = await issueLeaf('gone', { from: -50, until: -3, ...issuedNow });
    const items = forecastExpiry(
      [...tls('gone', gone), ...tls('web', leaf), ...serviceAccount('a', expiring.certificate)],
      NOW,
    );
    expect(items.map(({ daysLeft, locations }) => [daysLeft, locations])).toEqual([
      [-3, ['Secret default/gone tls.crt']],
      [5, ['Secret default/a ca.crt']],
      [5, ['Secret default/web tls.crt']],
    ]);
    expect(items[1]).toMatchObject({
      consequence: 'pods, nodes and users no longer trust the API server',
      because: null,
    });
    expect(items[2]?.because).toMatch(/^CN=expiring \([0-9a-f]{8}\)$/);
  });

  it('ignores an old CA beside the reissued one', async () => {
    const old = await issueCa('kubernetes', { from: -50, until: -1, ...issuedNow });
    const reissued = await issueCa('kubernetes', { key: old.key, until: 200, ...issuedNow });
    const items = forecastExpiry(serviceAccount('a', old.certificate + reissued.certificate), NOW);
    expect(items.map(({ daysLeft }) => daysLeft)).toEqual([200]);
  });

  it('names the consequences for a node', () => {
    const consequences = forecastExpiry(node, NOW).map(({ consequence }) => consequence);
    expect(consequences).toContain('the API server is rejected');
  });
});
