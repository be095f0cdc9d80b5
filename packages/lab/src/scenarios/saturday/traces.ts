import { joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { pkiDirectory, readCa } from '../../self-hosted/pki.ts';
import { ETCD_SERVICE } from '../../self-hosted/units.ts';
import { serviceLog } from '../../machine/services.ts';
import { etcdctl } from './etcd-client.ts';

const TREES = [
  '/etc/kubernetes',
  '/etc/ssl/etcd',
  '/etc/systemd/system',
  '/home/core',
  '/run',
  '/var/lib/kubelet',
] as const;
/** The bundles of the set hold the old CA and the new CA. */
const SET_DIRECTORY = 'tls_rotate';
/** A line of base64 in PEM has 64 letters. */
const PEM_LINE = 64;

/** Proves that no node and no object holds the expired CA. Backups and the output of `tls_rotate` may hold it. */
export function proveNoTraces(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('nothing on a node or in etcd holds the expired CA', async () => {
    const expired = await readCa(joinPath(pkiDirectory(cluster.id), 'expired'), 'kube-ca', deps);
    const patterns = tracesOf(expired);
    const grep = [
      'grep',
      '--recursive',
      '--files-with-matches',
      '--fixed-strings',
      `--exclude-dir=${SET_DIRECTORY}`,
    ] as const;
    const found: string[] = [];
    for (const machine of cluster.nodes) {
      const argv = [...grep, ...patterns.flatMap((pattern) => ['-e', pattern]), ...TREES] as const;
      const { stdout } = await execOnNode(machine, argv, deps);
      const paths = stdout.split('\n').filter((line) => line !== '');
      found.push(...paths.map((path) => `${machine.node.name}:${path}`));
    }
    const raw = await etcdctl(cluster, ['get', '/', '--prefix', '--print-value-only'], deps);
    const kinds = 'secrets,configmaps,apiservices,validatingwebhookconfigurations,mutatingwebhookconfigurations';
    const objects = await runOnNode(cluster, ['kubectl', 'get', kinds, '--all-namespaces', '--output=json'], deps);
    if (patterns.some((pattern) => raw.stdout.includes(pattern))) found.push('a value in etcd');
    if (patterns.some((pattern) => objects.stdout.includes(pattern))) found.push('an object');
    const searched = `${TREES.join(', ')} of ${cluster.nodes.length} nodes, ${raw.stdout.length} bytes of etcd`;
    return {
      ok: raw.exitCode === 0 && found.length === 0,
      detail: found.length === 0 ? `not found in ${searched}` : found.join(', '),
    };
  });
}

/**
 * Search patterns for a certificate in PEM, and in base64-encoded PEM as in Secrets and kubeconfigs: a line from its middle,
 * encoded at each of the three offsets in a base64 group.
 */
export function tracesOf(certificate: string): readonly string[] {
  const lines = certificate.split('\n').filter((line) => line.length === PEM_LINE);
  const line = lines[Math.floor(lines.length / 2)] ?? '';
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.from('\n'.repeat(offset) + line).toString('base64');
    // Drop the characters that depend on neighbouring bytes.
    return text.slice(offset === 0 ? 0 : 4, -4);
  });
  return [line, ...encoded];
}

/** Proves that etcd has rejected no connection after the first `mark` characters of its log. */
export function proveNoConnectionRejected(cluster: SelfHostedCluster, mark: number, deps: LabDeps): Promise<Proof> {
  return prove('etcd rejects no connection', async () => {
    const log = (await readNodeText(etcdLog(cluster), deps)).slice(mark);
    const rejected = log.split('\n').filter((line) => line.includes('rejected connection')).length;
    return {
      ok: rejected === 0,
      detail: `${rejected} rejected connections in the last ${log.length} bytes of its log`,
    };
  });
}

/** The current length of etcd's log. */
export async function markEtcdLog(cluster: SelfHostedCluster, deps: LabDeps): Promise<number> {
  return (await readNodeText(etcdLog(cluster), deps)).length;
}

function etcdLog({ node }: SelfHostedCluster) {
  return serviceLog(node, ETCD_SERVICE);
}
