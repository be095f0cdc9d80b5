import { describe, expect, it } from 'vitest';
import { inspectCertificates } from './inventory.ts';
import { kubeadmNode, NOW } from './kubeadm-node.fixture.ts';
import { reportCertificates } from './report.ts';

describe('a healthy kubeadm node', () => {
  it.each(['rsa', 'ecdsa'] as const)('shows every certificate and authority without a problem (%s)', async (algorithm) => {
    const { host, input } = await kubeadmNode({ algorithm });
    const inventory = await inspectCertificates(input, { host });
    const rows = reportCertificates(inventory, { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rows.map(({ id }) => id)).toEqual([]);
    expect(inventory.absent).toEqual([]);
  });
});
