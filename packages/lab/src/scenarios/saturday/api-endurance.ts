import type { LabDeps } from '../../machine/lab-deps.ts';
import { labIdOfCgroup } from '../../machine/lab-processes.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { API_URL } from '../../self-hosted/layout.ts';
import { startService, stopService } from '../../machine/services.ts';
import { activeManifest, findCheckpoint } from './checkpoint.ts';
import { ROTATION_SET } from './rotation-set.ts';

const INTERVAL_MS = 1000;
/** The fraction of the window after which the kubelet restarts: late, so that concurrent proofs are not disturbed. */
const RESTART_AFTER = 0.7;

/**
 * Proves that the API server answers throughout a window with a restart of the kubelet, from one process that belongs to the
 * DaemonSet, not to a checkpoint.
 */
export function proveEnduringApi(cluster: SelfHostedCluster, windowMs: number, deps: LabDeps): Promise<Proof> {
  return prove(`the API server answers for ${windowMs / 1000} s, through a restart of the kubelet`, async () => {
    const before = await findApiServer(cluster, deps);
    const startedAt = deps.clock.now().getTime();
    let restarted = false;
    let answers = 0;
    for (let elapsed = 0; elapsed < windowMs; elapsed = deps.clock.now().getTime() - startedAt) {
      if (!(await isReady(cluster, deps)))
        return { ok: false, detail: `no answer after ${Math.round(elapsed / 1000)} s` };
      answers += 1;
      if (!restarted && elapsed >= windowMs * RESTART_AFTER) {
        restarted = true;
        await stopService(cluster.node, 'kubelet', deps);
        await startService(cluster.node, 'kubelet', deps);
      }
      await deps.clock.sleep(INTERVAL_MS, deps.signal);
    }
    const after = await findApiServer(cluster, deps);
    if (before === undefined || before.process !== after?.process)
      return { ok: false, detail: 'kube-apiserver restarted' };
    const isActive =
      (await deps.host.stat(activeManifest(cluster, await findCheckpoint(cluster, 'kube-apiserver', deps)))) !==
      undefined;
    const uid = await parentUid(cluster, deps);
    const ok = !isActive && uid !== '' && after.cgroup.includes(uid);
    const owner = ok ? "the DaemonSet's pod" : `another pod than ${uid}${isActive ? '; a checkpoint is active' : ''}`;
    return { ok, detail: `${answers} good answers from process ${after.process}, of ${owner}` };
  });
}

async function isReady(cluster: SelfHostedCluster, deps: LabDeps): Promise<boolean> {
  const curl = ['curl', '--silent', '--max-time', '5', '--cacert', `${ROTATION_SET}/tls/ca.crt`] as const;
  return (await execOnNode(cluster, [...curl, `${API_URL}/readyz`], deps)).stdout === 'ok';
}

async function findApiServer({ id }: SelfHostedCluster, { host }: LabDeps) {
  const found = (await host.processes()).filter(
    ({ argv, cgroup }) => argv[0]?.endsWith('/kube-apiserver') === true && labIdOfCgroup(cgroup) === id,
  );
  const [only] = found;
  if (only === undefined || found.length !== 1) return undefined;
  return { process: `${only.pid}/${only.startTicks}`, cgroup: only.cgroup };
}

/** The UID of the pod that the DaemonSet owns, not of a mirror pod. */
async function parentUid(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const path = '{range .items[*]}{.metadata.ownerReferences[0].kind} {.metadata.uid}{"\\n"}{end}';
  const get = ['kubectl', '--namespace=kube-system', 'get', 'pods', '--selector=k8s-app=kube-apiserver'] as const;
  const { stdout } = await runOnNode(cluster, [...get, '--output', `jsonpath=${path}`], deps);
  return /^DaemonSet (\S+)$/m.exec(stdout)?.[1] ?? '';
}
