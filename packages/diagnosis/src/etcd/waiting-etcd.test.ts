import { hostPath, systemClock } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import {
  buildEtcdPki,
  type EtcdPki,
  hostOfEtcdMember,
  requireProgram,
  type RunningEtcd,
  startEtcd,
} from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectEtcd } from './etcd-status.ts';

const SEARCH = { timeoutMs: 1500 };

async function nodeOf(etcd: RunningEtcd, pki: EtcdPki, peerUrl: string) {
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(options, { host: await hostOfEtcdMember(etcd, pki, peerUrl), clock: systemClock });
}

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('an etcd of three members that waits for a majority', () => {
  let etcd: RunningEtcd;
  let pki: EtcdPki;
  let peerUrls: readonly string[];
  beforeAll(async () => {
    pki = await buildEtcdPki();
    etcd = await startEtcd({ members: 3, pki });
    peerUrls = etcd.members.map(({ peerUrl }) => peerUrl);
    await Promise.all(etcd.members.map((member) => member.stop()));
    await etcd.members[0].start({ ready: false });
  });
  afterAll(() => etcd.stop());

  it('is found by its peer port, with the members that are missing', async () => {
    const node = await nodeOf(etcd, pki, peerUrls[0] ?? '');
    const report = await inspectEtcd(node, SEARCH, new AbortController().signal);
    expect(report.connection).toBeNull();
    expect(report.peers?.members.map(({ name, accepts }) => `${name} ${accepts}`).toSorted()).toEqual([
      'etcd1 true',
      'etcd2 false',
      'etcd3 false',
    ]);
    expect(report.waiting).toMatchObject({ code: 'ETCD_NO_QUORUM' });
    expect(report.waiting?.summary).toContain('1 of 3 members accept connections, 2 are needed');
    expect(report.waiting?.evidence).toContain(`etcd3: no connection to ${peerUrls[2]}`);
  });

  it('is not found with the key of a foreign CA', async () => {
    const foreign = await nodeOf(etcd, await buildEtcdPki(), peerUrls[0] ?? '');
    const report = await inspectEtcd(foreign, SEARCH, new AbortController().signal);
    expect({ peers: report.peers, waiting: report.waiting }).toEqual({ peers: null, waiting: null });
  });
});
