import { describeReference, findKind, referenceOf } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, type FakeObjectStore } from '@kube-rescue/testing';
import { createHmac } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCaExchange } from './ca-exchange.ts';
import { signClusterInfo } from './bootstrap-signatures.ts';
import { issueCa, type Issued } from './issued.fixture.ts';
import { planTrustSweep } from './trust-sweep.ts';

const now = new Date();
const base64 = (value: string): string => Buffer.from(value).toString('base64');

let old: Issued;
let reissued: Issued;
let fresh: Issued;
let stranger: Issued;
beforeAll(async () => {
  old = await issueCa('kubernetes', { from: -90, until: -1 });
  [reissued, fresh, stranger] = await Promise.all([
    issueCa('kubernetes', { key: old.key }),
    issueCa('kubernetes'),
    issueCa('kubernetes'),
  ]);
});

let store: FakeObjectStore;
beforeEach(() => {
  store = createFakeObjectStore();
});

const plant = (kind: string, name: string, fields: object, namespace = 'default'): void => {
  store.plant(findKind(kind), { metadata: namespace === '' ? { name } : { name, namespace }, ...fields });
};
const plantToken = (name: string, ca: string): void =>
  plant('secret', name, {
    type: 'kubernetes.io/service-account-token',
    data: { 'ca.crt': base64(ca), token: base64('t') },
  });
const plantBootstrapToken = (id: string, fields: Readonly<Record<string, string>> = {}): void => {
  const text = { 'token-id': id, 'token-secret': `secret-${id}`, 'usage-bootstrap-signing': 'true', ...fields };
  const data = Object.fromEntries(Object.entries(text).map(([key, value]) => [key, base64(value)]));
  plant('secret', `bootstrap-token-${id}`, { type: 'bootstrap.kubernetes.io/token', data }, 'kube-system');
};
const dataOf = async (kind: string, name: string, namespace = 'default') =>
  (await store.get({ kind: findKind(kind), name, namespace }))?.object.data as Record<string, string>;
const textOf = async (kind: string, name: string, key = 'ca.crt') => {
  const value = (await dataOf(kind, name))[key] ?? '';
  return kind === 'secret' ? Buffer.from(value, 'base64').toString() : value;
};

/** Runs a pass, and returns the changed and the unchanged objects. */
async function sweep(replacement: string, options: { readonly everywhere?: boolean; readonly from?: string } = {}) {
  const exchange = readCaExchange({ old: options.from ?? old.certificate, replacement });
  const { edits, leftAlone } = await planTrustSweep({ store, now, exchange, everywhere: options.everywhere });
  for (const { read, edited } of edits) await store.replace(read, edited);
  return { changed: edits.map(({ read }) => describeReference(referenceOf(read))), leftAlone };
}

describe('a sweep of trust', () => {
  it('replaces the old CA with the reissued one, and keeps other CAs', async () => {
    plantToken('mine', old.certificate);
    plantToken('foreign', stranger.certificate);
    plant('configmap', 'kube-root-ca.crt', { data: { 'ca.crt': `# kept\r\n${old.certificate}` } });
    const data = { 'client-ca-file': old.certificate, 'requestheader-client-ca-file': stranger.certificate };
    plant('configmap', 'extension-apiserver-authentication', { data }, 'kube-system');
    expect(await sweep(reissued.certificate)).toEqual({
      changed: [
        'Secret default/mine',
        'ConfigMap default/kube-root-ca.crt',
        'ConfigMap kube-system/extension-apiserver-authentication',
      ],
      leftAlone: [],
    });
    expect(await textOf('secret', 'mine')).toBe(reissued.certificate);
    expect(await textOf('secret', 'foreign')).toBe(stranger.certificate);
    expect(await textOf('configmap', 'kube-root-ca.crt')).toMatch(/^# kept\r\n-----BEGIN CERTIFICATE-----\r\n/);
    const extension = await dataOf('configmap', 'extension-apiserver-authentication', 'kube-system');
    expect(extension['requestheader-client-ca-file']).toBe(stranger.certificate);
    expect((await sweep(reissued.certificate)).changed).toEqual([]);
  });

  it('trusts old and new CA, then the new one alone, then the old one again, and keeps the others of a bundle', async () => {
    const bundle = stranger.certificate + old.certificate;
    plantToken('bundle', bundle);
    await sweep(old.certificate + fresh.certificate);
    const both = await textOf('secret', 'bundle');
    expect(both).toBe(stranger.certificate + old.certificate + fresh.certificate);
    expect((await sweep(old.certificate + fresh.certificate)).changed).toEqual([]);
    await sweep(fresh.certificate);
    expect(await textOf('secret', 'bundle')).toBe(stranger.certificate + fresh.certificate);
    await sweep(old.certificate, { from: fresh.certificate });
    expect(await textOf('secret', 'bundle')).toBe(bundle);
  });

  it('does not change an up-to-date bundle, with any text between its certificates', async () => {
    const written = `# old\n\n${old.certificate}\n# new\n${fresh.certificate}`;
    plantToken('commented', written);
    expect((await sweep(old.certificate + fresh.certificate)).changed).toEqual([]);
    expect(await textOf('secret', 'commented')).toBe(written);
  });

  it('changes only the caBundles of that CA', async () => {
    const clientConfig = (ca: string) => ({ clientConfig: { caBundle: base64(ca), url: 'https://x' } });
    plant(
      'mutatingwebhookconfiguration',
      'm',
      { webhooks: [clientConfig(stranger.certificate), clientConfig(old.certificate)] },
      '',
    );
    plant('apiservice', 'a', { spec: { caBundle: base64(stranger.certificate) } }, '');
    const conversion = { webhook: clientConfig(old.certificate) };
    plant('crd', 'c', { spec: { conversion } }, '');
    const { changed } = await sweep(reissued.certificate);
    expect(changed).toEqual(['MutatingWebhookConfiguration m', 'CustomResourceDefinition c']);
    const webhook = await store.get({ kind: findKind('mutatingwebhookconfiguration'), name: 'm' });
    expect(webhook?.object.webhooks).toEqual([clientConfig(stranger.certificate), clientConfig(reissued.certificate)]);
    const definition = await store.get({ kind: findKind('crd'), name: 'c' });
    expect(definition?.object.spec).toEqual({ conversion: { webhook: clientConfig(reissued.certificate) } });
  });

  it('does not change objects of workloads unless requested', async () => {
    plant('secret', 'app', { data: { 'ca.crt': base64(old.certificate) } });
    plant('secret', 'signer', { data: { 'ca.crt': base64(old.certificate), 'ca.key': base64(old.key) } });
    plant('configmap', 'frozen', { immutable: true, data: { any: old.certificate } });
    expect((await sweep(fresh.certificate)).changed).toEqual([]);
    expect(await sweep(fresh.certificate, { everywhere: true })).toMatchObject({
      changed: ['Secret default/app'],
      leftAlone: [
        { location: 'Secret default/signer ca.crt', reason: 'the object holds the key of the old CA' },
        { location: 'ConfigMap default/frozen any' },
      ],
    });
    expect((await sweep(reissued.certificate, { everywhere: true })).changed).toEqual(['Secret default/signer']);
  });

  it('reports an unreadable location, and continues', async () => {
    plantToken('cut', old.certificate.slice(0, 300));
    plantToken('whole', old.certificate);
    const { changed, leftAlone } = await sweep(reissued.certificate);
    expect(changed).toEqual(['Secret default/whole']);
    expect(leftAlone).toMatchObject([{ location: 'Secret default/cut ca.crt' }]);
  });
});

describe('cluster-info', () => {
  const kubeconfigOf = (ca: string): string =>
    `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${base64(ca)}\n    server: https://10.9.0.11:6443\n  name: ""\nkind: Config\n`;

  it('is signed again by each token that may sign, and by no other', async () => {
    plantBootstrapToken('abcdef');
    plantBootstrapToken('expire', { expiration: '2020-01-01T00:00:00Z' });
    plantBootstrapToken('cannot', { 'usage-bootstrap-signing': 'false' });
    plantBootstrapToken('moved0', { 'token-id': 'other0' });
    plantBootstrapToken('living', { expiration: new Date(now.getTime() + 60_000).toISOString() });
    const data = {
      kubeconfig: kubeconfigOf(old.certificate),
      'jws-kubeconfig-abcdef': 'x',
      'jws-kubeconfig-gone00': 'y',
    };
    plant('configmap', 'cluster-info', { data }, 'kube-public');
    await sweep(reissued.certificate);
    const swept = await dataOf('configmap', 'cluster-info', 'kube-public');
    const kubeconfig = kubeconfigOf(reissued.certificate);
    expect(Object.keys(swept).toSorted()).toEqual(['jws-kubeconfig-abcdef', 'jws-kubeconfig-living', 'kubeconfig']);
    expect(swept['kubeconfig']).toBe(kubeconfig);
    const [header, content, signature] = (swept['jws-kubeconfig-abcdef'] ?? '').split('.');
    expect([Buffer.from(header ?? '', 'base64url').toString(), content]).toEqual([
      '{"alg":"HS256","kid":"abcdef"}',
      '',
    ]);
    const signed = createHmac('sha256', 'secret-abcdef').update(
      `${header}.${Buffer.from(kubeconfig).toString('base64url')}`,
    );
    expect(signature).toBe(signed.digest('base64url'));
    expect((await sweep(reissued.certificate)).changed).toEqual([]);
  });

  it('is signed again when only its signature is wrong', async () => {
    plantBootstrapToken('abcdef');
    const kubeconfig = kubeconfigOf(reissued.certificate);
    plant('configmap', 'cluster-info', { data: { kubeconfig, 'jws-kubeconfig-abcdef': 'x' } }, 'kube-public');
    await sweep(reissued.certificate);
    const signature = (await dataOf('configmap', 'cluster-info', 'kube-public'))['jws-kubeconfig-abcdef'];
    expect(signature).toBe(signClusterInfo(kubeconfig, { id: 'abcdef', secret: 'secret-abcdef' }));
  });
});
