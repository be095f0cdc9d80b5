import type { Cluster } from '../../cluster/cluster.ts';
import { runningContainers } from '../../machine/containerd.ts';
import { createDeployment, WEB_DEPLOYMENT, waitForDeployment } from '../../cluster/deployment.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type EquippedNode, execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { proveStableApi } from '../../proofs/api-stability.ts';
import type { ProveLifeInput } from '../scenario.ts';
import { expiredAmong } from './certificate-validity.ts';
import { isInTheFuture, parseCheckExpiration } from './check-expiration.ts';
import { isOfKubelet, readLeafCertificates } from './leaf-certificates.ts';

const NODE_DEADLINE_MS = 60_000;
const WORKLOAD_DEADLINE_MS = 90_000;
const MS_PER_SECOND = 1000;

const CAS = 3;

/**
 * Proves that a cluster works, by effects rather than by its own status: pods that are listed as Running may be stale. Takes
 * 10 s on a healthy cluster, and at most 90 s.
 */
export async function proveLife(cluster: Cluster, { since }: ProveLifeInput, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([
    proveStableApi(cluster, deps),
    proveNoneExpired(cluster, deps),
    proveKubeadmAgrees(cluster, deps),
    proveNodeReady(cluster, deps),
    proveOldWorkload(cluster, since, deps),
    proveNewWorkload(cluster, deps),
  ]);
}

/** Proves that every leaf certificate of the node is valid. */
export function proveNoneExpired({ node }: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('every leaf certificate is valid', async () => {
    const leaves = await readLeafCertificates(node, deps);
    const expired = await expiredAmong(leaves, deps);
    const detail = expired.length === 0 ? `openssl: all ${leaves.length} are valid` : `expired: ${expired.join(', ')}`;
    return { ok: expired.length === 0, detail };
  });
}

/** Proves that kubeadm counts every certificate of the node as valid. */
export function proveKubeadmAgrees(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('kubeadm certs check-expiration agrees', async () => {
    const { stdout } = await runOnNode(at, ['kubeadm', 'certs', 'check-expiration'], deps);
    const reported = parseCheckExpiration(stdout);
    const leaves = await readLeafCertificates(at.node, deps);
    const expected = leaves.filter((leaf) => !isOfKubelet(leaf)).length + CAS;
    const expired = reported.filter((each) => !isInTheFuture(each)).map(({ name }) => name);
    return {
      ok: reported.length === expected && expired.length === 0,
      detail:
        expired.length === 0
          ? `${reported.length} of ${expected} certificates are valid`
          : `expired: ${expired.join(', ')}`,
    };
  });
}

/** Proves that the node is Ready. */
export function proveNodeReady(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('the node is Ready', async () => {
    const condition =
      '{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}';
    const argv = ['kubectl', 'get', 'node', at.node.name, '--output', `jsonpath=${condition}`] as const;
    const detail = await waitFor(deps, {
      subject: `node/${at.node.name}`,
      deadlineMs: NODE_DEADLINE_MS,
      check: async () => {
        const { stdout, stderr } = await execOnNode(at, argv, deps);
        return stdout.startsWith('True ') ? { value: stdout.slice(5) } : { waitingFor: (stdout || stderr).trim() };
      },
    });
    return { ok: true, detail };
  });
}

/** Proves that the workload from before runs in containers from after. */
export function proveOldWorkload(cluster: Cluster, since: Date, deps: LabDeps): Promise<Proof> {
  return prove(`deployment/${WEB_DEPLOYMENT} runs again`, async () => {
    // Kubernetes reports start times in whole seconds.
    const startedSince = new Date(Math.floor(since.getTime() / MS_PER_SECOND) * MS_PER_SECOND);
    const wait = { name: WEB_DEPLOYMENT, deadlineMs: WORKLOAD_DEADLINE_MS, startedSince };
    const pods = await waitForDeployment(cluster, wait, deps);
    const running = (await Promise.all(cluster.nodes.map(({ node }) => runningContainers(node, deps)))).flat();
    const real = pods.filter(({ containerId }) => containerId !== undefined && running.includes(containerId));
    return {
      ok: real.length === pods.length,
      detail: `${real.length} of ${pods.length} pods were restarted and answer`,
    };
  });
}

/** Needs a working scheduler, controller-manager, kubelet and network, each with its new certificate. */
export function proveNewWorkload(cluster: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('a new Deployment is scheduled and runs', async () => {
    const name = `proof-${deps.clock.now().getTime()}`;
    await waitFor(deps, {
      subject: `deployment/${name}`,
      deadlineMs: NODE_DEADLINE_MS,
      check: async () => {
        const api = await execOnNode(cluster, ['kubectl', 'get', '--raw', '/readyz', '--request-timeout=5s'], deps);
        return api.exitCode === 0 ? { value: undefined } : { waitingFor: api.stderr.trim() };
      },
    });
    await createDeployment(cluster, name, deps);
    const pods = await waitForDeployment(cluster, { name, deadlineMs: WORKLOAD_DEADLINE_MS }, deps);
    await runOnNode(cluster, ['kubectl', 'delete', 'deployment', name, '--wait=false'], deps);
    return { ok: true, detail: `${pods.map((pod) => pod.name).join(', ')} answer` };
  });
}
