import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createDataRestoreKind } from '@kube-rescue/etcd-access/restore';
import { hostPath } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import { buildPki, createFixedClock, requireProgram, startEtcd, stepLaws } from '@kube-rescue/testing';
import { createRestoreNode, DATA, putClusterIdentity, SNAPSHOT, type ToolRun } from './restore-node.fixture.ts';
import { createRestorePhases } from './restore-playbook.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const clock = createFixedClock(NOW);

if (requireProgram('etcd', 'etcdctl')) {
  stepLaws('the restore of etcd', async () => {
    const { tree, pairs } = await buildPki({ now: NOW, algorithm: 'ecdsa' });
    const snapshot = await takeSnapshot(pairs.ca.certificate);
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
}

/** Of an etcd that holds what tells the cluster. */
async function takeSnapshot(ca: string): Promise<Uint8Array> {
  const etcd = await startEtcd();
  try {
    await putClusterIdentity(etcd, ca);
    const file = path.join(etcd.directory, 'snapshot.db');
    await etcd.etcdctl('snapshot', 'save', file);
    return await readFile(file);
  } finally {
    await etcd.stop();
  }
}
