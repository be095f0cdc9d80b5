import type { Cluster } from '../../cluster/cluster.ts';
import { lastOutput } from '../../machine/command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { etcdctl } from '../../cluster/etcd-client.ts';
import { type EquippedNode, execOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { isServiceRunning, serviceLog, startService, stopService } from '../../machine/services.ts';
import { expiredAmong } from './certificate-validity.ts';
import { readLeafCertificates } from './leaf-certificates.ts';

/** How long the kubelet is watched after a start; without valid credentials it exits within a second. */
const KUBELET_WATCH_MS = 4000;
const POLL_INTERVAL_MS = 250;
const PORTS = ['2379', '2380', '6443', '10250'] as const;

/** Proves that the cluster is down, before any recovery. Restarts the kubelet. */
export async function proveDeath(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const kubelet = await proveKubeletStaysDown(cluster, deps);
  const others = await Promise.all([
    proveAllExpired(cluster, deps),
    proveNothingListens(cluster, deps),
    proveKubectlFails(cluster, deps),
    proveEtcdctlFails(cluster, deps),
  ]);
  return [kubelet, ...others];
}

/** Proves that every leaf certificate of the node has expired. */
export function proveAllExpired({ node }: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('every leaf certificate has expired', async () => {
    const leaves = await readLeafCertificates(node, deps);
    const expired = await expiredAmong(leaves, deps);
    return { ok: expired.length === leaves.length, detail: `openssl: ${expired.length} of ${leaves.length} expired` };
  });
}

export function proveKubectlFails(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('kubectl does not reach the API server', async () => {
    const argv = ['kubectl', 'get', 'nodes', '--request-timeout=5s'] as const;
    const result = await execOnNode(at, argv, deps);
    return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
  });
}

export function proveEtcdctlFails(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('etcdctl does not reach etcd', async () => {
    const result = await etcdctl(at, ['endpoint', 'health'], deps);
    return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
  });
}

export function proveKubeletStaysDown({ node }: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('the kubelet does not start', async () => {
    await stopService(node, 'kubelet', deps);
    await startService(node, 'kubelet', deps);
    for (let waited = 0; waited < KUBELET_WATCH_MS; waited += POLL_INTERVAL_MS) {
      if (!(await isServiceRunning(node, 'kubelet', deps))) break;
      await deps.clock.sleep(POLL_INTERVAL_MS, deps.signal);
    }
    if (await isServiceRunning(node, 'kubelet', deps))
      return { ok: false, detail: 'the kubelet was started and still runs' };
    const stdout = await readNodeText(serviceLog(node, 'kubelet'), deps);
    return { ok: true, detail: lastOutput({ stdout: reasonOf(stdout), stderr: '' }, 1) };
  });
}

/** The kubelet's last error, without the stack trace that klog prints after a fatal error. */
export function reasonOf(log: string): string {
  const fatal = log.split('\n').findLast((line) => /^[EF]\d{4} .*failed to run Kubelet/.test(line));
  return (fatal ?? log).replace(/^[EF]\d{4} \S+\s+\d+ \S+\] /, '');
}

export function proveNothingListens(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove(`nothing listens on ${PORTS.join(', ')}`, async () => {
    const { stdout } = await execOnNode(at, ['ss', '--no-header', '--listening', '--tcp', '--numeric'], deps);
    const open = listeningPorts(stdout).filter((port) => (PORTS as readonly string[]).includes(port));
    return {
      ok: open.length === 0,
      detail: open.length === 0 ? 'ss shows no such listener' : `ss shows ${open.join(', ')}`,
    };
  });
}

/** @param table the output of ss(8) without a header: the fourth column is the local address */
export function listeningPorts(table: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
    .filter((address) => address.includes(':'))
    .map((address) => address.slice(address.lastIndexOf(':') + 1));
}
