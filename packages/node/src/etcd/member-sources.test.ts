import { createLocalHost, type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeDescription } from '../node-description.ts';
import { readDataMembers, readFlagMembers, readMetricsMembers } from './member-sources.ts';

const SIGNAL = new AbortController().signal;

function nodeWith(flags: Readonly<Record<string, string>>, host: Host = createLocalHost()) {
  const etcd = { component: 'etcd', source: hostPath('/etc/etcd.yaml'), flags: new Map(Object.entries(flags)) };
  return { host, describe: async () => ({ components: [etcd] }) as unknown as NodeDescription };
}

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('the members of a real etcd', () => {
  let etcd: RunningEtcd;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3, pki: false });
  });
  afterAll(() => etcd.stop());

  it('are counted by the metrics port, without a certificate, and a lost leader is seen', async () => {
    const [member, ...others] = etcd.members;
    const node = nodeWith({ 'listen-metrics-urls': member.endpoint });
    const listed = await etcd.etcdctl('member', 'list', '-w', 'simple');
    const ids = listed
      .trim()
      .split('\n')
      .map((line) => line.split(', ')[0] ?? '');
    const found = await readMetricsMembers(node, SIGNAL);
    expect(found?.hasLeader).toBe(true);
    expect(new Set(found?.members.map(({ id }) => id))).toEqual(new Set(ids));
    await Promise.all(others.map((other) => other.stop()));
    await expect.poll(() => readMetricsMembers(node, SIGNAL), { timeout: 20_000 }).toMatchObject({ hasLeader: false });
    expect((await readMetricsMembers(node, SIGNAL))?.members).toHaveLength(3);
  });

  it('are read from the disk of a member that is down', async () => {
    const [member] = etcd.members;
    await member.stop();
    const { source, location, members } = (await readDataMembers(nodeWith({ 'data-dir': member.dataDir }))) ?? {};
    expect({ source, location }).toEqual({ source: 'data', location: `${member.dataDir}/member/snap/db` });
    expect(members?.map(({ name }) => name).toSorted()).toEqual(['etcd1', 'etcd2', 'etcd3']);
  });
});

it('are not known from a port that does not answer, a directory without a database, and no flags', async () => {
  const node = nodeWith({ 'listen-metrics-urls': 'http://127.0.0.1:1', 'data-dir': '/nonexistent' });
  expect(await readMetricsMembers(node, SIGNAL)).toBeUndefined();
  expect(await readDataMembers(node)).toBeUndefined();
  expect(await readFlagMembers(node)).toBeUndefined();
});

it('are those that the metrics port of etcd 3.7 knows: itself once, and none that was removed', async () => {
  const peer = (remote: string, value: number): string =>
    `etcd_network_known_peers{Local="9d806c50726f9643",Remote="${remote}"} ${value}`;
  const body = ['etcd_server_has_leader 1', peer('9d806c50726f9643', 1), peer('1c70f9bbb41018f', 0), ''].join('\n');
  const host = createFakeHost({ request: () => ({ status: 200, body }) });
  const found = await readMetricsMembers(nodeWith({ 'listen-metrics-urls': 'http://127.0.0.1:2381' }, host), SIGNAL);
  expect(found?.members.map(({ id }) => id)).toEqual(['9d806c50726f9643']);
});

it('are named with their peer URLs by --initial-cluster', async () => {
  const found = await readFlagMembers(
    nodeWith({ 'initial-cluster': 'cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380' }),
  );
  expect(found?.members.map(({ name, peerUrls }) => [name, peerUrls])).toEqual([
    ['cp1', ['https://10.0.0.1:2380']],
    ['cp2', ['https://10.0.0.2:2380']],
  ]);
});
