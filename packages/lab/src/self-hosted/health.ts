import { joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../cluster/deps.ts';
import { WEB_ANSWER } from '../kubernetes/images.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import { type EquippedNode, execOnNode } from '../cluster/node-command.ts';
import { type ObservedCertificate, waitFor } from '../machine/waiting.ts';
import { SHOP_NAME, WORKER } from './layout.ts';
import { CONTROLLER_MANAGER, SCHEDULER } from './objects/controllers.ts';

const DEADLINE_MS = 180_000;
/** Of every DaemonSet and Deployment: kind, name, wanted pods, ready pods. */
const WORKLOADS =
  '{range .items[*]}{.kind}/{.metadata.name} {.spec.replicas}{.status.desiredNumberScheduled} {.status.readyReplicas}{.status.numberReady}{"\\n"}{end}';

/** Waits until the cluster's own controller-manager and scheduler do the work: each holds its lease. */
export async function waitForControllers(machine: EquippedNode, deps: LabDeps): Promise<void> {
  const path = '{range .items[*]}{.metadata.name} {.spec.holderIdentity}{"\\n"}{end}';
  const argv = ['kubectl', '--namespace=kube-system', 'get', 'leases', '--output', `jsonpath=${path}`] as const;
  await waitFor(deps, {
    subject: 'leases',
    deadlineMs: DEADLINE_MS,
    look: async () => {
      const { stdout, stderr } = await execOnNode(machine, argv, deps);
      const held = stdout.split('\n').map((line) => line.split(' '));
      const missing = [CONTROLLER_MANAGER, SCHEDULER].filter((name) => {
        return !held.some(([lease, holder = '']) => lease === name && holder.startsWith(`${name}-`));
      });
      if (missing.length === 0) return { value: undefined };
      return { waitingFor: stderr.trim() || `nobody holds the lease of ${missing.join(' and ')}` };
    },
  });
}

/** Waits until every workload is ready, the API server has been checkpointed, and the shop answers by its name. */
export async function waitForHealth(machine: EquippedNode, deps: LabDeps): Promise<void> {
  for (const [subject, look] of Object.entries(SIGHTS)) {
    await waitFor(deps, { subject, deadlineMs: DEADLINE_MS, look: () => look(machine, deps) });
  }
}

const SIGHTS: Readonly<
  Record<string, (machine: EquippedNode, deps: LabDeps) => Promise<ObservedCertificate<undefined>>>
> = {
  workloads: lookAtWorkloads,
  checkpoints: lookAtCheckpoints,
  [SHOP_NAME]: lookAtShop,
};

async function lookAtWorkloads(machine: EquippedNode, deps: LabDeps): Promise<ObservedCertificate<undefined>> {
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

/** Inactive copies of both parents with their Secrets: without them nothing would start after a restart. */
async function lookAtCheckpoints({ node }: EquippedNode, deps: LabDeps): Promise<ObservedCertificate<undefined>> {
  const { host } = deps;
  const kubernetes = nodeFile(node, '/etc/kubernetes');
  const inactive = (await host.list(joinPath(kubernetes, 'inactive-manifests'))) ?? [];
  const cached = (await host.list(joinPath(kubernetes, 'checkpoint-secrets', 'kube-system'))) ?? [];
  const active = (await host.list(joinPath(kubernetes, 'manifests'))) ?? [];
  if (inactive.length !== 2 || cached.length !== 2)
    return { waitingFor: `${inactive.length} of 2 parents have a copy` };
  return active.length === 1 ? { value: undefined } : { waitingFor: `active are ${active.join(', ')}` };
}

async function lookAtShop(machine: EquippedNode, deps: LabDeps): Promise<ObservedCertificate<undefined>> {
  const argv = ['curl', '--silent', '--max-time', '3', '--header', `Host: ${SHOP_NAME}`] as const;
  const { stdout } = await execOnNode(machine, [...argv, `http://${WORKER.address}/`], deps);
  return stdout.trim() === WEB_ANSWER
    ? { value: undefined }
    : { waitingFor: `it says '${stdout.trim().slice(0, 80)}'` };
}
