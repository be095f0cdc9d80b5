import { createLocalHost, systemClock } from '@kube-rescue/host';
import { expectCode, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectEtcdCluster, judgeCluster } from './cluster-health.ts';
import { openEtcd } from './open-etcd.ts';
import { type EtcdClient } from './etcd-client.ts';
import type { MemberStatus } from './member.ts';
import { serializableView } from './serializable-view.ts';

const deps = { host: createLocalHost(), clock: systemClock };
const key = new TextEncoder().encode('/a');
const value = new TextEncoder().encode('1');

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a cluster of three members', () => {
  let etcd: RunningEtcd;
  let client: EtcdClient;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3 });
    const tls = { ca: etcd.pki?.ca.certificate ?? '', client: etcd.pki?.client };
    client = await openEtcd({ endpoints: etcd.endpoints, tls, requestTimeoutMs: 3000 }, deps);
  });
  afterAll(async () => {
    client.close();
    await etcd.stop();
  });

  it('is healthy, with one leader, when all of them answer', async () => {
    const health = await inspectEtcdCluster({ client });
    expect(health).toMatchObject({
      isHealthy: true,
      hasQuorum: true,
      quorum: 2,
      consistency: 'linearizable',
      alarms: [],
    });
    expect(health.members.map(({ name }) => name).toSorted()).toEqual(['etcd1', 'etcd2', 'etcd3']);
    expect(health.members.filter(({ isLeader }) => isLeader).map(({ id }) => id)).toEqual([health.leader]);
    expect(health.dbSize).toBeGreaterThan(0);
  });

  it('has quorum with any one member down, and names it', async () => {
    for (const down of etcd.members) {
      await down.stop();
      const found = await client.get(key);
      const swap = await client.compareAndSwap({ key, modRevision: found?.modRevision ?? 0n, value });
      expect(swap.succeeded).toBe(true);
      const health = await inspectEtcdCluster({ client });
      expect(health).toMatchObject({ isHealthy: false, hasQuorum: true });
      const missing = health.members.filter(({ status }) => status === undefined);
      expect(missing.map(({ name, problem }) => [name, problem?.code])).toEqual([[down.name, 'ETCD_UNREACHABLE']]);
      await down.start();
    }
  });

  it('names the member that is behind', async () => {
    const [, , slow] = etcd.members;
    slow?.pause();
    const numbers = Array.from({ length: 12_000 }, (_, index) => index).values();
    const payload = new Uint8Array(1000);
    const write = async (): Promise<void> => {
      for (const number of numbers) {
        const each = new TextEncoder().encode(`/behind/${number}`);
        await client.compareAndSwap({ key: each, modRevision: 0n, value: payload });
      }
    };
    await Promise.all(Array.from({ length: 128 }, write));
    const stuck = await inspectEtcdCluster({ client, memberTimeoutMs: 500 });
    expect(stuck.members.find(({ name }) => name === slow?.name)?.problem?.code).toBe('ETCD_TIMEOUT');
    slow?.resume();
    const health = await inspectEtcdCluster({ client });
    expect(health.members.filter(({ isBehind }) => isBehind).map(({ name }) => name)).toEqual([slow?.name]);
    await expect
      .poll(async () => (await inspectEtcdCluster({ client })).isHealthy, { timeout: 20_000, interval: 200 })
      .toBe(true);
  });

  it('without quorum allows serializable reads and refuses writes', async () => {
    const [first, second, third] = etcd.members;
    await client.compareAndSwap({ key: new TextEncoder().encode('/kept'), modRevision: 0n, value });
    await Promise.all([second?.stop(), third?.stop()]);
    const health = await inspectEtcdCluster({ client });
    expect(health).toMatchObject({
      isHealthy: false,
      hasQuorum: false,
      consistency: 'serializable',
      leader: undefined,
    });
    expect(health.members.filter(({ status }) => status !== undefined).map(({ name }) => name)).toEqual([first.name]);

    const kept = new TextEncoder().encode('/kept');
    await expectCode(client.get(kept), 'ETCD_NO_QUORUM');
    await expectCode(client.compareAndSwap({ key: kept, modRevision: 0n, value }), 'ETCD_NO_QUORUM');
    const view = serializableView(client);
    expect((await view.get(kept))?.value).toEqual(value);
    await expectCode(view.compareAndSwap({ key: kept, modRevision: 0n, value }), 'ETCD_NO_QUORUM');
    await expectCode(view.compareAndDelete({ key: kept, modRevision: 0n }), 'ETCD_NO_QUORUM');
    const listing = await Array.fromAsync(view.list(new TextEncoder().encode('/behind/')));
    expect(listing.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(12_000);
  });
});

describe('the health of a cluster', () => {
  const status = (id: string, more: Partial<MemberStatus> = {}): MemberStatus => ({
    ...{ id, version: '3.4.23', leader: 'a', raftTerm: 2n, raftIndex: 5000n, raftAppliedIndex: 5000n, revision: 9n },
    ...{ dbSize: 10, dbSizeInUse: 5, isLearner: false, errors: [], ...more },
  });
  const member = (id: string) => ({ id, name: id, peerUrls: [], clientUrls: [`https://${id}:2379`], isLearner: false });
  const answer = (id: string, more: Partial<MemberStatus> = {}) => ({
    ...{ endpoint: `https://${id}:2379`, memberId: id, status: status(id, more) },
  });

  it('lists the alarms in member statuses, each once, without quorum', () => {
    const errors = ['memberID:11 alarm:NOSPACE ', 'etcdserver: no leader', 'memberID:10 alarm:CORRUPT '];
    const answers = [answer('a', { errors }), answer('b', { errors })];
    const { alarms } = judgeCluster({
      members: [member('a'), member('b')],
      answers,
      hasQuorum: false,
      alarms: undefined,
    });
    expect(alarms).toEqual([
      { member: 'b', kind: 'NOSPACE' },
      { member: 'a', kind: 'CORRUPT' },
    ]);
  });

  it('has the leader of the newest term', () => {
    const answers = [answer('a', { leader: 'a', raftTerm: 1n }), answer('b', { leader: 'b', raftTerm: 2n })];
    const sighting = { members: [member('a'), member('b')], answers, hasQuorum: true, alarms: [] };
    expect(judgeCluster(sighting)).toMatchObject({ leader: 'b', raftTerm: 2n });
  });

  it('marks no member as behind whose version reports no applied index', () => {
    const answers = [answer('a'), answer('b', { raftAppliedIndex: 0n })];
    const { members } = judgeCluster({ members: [member('a'), member('b')], answers, hasQuorum: true, alarms: [] });
    expect(members.map(({ isBehind }) => isBehind)).toEqual([false, false]);
  });
});
