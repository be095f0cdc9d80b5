import { createLocalHost, hostPath, type Host, systemClock } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import {
  buildEtcdPki,
  buildPki,
  createFakeHost,
  type EtcdPki,
  requireProgram,
  type RunningEtcd,
  startEtcd,
  treeOf,
} from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectEtcd } from './etcd-status.ts';

const SEARCH = { timeoutMs: 1500 };

/** A node whose manifest names the first member, with the keys of its CA; its sockets are this machine's. */
async function nodeOf(etcd: RunningEtcd, pki: EtcdPki, peerUrl: string) {
  const { tree } = await buildPki();
  const manifest = hostPath('/etc/kubernetes/manifests/etcd.yaml');
  const entry = tree.get(manifest);
  if (entry?.kind !== 'file') throw new Error('no manifest of etcd');
  const text = Buffer.from(entry.bytes)
    .toString()
    .replace(/--listen-client-urls=.*/, `--listen-client-urls=${etcd.endpoints[0]}`)
    .replace(/--advertise-client-urls=.*/, `--advertise-client-urls=${etcd.endpoints[0]}`)
    .replace(/--listen-peer-urls=.*/, `--listen-peer-urls=${peerUrl}`);
  const files = treeOf({
    [manifest]: text,
    '/etc/kubernetes/pki/etcd/ca.crt': pki.ca.certificate,
    '/etc/kubernetes/pki/etcd/ca.key': pki.ca.key,
  });
  const local = createLocalHost();
  const { connect, request } = local;
  const host: Host = { ...createFakeHost({ tree: new Map([...tree, ...files]) }), connect, request };
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(options, { host, clock: systemClock });
}

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('an etcd of three members that waits for a majority', () => {
  let etcd: RunningEtcd;
  let pki: EtcdPki;
  let peerUrls: readonly string[];
  beforeAll(async () => {
    pki = await buildEtcdPki();
    etcd = await startEtcd({ members: 3, pki });
    const listed = JSON.parse(await etcd.etcdctl('member', 'list', '--write-out=json')) as {
      members: { name: string; peerURLs: string[] }[];
    };
    peerUrls = etcd.members.map(({ name }) => listed.members.find((each) => each.name === name)?.peerURLs[0] ?? '');
    await Promise.all(etcd.members.map((member) => member.stop()));
    await etcd.members[0].start({ ready: false });
  });
  afterAll(() => etcd.stop());

  it('is told by its peer port, with the members that are missing', async () => {
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

  it('is not told without the key of its CA, nor to a foreign one', async () => {
    const foreign = await nodeOf(etcd, await buildEtcdPki(), peerUrls[0] ?? '');
    const report = await inspectEtcd(foreign, SEARCH, new AbortController().signal);
    expect({ peers: report.peers, waiting: report.waiting }).toEqual({ peers: null, waiting: null });
  });
});
