import { runningContainers } from '../../machine/containerd.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type EquippedNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Proves by ctr that each control-plane component of a node runs once, in a container that is newer than `since`: an older process
 * goes on with the certificates that it has read.
 */
export function proveNewContainers(at: EquippedNode, since: Date, deps: LabDeps): Promise<Proof> {
  return prove('every control-plane container is newer than the recovery', async () => {
    const running = await runningContainers(at.node, deps);
    const created = await Promise.all(
      COMPONENTS.map(async (name) => {
        const ids = (await containersOf(at, name, deps)).filter((id) => running.includes(id));
        const times = await Promise.all(ids.map((id) => createdAt(at, id, deps)));
        return { name, times };
      }),
    );
    return {
      ok: created.every(({ times }) => times.length === 1 && times.every((time) => time > since)),
      detail: created
        .map(({ name, times }) => `${name} ${times.map((time) => time.toISOString()).join(' and ') || 'does not run'}`)
        .join(', '),
    };
  });
}

async function containersOf(at: EquippedNode, component: string, deps: LabDeps): Promise<readonly string[]> {
  const filter = `labels."io.kubernetes.container.name"==${component}`;
  const { stdout } = await runOnNode(at, ['ctr', '--namespace=k8s.io', 'containers', 'list', '--quiet', filter], deps);
  return stdout.split('\n').filter((id) => id !== '');
}

async function createdAt(at: EquippedNode, id: string, deps: LabDeps): Promise<Date> {
  const { stdout } = await runOnNode(at, ['ctr', '--namespace=k8s.io', 'containers', 'info', id], deps);
  return new Date((JSON.parse(stdout) as { readonly CreatedAt: string }).CreatedAt);
}
