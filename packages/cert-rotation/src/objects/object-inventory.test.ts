import { findKind } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, type FakeObjectStore } from '@kube-rescue/testing';
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueCa, type Issued, issueLeaf } from './issued.fixture.ts';
import { inspectObjectCertificates, type ObjectFinding } from './object-inventory.ts';
import { describeLocation } from './object-location.ts';
import { reportObjectFinding } from './object-report.ts';

const now = new Date();
const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64');

let ca: Issued;
let otherCa: Issued;
let expiredCa: Issued;
let leaf: Issued;
let expired: Issued;
let rsa: Issued;
beforeAll(async () => {
  [ca, otherCa, expiredCa] = await Promise.all([
    issueCa('kubernetes'),
    issueCa('kubernetes'),
    issueCa('old', { from: -90, until: -1 }),
  ]);
  [leaf, expired, rsa] = await Promise.all([
    issueLeaf('web', { issuer: ca, names: ['web.default.svc'] }),
    issueLeaf('gone', { issuer: ca, from: -90, until: -1 }),
    issueLeaf('rsa', { issuer: ca, algorithm: 'rsa' }),
  ]);
});

function plant(store: FakeObjectStore, kind: string, name: string, fields: Readonly<Record<string, unknown>>): void {
  const found = findKind(kind);
  const metadata = found.namespaced ? { name, namespace: 'default' } : { name };
  store.plant(found, { metadata, ...fields });
}

const secretData = (data: Readonly<Record<string, string | Uint8Array>>) => ({
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});

async function inspect(store: FakeObjectStore): Promise<readonly ObjectFinding[]> {
  const findings: ObjectFinding[] = [];
  for await (const finding of inspectObjectCertificates({ store, now })) findings.push(finding);
  return findings;
}

/** The locations of the findings and their problem codes. */
async function judged(store: FakeObjectStore): Promise<Readonly<Record<string, readonly string[]>>> {
  const rows = (await inspect(store)).map((finding) => reportObjectFinding(finding, now));
  return Object.fromEntries(rows.map(({ path, problems }) => [path, problems.map(({ code }) => code)]));
}

describe('certificates in Secrets and ConfigMaps', () => {
  it('are found by content under any key and type, and valid ones have no problem', async () => {
    const store = createFakeObjectStore();
    const der = new X509Certificate(leaf.certificate).raw;
    plant(store, 'secret', 'tls', {
      type: 'kubernetes.io/tls',
      ...secretData({ 'tls.crt': leaf.certificate + ca.certificate, 'tls.key': leaf.key, 'ca.crt': ca.certificate }),
    });
    plant(store, 'secret', 'odd', secretData({ anything: rsa.certificate, raw: der, note: 'hello', empty: '' }));
    plant(store, 'configmap', 'kube-root-ca.crt', { data: { 'ca.crt': ca.certificate } });
    plant(store, 'configmap', 'text', { data: { script: 'echo "-----BEGIN CERTIFICATE-----"', json: '{}' } });
    plant(store, 'configmap', 'binary', { binaryData: { der: base64(der) } });
    expect(await judged(store)).toEqual({
      'Secret default/tls tls.crt': [],
      'Secret default/tls tls.crt#1': [],
      'Secret default/tls ca.crt': [],
      'Secret default/odd anything': [],
      'Secret default/odd raw': [],
      'ConfigMap default/kube-root-ca.crt ca.crt': [],
      'ConfigMap default/binary der': [],
    });
  });

  it('are reported with their own problems and locations', async () => {
    const store = createFakeObjectStore();
    plant(store, 'secret', 'expired', secretData({ 'a.crt': expired.certificate, 'b.crt': leaf.certificate }));
    plant(store, 'secret', 'swapped', secretData({ 'tls-cert': leaf.certificate, 'tls-key': rsa.key }));
    plant(store, 'secret', 'broken', {
      type: 'kubernetes.io/tls',
      ...secretData({ 'tls.crt': 'none', 'tls.key': leaf.key }),
    });
    plant(store, 'secret', 'cut', secretData({ 'x.pem': leaf.certificate.slice(0, 200) }));
    plant(store, 'secret', 'stale', secretData({ 'tls.crt': leaf.certificate, 'ca.crt': otherCa.certificate }));
    plant(store, 'configmap', 'bundle', { data: { roots: expiredCa.certificate + ca.certificate } });
    plant(store, 'configmap', 'kube-root-ca.crt', { data: { 'ca.crt': expiredCa.certificate } });
    expect(await judged(store)).toEqual({
      'Secret default/expired a.crt': ['PKI_CERTIFICATE_EXPIRED'],
      'Secret default/expired b.crt': [],
      'Secret default/swapped tls-cert': ['PKI_KEY_MISMATCH'],
      'Secret default/broken tls.crt': ['PKI_PEM_INVALID'],
      'Secret default/cut x.pem': ['PKI_PEM_INVALID'],
      'Secret default/stale tls.crt': ['PKI_CHAIN_BROKEN'],
      'Secret default/stale ca.crt': [],
      'ConfigMap default/bundle roots': ['PKI_CA_EXPIRED'],
      'ConfigMap default/bundle roots#1': [],
      'ConfigMap default/kube-root-ca.crt ca.crt': ['PKI_CA_EXPIRED'],
    });
    const rows = (await inspect(store)).map((finding) => reportObjectFinding(finding, now));
    expect(rows.find(({ path }) => path.endsWith('bundle roots'))?.status).toBe('warning');
    expect(rows.find(({ path }) => path.endsWith('kube-root-ca.crt ca.crt'))?.status).toBe('problem');
  });

  it('are a problem when an expired CA is in the chain of a valid server certificate', async () => {
    const store = createFakeObjectStore();
    const server = await issueLeaf('server', { issuer: expiredCa });
    plant(store, 'secret', 'chain', secretData({ 'tls.crt': server.certificate + expiredCa.certificate }));
    const rows = (await inspect(store)).map((finding) => reportObjectFinding(finding, now));
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'problem']);
  });

  it('are found in a kubeconfig, with its CA', async () => {
    const store = createFakeObjectStore();
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${base64(ca.certificate)}\nusers:\n- user:\n    client-certificate-data: ${base64(expired.certificate)}\n`;
    plant(store, 'configmap', 'cluster-info', { data: { kubeconfig } });
    expect(await judged(store)).toEqual({
      'ConfigMap default/cluster-info kubeconfig:certificate-authority-data': [],
      'ConfigMap default/cluster-info kubeconfig:client-certificate-data': ['PKI_CERTIFICATE_EXPIRED'],
    });
  });

  it('are not read from a keystore, which is reported', async () => {
    const store = createFakeObjectStore();
    const pfx = Buffer.from([0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30, 0x00]);
    plant(store, 'secret', 'stores', secretData({ a: pfx, b: Buffer.from('feedfeed0002', 'hex') }));
    const found = (await inspect(store)).map((each) => each.found === 'keystore' && each.format);
    expect(found).toEqual(['PKCS#12', 'JKS']);
  });

  it('are reported without private keys', async () => {
    const store = createFakeObjectStore();
    plant(
      store,
      'secret',
      'tls',
      secretData({ 'tls.crt': leaf.certificate, 'tls.key': rsa.key, both: ca.certificate + ca.key }),
    );
    const findings = await inspect(store);
    const reported = JSON.stringify([findings, findings.map((finding) => reportObjectFinding(finding, now))]);
    for (const { key } of [rsa, ca]) expect(reported).not.toContain(key.split('\n')[1]);
    expect(reported).toContain('PKI_KEY_MISMATCH');
  });
});

describe('caBundles', () => {
  it('are found in webhooks, APIServices and conversions of both versions, with their service', async () => {
    const store = createFakeObjectStore();
    const service = { name: 'web', namespace: 'default' };
    const clientConfig = { caBundle: base64(ca.certificate + expiredCa.certificate), service };
    plant(store, 'mutatingwebhookconfiguration', 'm', {
      webhooks: [{ clientConfig: { url: 'https://x' } }, { clientConfig }],
    });
    plant(store, 'validatingwebhookconfiguration', 'v', { webhooks: [{ clientConfig: { caBundle: base64('\n') } }] });
    plant(store, 'apiservice', 'a', { spec: { caBundle: base64('junk'), service } });
    plant(store, 'crd', 'old', { spec: { conversion: { webhookClientConfig: clientConfig } } });
    plant(store, 'crd', 'new', { spec: { conversion: { webhook: { clientConfig } } } });
    const findings = await inspect(store);
    expect(findings.map((each) => each.location && describeLocation(each.location))).toEqual([
      'MutatingWebhookConfiguration m webhooks[1].clientConfig.caBundle',
      'MutatingWebhookConfiguration m webhooks[1].clientConfig.caBundle#1',
      'APIService a spec.caBundle',
      'CustomResourceDefinition old spec.conversion.webhookClientConfig.caBundle',
      'CustomResourceDefinition old spec.conversion.webhookClientConfig.caBundle#1',
      'CustomResourceDefinition new spec.conversion.webhook.clientConfig.caBundle',
      'CustomResourceDefinition new spec.conversion.webhook.clientConfig.caBundle#1',
    ]);
    expect(findings[0]).toMatchObject({ service: 'web.default.svc', purpose: 'service-trust', problems: [] });
    expect(findings[2]).toMatchObject({ found: 'unreadable', problems: [{ code: 'PKI_PEM_INVALID' }] });
  });
});

describe('a large cluster', () => {
  it('is reported Secret by Secret, and the caller may stop at any Secret', async () => {
    let read = 0;
    const data = { 'ca.crt': base64(ca.certificate) };
    const store = {
      async *list() {
        for (;;) {
          read += 1;
          const metadata = { name: `token-${read}`, namespace: 'default' };
          const object = {
            apiVersion: 'v1',
            kind: 'Secret',
            type: 'kubernetes.io/service-account-token',
            metadata,
            data,
          };
          yield { kind: findKind('Secret'), object, revision: '1', partial: false, origin: undefined };
        }
      },
    };
    const distinct = new Set<unknown>();
    let count = 0;
    for await (const finding of inspectObjectCertificates({ store, now })) {
      if (finding.found === 'certificate') distinct.add(finding.certificate);
      count += 1;
      if (count === 10_000) break;
    }
    expect(read).toBe(10_000);
    expect(distinct.size).toBe(1);
  });
});
