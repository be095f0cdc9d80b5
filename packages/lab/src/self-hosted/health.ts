import { joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { WEB_ANSWER } from '../kubernetes/images.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import { type EquippedNode, execOnNode } from '../cluster/node-command.ts';
import { type WaitStatus, waitFor } from '../machine/waiting.ts';
import { SHOP_NAME, WORKER } from './layout.ts';
import { CONTROLLER_MANAGER, SCHEDULER } from './objects/controllers.ts';

const DEADLINE_MS = 180_000;
/** For every DaemonSet and Deployment: kind, name, wanted pods, ready pods. */
const WORKLOADS =
  '{range .items[*]}{.kind}/{.metadata.name} {.spec.replicas}{.status.desiredNumberScheduled} {.status.readyReplicas}{.status.numberReady}{"\\n"}{end}';

/** Waits until the cluster's own controller-manager and scheduler hold their leases. */
export async function waitForControllers(machine: EquippedNode, deps: LabDeps): Promise<void> {
  const path = '{range .items[*]}{.metadata.name} {.spec.holderIdentity}{"\\n"}{end}';
  const argv = ['kubectl', '--namespace=kube-system', 'get', 'leases', '--output', `jsonpath=${path}`] as const;
  await waitFor(deps, {
    subject: 'leases',
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const { stdout, stderr } = await execOnNode(machine, argv, deps);
      const held = stdout.split('\n').map((line) => line.split(' '));
      const missing = [CONTROLLER_MANAGER, SCHEDULER].filter((name) => {
        return !held.some(([lease, holder = '']) => lease === name && holder.startsWith(`${name}-`));
      });
      if (missing.length === 0) return { value: undefined };
      return { waitingFor: stderr.trim() || `no pod holds the lease of ${missing.join(' and ')}` };
    },
  });
}

/** Waits until every workload is ready, the API server is checkpointed, and the shop answers by its name. */
export async function waitForHealth(machine: EquippedNode, deps: LabDeps): Promise<void> {
  for (const [subject, check] of Object.entries(HEALTH_CHECKS)) {
    await waitFor(deps, { subject, deadlineMs: DEADLINE_MS, check: () => check(machine, deps) });
  }
}

const HEALTH_CHECKS: Readonly<
  Record<string, (machine: EquippedNode, deps: LabDeps) => Promise<WaitStatus<undefined>>>
> = {
  workloads: checkWorkloads,
  checkpoints: checkCheckpoints,
  [SHOP_NAME]: checkShop,
};

async function checkWorkloads(machine: EquippedNode, deps: LabDeps): Promise<WaitStatus<undefined>> {
  const argv = ['kubectl', 'get', 'daemonsets,deployments', '--all-namespaces', '--output'] as const;
  const { stdout, stderr } = await execOnNode(machine, [...argv, `jsonpath=${WORKLOADS}`], deps);
  const unready = stdout
    .trim()
    .split('\n')
    .filter((line) => !isReady(line));
  return unready.length === 0 ? { value: undefined } : { waitingFor: stderr.trim() || unready.join('; ') };
}

function isReady(line: string): boolean {
  const [, wanted = '', ready] = line.split(' ');
  return wanted !== '' && wanted !== '0' && wanted === ready;
}

/** Both parents need an inactive manifest and Secrets: without them nothing would start after a restart. */
async function checkCheckpoints({ node }: EquippedNode, deps: LabDeps): Promise<WaitStatus<undefined>> {
  const { host } = deps;
  const kubernetes = nodeFile(node, '/etc/kubernetes');
  const inactive = (await host.list(joinPath(kubernetes, 'inactive-manifests'))) ?? [];
  const cached = (await host.list(joinPath(kubernetes, 'checkpoint-secrets', 'kube-system'))) ?? [];
  const active = (await host.list(joinPath(kubernetes, 'manifests'))) ?? [];
  if (inactive.length !== 2 || cached.length !== 2)
    return { waitingFor: `${inactive.length} of 2 parents are checkpointed` };
  return active.length === 1 ? { value: undefined } : { waitingFor: `active manifests: ${active.join(', ')}` };
}

async function checkShop(machine: EquippedNode, deps: LabDeps): Promise<WaitStatus<undefined>> {
  const argv = ['curl', '--silent', '--max-time', '3', '--header', `Host: ${SHOP_NAME}`] as const;
  const { stdout } = await execOnNode(machine, [...argv, `http://${WORKER.address}/`], deps);
  return stdout.trim() === WEB_ANSWER
    ? { value: undefined }
    : { waitingFor: `it answers '${stdout.trim().slice(0, 80)}'` };
}
