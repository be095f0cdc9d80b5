import { createFixedClock } from '@kube-rescue/testing';
import type { Finding, Step } from '@kube-rescue/workflow';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPublishedCaGate } from '../kubeadm/published-ca-gate.ts';
import { type Api, BEFORE_START, FRESH, nodeOf, NOW, pki } from './gate-node.fixture.ts';
import { createApiGate, createNodeGate } from './gates.ts';

function check(gate: Step): Promise<Finding> {
  return gate.check(new AbortController().signal);
}

function lease(renewTime: string): unknown {
  return { spec: { renewTime } };
}

const NODE_LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node01';

describe('the gate of the API server', () => {
  it.each([
    ['nothing listens', undefined, 'does not answer'],
    ['its certificate is invalid', { trusted: false }, 'CERT_HAS_EXPIRED'],
    ['it is not ready', { readyz: 500 }, 'it answers 500'],
    [
      'it presents another certificate than the file',
      { serialNumber: '0BAD' },
      'another certificate than the one on disk',
    ],
    ['it presents a certificate with the serial of the file', { fingerprint: 'AA:BB' }, 'another certificate'],
  ])('stays shut when %s', async (_, api, reason) => {
    const finding = await check(createApiGate(nodeOf(api), []));
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining(reason) });
  });

  it('opens when the API server presents the certificate in the file', async () => {
    expect((await check(createApiGate(nodeOf({}), []))).status).toBe('ok');
  });

  it('verifies a whole window, and reports the reason of a failure', async () => {
    const signal = new AbortController().signal;
    const good = await createApiGate(nodeOf({}), []).verify(signal);
    expect(good).toMatchObject({ verified: true });
    const bad = await createApiGate(nodeOf({ serialNumber: '0BAD' }), []).verify(signal);
    expect(bad).toMatchObject({ verified: false, reason: expect.stringContaining('0BAD') });
  });
});

describe('the gate of the node', () => {
  const node = (status: string): unknown => ({
    status: { conditions: [{ type: 'Ready', status, message: 'no network' }] },
  });
  const gate = (objects: Record<string, unknown>): Step => createNodeGate(nodeOf({ objects }), []);

  it('opens when it is Ready and its kubelet renews its lease', async () => {
    const finding = await check(gate({ '/api/v1/nodes/node01': node('True'), [NODE_LEASE]: lease(FRESH) }));
    expect(finding.status).toBe('ok');
  });

  it('stays shut when the Ready condition is older than the kubelet', async () => {
    const finding = await check(gate({ '/api/v1/nodes/node01': node('True'), [NODE_LEASE]: lease(BEFORE_START) }));
    expect(finding.summary).toContain('has not renewed its lease');
  });

  it('stays shut with the reason when it is not Ready', async () => {
    expect((await check(gate({ '/api/v1/nodes/node01': node('False') }))).summary).toContain('no network');
  });

  it('stays shut with the message of an API server that refuses', async () => {
    expect((await check(gate({}))).summary).toContain('answers 404 when asked for the node node01: not found');
  });
});

describe('the gate of the published CA', () => {
  const CONFIG_MAPS = '/api/v1/configmaps';
  const SECRETS = '/api/v1/secrets';
  const gate = (objects: NonNullable<Api['objects']>): Step => createPublishedCaGate(nodeOf({ objects }), {}, []);
  const list = (...pems: readonly string[]): unknown => ({
    items: pems.map((pem) => ({ metadata: { namespace: 'a', name: 'kube-root-ca.crt' }, data: { 'ca.crt': pem } })),
  });
  const inBase64 = (pem: string): string => Buffer.from(pem).toString('base64');

  it('opens when each Secret and ConfigMap holds the CA of the disk', async () => {
    const { certificate } = pki.pairs.ca;
    const objects = {
      [CONFIG_MAPS]: list(certificate),
      [SECRETS]: list(inBase64(certificate)),
      '/api/v1/pods': list(),
    };
    expect(await check(gate(objects))).toMatchObject({
      status: 'ok',
      evidence: [expect.stringMatching(/^2 ConfigMaps kube-root-ca.crt and token Secrets/)],
    });
  });

  it('stays shut while a Secret holds another CA, and names it', async () => {
    const objects = { [CONFIG_MAPS]: list(pki.pairs.ca.certificate), [SECRETS]: list(inBase64('other')) };
    const finding = await check(gate(objects));
    expect(finding).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('such as Secret a/kube-root-ca.crt'),
    });
  });

  // No token Secret since Kubernetes 1.24: https://github.com/kubernetes/kubernetes/issues/110113
  it('opens without any token Secret, by the ConfigMaps alone', async () => {
    const objects = { [CONFIG_MAPS]: list(pki.pairs.ca.certificate), [SECRETS]: list(), '/api/v1/pods': list() };
    const finding = await check(gate(objects));
    expect(finding).toMatchObject({
      status: 'ok',
      evidence: [expect.stringMatching(/^1 ConfigMaps kube-root-ca.crt/)],
    });
    expect(JSON.stringify(finding)).not.toContain('Secret');
  });

  it.each([
    ['v1', 'v1.37'],
    ['v1beta1', 'v1.33, with its feature gate'],
  ])('stays shut while a ClusterTrustBundle in %s (%s) holds another CA', async (version) => {
    const path = `/apis/certificates.k8s.io/${version}/clustertrustbundles`;
    const bundles = (trustBundle: string): unknown => ({
      items: [{ metadata: { name: 'kubernetes.io:kube-apiserver-serving:1a' }, spec: { trustBundle } }],
    });
    const { certificate } = pki.pairs.ca;
    const objects = { [CONFIG_MAPS]: list(certificate), [SECRETS]: list(), '/api/v1/pods': list() };
    expect(await check(gate({ ...objects, [path]: bundles('other') }))).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('such as ClusterTrustBundle kubernetes.io:kube-apiserver-serving:1a'),
    });
    expect(await check(gate({ ...objects, [path]: bundles(certificate) }))).toMatchObject({
      status: 'ok',
      evidence: [expect.stringMatching(/^2 ConfigMaps kube-root-ca.crt and ClusterTrustBundles/)],
    });
  });

  it('does not name Secrets where a ConfigMap of a cluster without them holds another CA', async () => {
    const finding = await check(gate({ [CONFIG_MAPS]: list('other'), [SECRETS]: list() }));
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining('such as ConfigMap a/') });
    expect(finding.summary).not.toContain('Secret');
  });

  it('stays shut when nothing is published at all', async () => {
    expect(await check(gate({ [CONFIG_MAPS]: list(), [SECRETS]: list() }))).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('no namespace has the ConfigMap kube-root-ca.crt'),
    });
  });

  it('stays shut when Secrets and ConfigMaps cannot be listed', async () => {
    expect(await check(gate({}))).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('does not list'),
    });
  });

  it('warns of pods with the old CA, and of cluster-info, when the CA is new', async () => {
    const { certificate } = pki.pairs.ca;
    const began = new X509Certificate(certificate).validFromDate.getTime();
    const now = new Date(began + 10 * 60_000);
    const pod = {
      metadata: { namespace: 'a', name: 'web-1' },
      spec: { volumes: [{ projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }] },
      status: { containerStatuses: [{ state: { running: { startedAt: new Date(began).toISOString() } } }] },
    };
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${inBase64('other')}\n`;
    const objects = {
      [CONFIG_MAPS]: {
        items: [
          ...(list(certificate) as { items: readonly object[] }).items.map((each) => ({
            ...each,
            data: { 'ca.crt': certificate, kubeconfig },
          })),
        ],
      },
      [SECRETS]: list(),
      '/api/v1/pods': { items: [pod] },
    };
    const { signal } = new AbortController();
    const verify = (at: Date) =>
      createPublishedCaGate({ ...nodeOf({ objects }), clock: createFixedClock(at) }, {}, []).verify(signal);
    expect(await verify(now)).toMatchObject({
      verified: true,
      warnings: [expect.stringContaining('a/web-1'), expect.stringContaining('kube-public/cluster-info')],
    });
    // A CA that is old was published long ago.
    expect(await verify(NOW)).toMatchObject({ warnings: [expect.stringContaining('cluster-info')] });
  });
});
