import { createDataRestoreKind } from '@kube-rescue/etcd-access/restore';
import { hostPath } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import { buildPki, createFixedClock, requireProgram, startEtcd, stepLaws } from '@kube-rescue/testing';
import {
  createRestoreNode,
  DATA,
  putClusterIdentity,
  saveFirstMember,
  SNAPSHOT,
  type ToolRun,
  treeOfJoined,
} from './restore-node.fixture.ts';
import { createRestorePhases } from './restore-playbook.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const clock = createFixedClock(NOW);

if (requireProgram('etcd', 'etcdctl')) {
  stepLaws('the restore of etcd', async () => {
    const { tree, pairs } = await buildPki({ now: NOW, algorithm: 'ecdsa' });
    const { snapshot } = await takeSnapshot(pairs.ca.certificate, 1);
    const known = new Map<string, ToolRun>();
    return {
      clock,
      // What was restored stays beside the old data after a rollback, and the kept manifests stay where their removal fails: only
      // what etcd and the kubelet use is compared.
      directories: [hostPath('/etc'), hostPath(`${DATA}/member/snap`)],
      makeHost: async () => createRestoreNode(tree, snapshot, known),
      makeKinds: (host) => [createDataRestoreKind({ host, clock })],
      makePlaybook: (host) => ({
        ...{ id: 'etcd-restore', title: 'Restore etcd' },
        phases: createRestorePhases(openNode(NODE, { host, clock }), {
          from: { kind: 'snapshot', path: SNAPSHOT },
        }),
      }),
    };
  });

  stepLaws('the restore of the last of three members of etcd from its own data', async () => {
    const { tree, pairs } = await buildPki({ now: NOW, algorithm: 'ecdsa', nodeName: 'etcd1' });
    const { snapshot, others } = await takeSnapshot(pairs.ca.certificate, 3);
    const joined = treeOfJoined(tree, others);
    const known = new Map<string, ToolRun>();
    return {
      clock,
      directories: [hostPath('/etc'), hostPath(`${DATA}/member/snap`)],
      makeHost: async () => createRestoreNode(joined, snapshot, known, { answering: [] }),
      makeKinds: (host) => [createDataRestoreKind({ host, clock })],
      makePlaybook: (host) => ({
        ...{ id: 'etcd-restore', title: 'Restore etcd' },
        phases: createRestorePhases(openNode(NODE, { host, clock }), {
          from: { kind: 'data-directory', path: DATA },
          without: ['etcd2', 'etcd3'],
        }),
      }),
    };
  });
}

/** Of an etcd that holds what tells the cluster; and what a manifest names of its other members. */
async function takeSnapshot(
  ca: string,
  members: number,
): Promise<{ readonly snapshot: Uint8Array; readonly others: readonly string[] }> {
  const etcd = await startEtcd({ members, pki: false });
  try {
    await putClusterIdentity(etcd, ca);
    const [, ...others] = etcd.members;
    return { snapshot: saveFirstMember(etcd), others: others.map(({ name, peerUrl }) => `${name}=${peerUrl}`) };
  } finally {
    await etcd.stop();
  }
}
