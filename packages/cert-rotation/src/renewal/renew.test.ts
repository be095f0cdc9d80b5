import { hostPath } from '@kube-rescue/host';
import { CA_NAMES, createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { reportCertificates } from '../judgement/report.ts';
import { kubeadmNode, NOW, textIn } from '../kubeadm-node.fixture.ts';
import { renew } from './renew.ts';

const clock = createFixedClock(NOW);
const PKI = '/etc/kubernetes/pki';

describe('a renewal in memory', () => {
  it('renews expired CAs and certificates as steps would, and writes nothing', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: [...CA_NAMES, 'apiserver', 'admin.conf'] });
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const { files, evidence, blocked, otherChanges, after } = await renew(inventory, {}, { host: node.host, clock });
    expect(blocked).toEqual([]);
    expect(otherChanges).toEqual([]);
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(
        [`${PKI}/ca.crt`, `${PKI}/apiserver.crt`, '/etc/kubernetes/admin.conf'].map((path) => hostPath(path)),
      ),
    );
    expect(evidence.join('\n')).toContain(`${PKI}/apiserver.crt`);
    expect(Buffer.from((await node.host.readFile(hostPath(`${PKI}/ca.crt`))) ?? []).toString()).toBe(
      textIn(node.tree, `${PKI}/ca.crt`),
    );
    const rows = reportCertificates(await inspectCertificates(node.input, { host: after }), { now: NOW });
    expect(rows.filter(({ status }) => status === 'problem')).toEqual([]);
  });

  it('reports links as changes of their own, and leaves them to the caller', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['kubelet-client'] });
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const { files, otherChanges } = await renew(inventory, {}, { host: node.host, clock });
    expect(otherChanges).toMatchObject([{ kind: 'symlink.replace' }]);
    expect([...files.keys()]).toMatchObject([expect.stringContaining('kubelet-client-')]);
  });

  it('names what blocks, and renews nothing that is valid where the CA key is missing', async () => {
    const edit = (tree: Map<ReturnType<typeof hostPath>, unknown>) => void tree.delete(hostPath(`${PKI}/ca.key`));
    const valid = await kubeadmNode({ algorithm: 'ecdsa' }, edit);
    const all = { all: true };
    const first = await inspectCertificates({ ...valid.input, only: ['apiserver'] }, { host: valid.host });
    expect(await renew(first, all, { host: valid.host, clock })).toMatchObject({ blocked: [], evidence: [] });

    const expired = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] }, edit);
    const second = await inspectCertificates({ ...expired.input, only: ['apiserver'] }, { host: expired.host });
    const { files, blocked } = await renew(second, all, { host: expired.host, clock });
    expect(files.size).toBe(0);
    expect(blocked).toMatchObject([{ code: 'PKI_CA_KEY_MISSING' }]);
  });

  it('ends when it is interrupted', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const reason = new Error('interrupted');
    await expect(renew(inventory, {}, { host: node.host, clock, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
});
