import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { waitForHealth } from '../../self-hosted/health.ts';
import { CLUSTER_DOMAIN, CONTROL_PLANE, MASTER_LABEL } from '../../self-hosted/layout.ts';
import { waitFor } from '../../machine/waiting.ts';
import { listPublished, publishedCa } from '../ca-expired/published-ca.ts';
import { proveServiceAccountPod } from '../ca-expired/service-account-pod.ts';
import type { ProveLifeInput } from '../scenario.ts';
import { proveEnduringApi } from './api-endurance.ts';
import { proveNewShop } from './new-shop.ts';
import { ROTATION_SET } from './rotation-set.ts';
import { markEtcdLog, proveNoConnectionRejected, proveNoTraces } from './traces.ts';

const DEFAULT_WINDOW_MS = 180_000;
const DEADLINE_MS = 120_000;

/** Proves that the cluster works, by effects. Takes little longer than `stableMs`. */
export async function proveSaturdayLife(
  cluster: SelfHostedCluster,
  { stableMs = DEFAULT_WINDOW_MS }: Partial<ProveLifeInput>,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const mark = await markEtcdLog(cluster, deps);
  const [endurance, ...others] = await Promise.all([
    proveEnduringApi(cluster, stableMs, deps),
    proveNodesReady(cluster, deps),
    proveTaint(cluster, deps),
    proveWorkloads(cluster, deps),
    provePublished(cluster, deps),
    proveServiceAccountPod(cluster, deps, `https://kubernetes.default.svc.${CLUSTER_DOMAIN}`),
    proveNewShop(cluster, deps),
  ]);
  const owned = await proveOwners(cluster, deps);
  return [
    endurance,
    ...others,
    owned,
    await proveNoTraces(cluster, deps),
    await proveNoConnectionRejected(cluster, mark, deps),
  ];
}

function proveNodesReady(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('both nodes are Ready', async () => {
    const path = '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    const argv = ['kubectl', 'get', 'nodes', '--output', `jsonpath=${path}`] as const;
    const value = await waitFor(deps, {
      subject: 'nodes',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const { stdout, stderr } = await execOnNode(cluster, argv, deps);
        const ready = stdout.split('\n').filter((line) => line.endsWith(' True')).length;
        return ready === cluster.nodes.length
          ? { value: `${ready} are Ready` }
          : { waitingFor: stderr.trim() || stdout.trim() };
      },
    });
    return { ok: true, detail: value };
  });
}

function proveTaint(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the taint of the control-plane node is back', async () => {
    const path = '{range .spec.taints[*]}{.key}:{.effect} {end}';
    const argv = ['kubectl', 'get', 'node', CONTROL_PLANE.name, '--output', `jsonpath=${path}`] as const;
    const detail = (await runOnNode(cluster, argv, deps)).stdout.trim();
    return { ok: detail.split(' ').includes(`${MASTER_LABEL}:NoSchedule`), detail };
  });
}

function proveWorkloads(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('every DaemonSet and Deployment has its pods, and the shop answers by its Host header', async () => {
    await waitForHealth(cluster, deps);
    return { ok: true, detail: 'kubectl shows all wanted pods as ready; the ingress controller answered curl' };
  });
}

/**
 * Pods that were created by hand have no owner; mirror pods belong to their Node. A pod of a ReplicaSet that ended has been
 * replaced, and stays listed until the garbage collector takes it.
 */
function proveOwners(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('every pod of the control plane belongs to its controller; no rescue pod is left', async () => {
    const path = '{range .items[*]}{.metadata.name} {.metadata.ownerReferences[0].kind} {.status.phase}{"\\n"}{end}';
    const get = ['kubectl', '--namespace=kube-system', 'get', 'pods', '--output', `jsonpath=${path}`] as const;
    const all = (await runOnNode(cluster, get, deps)).stdout.trim().split('\n');
    const lines = all.filter((line) => !/ ReplicaSet (?:Failed|Succeeded)$/.test(line));
    const strange = lines.filter((line) => !/ (DaemonSet|ReplicaSet|Node) Running$/.test(line));
    const copies = lines.filter((line) => / Node /.test(line) && !line.startsWith('pod-checkpointer-'));
    const bad = [...strange, ...copies];
    return {
      ok: bad.length === 0,
      detail: bad.length === 0 ? `${lines.length} pods, ${all.length - lines.length} ended` : bad.join('; '),
    };
  });
}

function provePublished(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('every service account and namespace has the new CA', async () => {
    const present = (await readNodeText(nodeFile(cluster.node, `${ROTATION_SET}/tls/ca.crt`), deps)).trim();
    const all = await listPublished(cluster, deps);
    const old = all.filter((object) => publishedCa(object)?.trim() !== present);
    const names = old.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    const detail =
      names.length === 0 ? `${all.length} Secrets and ConfigMaps hold it` : `another CA is in ${names.join(', ')}`;
    return { ok: all.length > 0 && old.length === 0, detail };
  });
}
