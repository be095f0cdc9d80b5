import { hostPath, systemClock } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import { buildEtcdPki, hostOfEtcdMember, requireProgram, startEtcd } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { moveEtcdLeader } from './etcd-leadership.ts';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };

it.skipIf(!requireProgram('etcd', 'etcdctl'))(
  'the leader of etcd hands over to a member that follows, a follower moves nothing, and neither does a member without a majority',
  async () => {
    const pki = await buildEtcdPki();
    const etcd = await startEtcd({ members: 3, pki });
    try {
      const nodes = await Promise.all(
        etcd.members.map(async (member) => {
          const own = { endpoints: [member.endpoint] };
          return openNode(OPTIONS, { host: await hostOfEtcdMember(own, pki, member.peerUrl), clock: systemClock });
        }),
      );
      const leads = async (index: number): Promise<boolean> => {
        const signal = AbortSignal.timeout(10_000);
        const { client, connection } = await (nodes[index] ?? expect.unreachable()).etcd({}, signal);
        try {
          const { id, leader } = await client.status(connection.endpoint);
          return id === leader;
        } finally {
          client.close();
        }
      };
      const leading = async (): Promise<readonly number[]> => {
        const all = await Promise.all(nodes.map((_, index) => leads(index)));
        return all.flatMap((is, index) => (is ? [index] : []));
      };
      await expect.poll(leading, { timeout: 20_000 }).toHaveLength(1);
      const [before = -1] = await leading();
      const follower = nodes[(before + 1) % 3] ?? expect.unreachable();
      expect(await moveEtcdLeader(follower)).toBeUndefined();
      expect(await leading()).toEqual([before]);
      const name = await moveEtcdLeader(nodes[before] ?? expect.unreachable());
      await expect.poll(leading, { timeout: 20_000 }).toHaveLength(1);
      const [after = -1] = await leading();
      expect([after === before, name]).toEqual([false, etcd.members[after]?.name]);
      await Promise.all(etcd.members.filter((_, index) => index !== after).map((member) => member.stop()));
      expect(await moveEtcdLeader(nodes[after] ?? expect.unreachable())).toBeUndefined();
    } finally {
      await etcd.stop();
    }
  },
);
