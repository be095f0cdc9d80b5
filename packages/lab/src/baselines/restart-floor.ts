import type { Cluster } from '../cluster/cluster.ts';
import { killContainers } from '../machine/containerd.ts';
import { isApiReady } from '../cluster/control-plane.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import { readNodeText } from '../cluster/node-text.ts';
import { findApiServer } from '../proofs/api-stability.ts';
import { startService, stopService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import { type Measurement, startStopwatch } from './stopwatch.ts';

export interface RestartInput {
  /**
   * `running`: change the manifests of a healthy control plane while its kubelet runs. `stopped`: stop the kubelet and every
   * container, as in an expired cluster, and start the kubelet.
   */
  readonly from: 'running' | 'stopped';
}

const MANIFESTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
const READY_DEADLINE_MS = 180_000;

/** Restarts a control plane with valid certificates: the lower bound for a recovery from the same state. */
export async function restartControlPlane(
  cluster: Cluster,
  { from }: RestartInput,
  deps: LabDeps,
): Promise<Measurement> {
  const { node } = cluster;
  const old = await findApiServer(cluster, deps);
  if (from === 'stopped') {
    await stopService(node, 'kubelet', deps);
    await killContainers(node, deps);
  }
  const watch = startStopwatch(deps, 'restart');
  if (from === 'stopped') await watch.time('start of the kubelet', () => startService(node, 'kubelet', deps));
  else await watch.time('change of the manifests', () => annotateManifests(cluster, deps));
  await watch.time('API server', () =>
    waitFor(deps, {
      subject: 'kube-apiserver',
      deadlineMs: READY_DEADLINE_MS,
      intervalMs: 50,
      check: async () => {
        const current = await findApiServer(cluster, deps);
        if (current === undefined || current === old) return { waitingFor: 'kube-apiserver has not restarted' };
        return (await isApiReady(cluster, deps)) ? { value: undefined } : { waitingFor: '/readyz is not ok' };
      },
    }),
  );
  return watch.read();
}

async function annotateManifests({ node }: Cluster, deps: LabDeps): Promise<void> {
  const stamp = deps.clock.now().toISOString();
  await Promise.all(
    MANIFESTS.map(async (name) => {
      const file = nodeFile(node, `/etc/kubernetes/manifests/${name}.yaml`);
      const text = withAnnotation(await readNodeText(file, deps), 'kube-rescue.invalid/restarted-at', stamp);
      await deps.host.writeFile(file, Buffer.from(text), { mode: 0o600, watched: true });
    }),
  );
}

/** Adds an annotation to a manifest of kubeadm; two of the four manifests have none yet. */
export function withAnnotation(manifest: string, key: string, value: string): string {
  const line = `    ${key}: "${value}"\n`;
  const others = manifest.replace(new RegExp(`^    ${key}: .*\n`, 'm'), '');
  return /^ {2}annotations:\n/m.test(others)
    ? others.replace(/^ {2}annotations:\n/m, (found) => found + line)
    : others.replace(/^metadata:\n/m, (found) => `${found}  annotations:\n${line}`);
}
