import { createLocalHost, systemClock } from '@kube-rescue/host';
import { expectCode, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemberChangeKinds, type MemberChange } from '../membership/member-change-kinds.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Member } from './member.ts';
import { openEtcd } from './open-etcd.ts';

const deps = { host: createLocalHost(), clock: systemClock };
const AGREED_MS = 20_000;

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('the members of a cluster', () => {
  let etcd: RunningEtcd;
  let client: EtcdClient;
  const open = async (endpoints = etcd.endpoints): Promise<EtcdClient> => {
    const tls = { ca: etcd.pki?.ca.certificate ?? '', client: etcd.pki?.client };
    return openEtcd({ endpoints, tls, requestTimeoutMs: 5000 }, deps);
  };
  const start = async (members: number): Promise<void> => {
    etcd = await startEtcd({ members });
    client = await open();
  };
  afterEach(async () => {
    client.close();
    await etcd.stop();
  });
  const find = async (name: string): Promise<Member | undefined> =>
    (await client.members()).find((each) => each.name === name);
  const idOf = async (name: string): Promise<string> => (await find(name))?.id ?? '';
  const names = async (): Promise<readonly string[]> =>
    (await etcd.etcdctl('member', 'list')).split('\n').flatMap((line) => line.split(', ')[2] ?? []);
  const endpoint = (index: number): string => etcd.endpoints[index] ?? '';
  const electedLeader = async (): Promise<void> => {
    const end = Date.now() + AGREED_MS;
    while (Date.now() < end) {
      const isAnswered = await client.get(Buffer.from('/a')).then(
        () => true,
        () => false,
      );
      if (isAnswered) return;
      await systemClock.sleep(200);
    }
  };
  /** It may have been the leader. */
  const stopThird = async (): Promise<void> => {
    await etcd.members[2]?.stop();
    await electedLeader();
  };
  /** Members count once they have been connected for some seconds, a learner once it has caught up. */
  const onceAgreed = async (call: () => Promise<void>): Promise<void> => {
    const end = Date.now() + AGREED_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ETCD_REFUSED' });
        if (Date.now() > end) throw error;
      }
      await systemClock.sleep(200);
    }
  };

  it('one that is down is removed, and the others go on', async () => {
    await start(3);
    await stopThird();
    await client.removeMember(endpoint(0), await idOf('etcd3'));
    expect((await client.members()).map(({ name }) => name).toSorted()).toEqual(['etcd1', 'etcd2']);
    await client.compareAndSwap({ key: Buffer.from('/a'), modRevision: 0n, value: Buffer.from('1') });
  });

  it('the leader is removed through another member', async () => {
    await start(3);
    const leader = (await client.status(endpoint(0))).leader ?? '';
    const [other] = (await client.members()).filter(({ id }) => id !== leader);
    await onceAgreed(() => client.removeMember(other?.clientUrls[0] ?? '', leader));
    client.close();
    client = await open([other?.clientUrls[0] ?? '']);
    await electedLeader();
    expect((await client.members()).map(({ id }) => id)).not.toContain(leader);
  });

  it('etcd itself refuses to remove one that its majority needs, and an unknown one', async () => {
    await start(3);
    await stopThird();
    const id = await idOf('etcd2');
    await expectCode(client.removeMember(endpoint(0), id), 'ETCD_REFUSED');
    await expectCode(client.removeMember(endpoint(0), 'abc'), 'ETCD_REFUSED');
    await expectCode(client.promoteMember(endpoint(0), id), 'ETCD_REFUSED');
    expect(await client.members()).toHaveLength(3);
  });

  it('a learner gets a vote once it has caught up', async () => {
    await start(1);
    const learner = await etcd.addLearner('etcd2');
    const id = (await client.members()).find(({ isLearner }) => isLearner)?.id ?? '';
    await onceAgreed(() => client.promoteMember(endpoint(0), id));
    expect(await find('etcd2')).toMatchObject({ isLearner: false, peerUrls: [learner.peerUrl] });
  });

  it('a removal is made once, and no rollback reverts it', async () => {
    await start(3);
    const [kind] = createMemberChangeKinds({ open: () => open(), clock: systemClock });
    const id = await idOf('etcd3');
    const change: MemberChange = {
      ...{ kind: 'etcd.member-remove', target: id, name: 'etcd3', endpoint: endpoint(0), search: {} },
    };
    const backup = { keep: async () => '', read: async () => new Uint8Array() };
    expect(kind?.describe(change)).toBe(`remove the member etcd3 (${id}) of etcd for good`);
    expect(await kind?.previewUndo?.(change, {}, backup)).toEqual({ state: 'already' });
    await kind?.apply(change, undefined);
    await kind?.apply(change, undefined);
    expect(await names()).not.toContain('etcd3');
    expect(await kind?.undo(change, {}, backup)).toMatchObject({ state: 'foreign', reason: /never returns/ });
    expect(await names()).not.toContain('etcd3');
  });
});
