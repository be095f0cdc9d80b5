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
    const authority = inventory.cas.find((each) => each.id === id);
    return authority?.bundle.ok === true ? authority.bundle.value.map(({ x509 }) => x509.toString()).join('') : '';
  };
  [clusterCa, frontProxyCa] = [pemOf('cluster'), pemOf('front-proxy')];
  stranger = await issueCa('kubernetes', issuedNow);
});

function seen(kind: KindName, name: string, fields: object): readonly ObservedCertificate[] {
  const found = findKind(kind);
  const metadata = found.namespaced ? { name, namespace: 'default' } : { name };
  const object = { apiVersion: 'v1', kind, metadata, ...fields };
  return inspectObject({ kind: found, object }, { now: NOW }).flatMap(observedCertificateOf);
}
const serviceAccount = (name: string, ca: string) =>
  seen('Secret', name, { type: 'kubernetes.io/service-account-token', data: { 'ca.crt': base64(ca) } });
const extension = (client: string, proxy: string) =>
  seen('ConfigMap', 'extension-apiserver-authentication', {
    data: { 'client-ca-file': client, 'requestheader-client-ca-file': proxy },
  });
const tls = (name: string, { certificate }: Issued) =>
  seen('Secret', name, { type: 'kubernetes.io/tls', data: { 'tls.crt': base64(certificate) } });
const apiService = (ca: string) =>
  seen('APIService', 'a', { spec: { caBundle: base64(ca), service: { name: 'web', namespace: 'default' } } });

describe('trust', () => {
  it('agrees on a healthy cluster, bundles and re-issued authorities included', () => {
    const healthy = [
      ...node,
      ...serviceAccount('a', clusterCa),
      ...serviceAccount('b', stranger.certificate + clusterCa),
      ...extension(clusterCa, frontProxyCa),
    ];
    expect(findTrustDisagreements(healthy)).toEqual([]);
  });

  it('names service accounts that trust another authority than the one of the API server', () => {
    const stale = ['a', 'b', 'c'].flatMap((name) => serviceAccount(name, stranger.certificate));
    const root = seen('ConfigMap', 'kube-root-ca.crt', { data: { 'ca.crt': stranger.certificate } });
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
      places: ['a', 'b', 'c']
        .map((name) => `Secret default/${name} ca.crt`)
        .concat('ConfigMap default/kube-root-ca.crt ca.crt'),
      presentedAt: '/etc/kubernetes/pki/apiserver.crt',
    });
  });

  it('names what extensions trust for clients and for the front proxy', () => {
    const codes = findTrustDisagreements([...node, ...extension(stranger.certificate, clusterCa)]).map(
      ({ code }) => code,
    );
    expect(codes.toSorted()).toEqual(['TRUST_CLIENT', 'TRUST_FRONT_PROXY']);
  });

  it("judges a caBundle by its service's certificate, when one is known", async () => {
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

  it('reads what kubeconfigs trust, and passes over those that cannot be read', async () => {
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${base64(stranger.certificate)}\n`;
    const host = createFakeHost({ tree: new Map() });
    await host.writeFile(hostPath('/stale.conf'), Buffer.from(kubeconfig), { mode: 0o600 });
    await host.writeFile(hostPath('/cut.conf'), Buffer.from('{'), { mode: 0o600 });
    const trusts = await inspectKubeconfigTrust(['/stale.conf', '/cut.conf', '/none.conf'].map(hostPath), { host });
    expect(findTrustDisagreements([...node, ...trusts])).toMatchObject([
      { code: 'TRUST_API_SERVER', places: ['/stale.conf'] },
    ]);
  });
});

describe('the trust graph', () => {
  it('has one node for a certificate in many places, and knows who signed it', async () => {
    const reissued = await issueCa('kubernetes', { key: stranger.key, ...issuedNow });
    const leaf = await issueLeaf('web', { issuer: stranger, ...issuedNow });
    const bundle = seen('ConfigMap', 'bundle', {
      data: { ca: stranger.certificate + reissued.certificate + clusterCa },
    });
    const { nodes } = buildTrustGraph([...bundle, ...serviceAccount('a', clusterCa), ...tls('web', leaf)]);
    expect(nodes.size).toBe(4);
    const named = (pem: string) =>
      [...nodes.values()].find(
        ({ certificate }) => certificate.x509.toString() === new X509Certificate(pem).toString(),
      );
    expect(named(leaf.certificate)?.signedBy).toHaveLength(2);
    expect(named(clusterCa)?.sightings).toHaveLength(2);
  });
});

describe('the forecast', () => {
  it('tells what breaks first, and why something breaks before its own end', async () => {
    const dying = await issueCa('dying', { until: 5, ...issuedNow });
    const leaf = await issueLeaf('web', { issuer: dying, until: 100, ...issuedNow });
    const gone = await issueLeaf('gone', { from: -50, until: -3, ...issuedNow });
    const items = forecastExpiry(
      [...tls('gone', gone), ...tls('web', leaf), ...serviceAccount('a', dying.certificate)],
      NOW,
    );
    expect(items.map(({ daysLeft, places }) => [daysLeft, places])).toEqual([
      [-3, ['Secret default/gone tls.crt']],
      [5, ['Secret default/a ca.crt']],
      [5, ['Secret default/web tls.crt']],
    ]);
    expect(items[1]).toMatchObject({
      consequence: 'pods, nodes and people no longer trust the API server',
      because: null,
    });
    expect(items[2]?.because).toMatch(/^CN=dying \([0-9a-f]{8}\)$/);
  });

  it('does not fear for an old authority beside the one that was issued anew', async () => {
    const old = await issueCa('kubernetes', { from: -50, until: -1, ...issuedNow });
    const anew = await issueCa('kubernetes', { key: old.key, until: 200, ...issuedNow });
    const items = forecastExpiry(serviceAccount('a', old.certificate + anew.certificate), NOW);
    expect(items.map(({ daysLeft }) => daysLeft)).toEqual([200]);
  });

  it('names what a node would lose', () => {
    const consequences = forecastExpiry(node, NOW).map(({ consequence }) => consequence);
    expect(consequences).toContain('the API server is refused');
  });
});
