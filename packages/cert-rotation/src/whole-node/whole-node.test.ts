import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { buildPki, plantTree } from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, openRunStore, rollbackRun } from '@kube-rescue/workflow';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkCertificates } from './check-certificates.ts';
import { renewCertificates } from './renew-certificates.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-whole-node-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function plant(options: Parameters<typeof buildPki>[0]): Promise<void> {
  const { tree } = await buildPki({ algorithm: 'ecdsa', ...options });
  await plantTree(createLocalHost({ root: hostPath(root) }), tree);
}

const statusOf = async (): Promise<Readonly<Record<string, string>>> => {
  const { certificates } = await checkCertificates({ root });
  return Object.fromEntries(certificates.map(({ id, status }) => [id, status]));
};

describe('checkCertificates', () => {
  it('judges every certificate of a node, the one of the kubelet too', async () => {
    await plant({ expired: ['apiserver', 'kubelet-client'] });
    const { healthy, certificates, unread } = await checkCertificates({ root });
    expect([healthy, unread]).toEqual([false, []]);
    const ids = certificates.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining(['apiserver', 'etcd/server', 'admin.conf', 'kubelet-client', 'ca/cluster']),
    );
    const bad = certificates.filter(({ status }) => status === 'problem').map(({ id }) => id);
    expect(bad.toSorted()).toEqual(['apiserver', 'kubelet-client']);
  });

  it('is healthy where all are good, and takes another clock', async () => {
    await plant({});
    expect((await checkCertificates({ root })).healthy).toBe(true);
    const now = (): Date => new Date('2100-01-01T00:00:00Z');
    expect((await checkCertificates({ root, clock: { now } })).healthy).toBe(false);
  });

  it.each([
    ['a directory that does not exist', () => ({ root: `${root}/nothing` })],
    ['a directory that is no node', () => ({ root })],
    ['another configuration directory', () => ({ root, kubernetesDirectory: '/nonexistent' })],
  ])('reports %s as an error, never as an empty list', async (_title, request) => {
    await expect(checkCertificates(request())).rejects.toMatchObject({ code: 'PKI_NODE_NOT_FOUND' });
    await expect(renewCertificates(request())).rejects.toMatchObject({ code: 'PKI_NODE_NOT_FOUND' });
  });

  it('says what it could not read', async () => {
    await plant({});
    await writeFile(path.join(root, 'etc/kubernetes/manifests/etcd.yaml'), 'kind: Pod\nmetadata: [', { mode: 0o600 });
    const { healthy, unread } = await checkCertificates({ root });
    expect(healthy).toBe(false);
    expect(unread).toMatchObject([{ code: 'MANIFEST_INVALID', path: '/etc/kubernetes/manifests/etcd.yaml' }]);
  });

  it('reports the certificates of checkpointed pods as unread', async () => {
    await plant({});
    await createLocalHost({ root: hostPath(root) }).makeDirectory(hostPath('/etc/kubernetes/inactive-manifests'), {
      mode: 0o700,
    });
    expect((await checkCertificates({ root })).unread).toMatchObject([{ code: 'PKI_LAYOUT_UNSUPPORTED' }]);
    await expect(renewCertificates({ root })).rejects.toMatchObject({ code: 'PKI_LAYOUT_UNSUPPORTED' });
  });
});

describe('renewCertificates', () => {
  it('renews what has expired, leaves the rest, and can be rolled back', async () => {
    await plant({ expired: ['apiserver', 'kubelet-client'] });
    const file = path.join(root, 'etc/kubernetes/pki/apiserver.crt');
    const [before, other] = [
      await readFile(file),
      await readFile(path.join(root, 'etc/kubernetes/pki/etcd/server.crt')),
    ];
    const { outcome, runId = '', report } = await renewCertificates({ root });
    expect([outcome, report.healthy]).toEqual(['done', true]);
    expect(new X509Certificate(await readFile(file)).validToDate.getTime()).toBeGreaterThan(Date.now());
    expect(await readFile(path.join(root, 'etc/kubernetes/pki/etcd/server.crt'))).toEqual(other);
    expect((await renewCertificates({ root })).outcome).toBe('nothing-to-do');

    const host = createLocalHost({ root: hostPath(root) });
    const kinds = createChangeRegistry(hostChangeKinds(host));
    await rollbackRun(runId, { host, clock: systemClock, kinds, store: openRunStore(host), onEvent: () => undefined });
    expect(await readFile(file)).toEqual(before);
  });

  it('renews the named certificate alone, for so many days', async () => {
    await plant({ expired: ['apiserver', 'front-proxy-client'] });
    const { outcome, report } = await renewCertificates({ root, only: ['apiserver'], days: 30 });
    expect(outcome).toBe('done');
    const row = report.certificates.find(({ id }) => id === 'apiserver');
    expect(row?.daysLeft).toBeGreaterThan(28);
    expect(row?.daysLeft).toBeLessThan(31);
    expect(await statusOf()).toMatchObject({ 'front-proxy-client': 'problem' });
  });

  it('writes nothing in a dry run', async () => {
    await plant({ expired: ['apiserver'] });
    const before = await readFile(path.join(root, 'etc/kubernetes/pki/apiserver.crt'));
    const { outcome, runId, plan } = await renewCertificates({ root, dryRun: true });
    expect([outcome, runId]).toEqual(['planned', undefined]);
    expect(plan.entries.filter(({ changes }) => changes.length > 0).map(({ step }) => step)).toEqual([
      'pki/renew/apiserver',
    ]);
    expect(await readFile(path.join(root, 'etc/kubernetes/pki/apiserver.crt'))).toEqual(before);
  });

  it('refuses without the key of the CA, and names it', async () => {
    await plant({ expired: ['apiserver'] });
    await rm(path.join(root, 'etc/kubernetes/pki/ca.key'));
    await expect(renewCertificates({ root })).rejects.toMatchObject({ code: 'WORKFLOW_BLOCKED' });
  });
});
