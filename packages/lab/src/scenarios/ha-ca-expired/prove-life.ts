import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { caFileOf, CAS, type KubeadmCaName } from '../ca-expired/ca-file.ts';
import { proveChains, proveFrontProxyAccepted, provePublished } from '../ca-expired/prove-life.ts';
import { proveServiceAccountPod } from '../ca-expired/service-account-pod.ts';
import { proveOnEach } from '../ha-expired/on-each.ts';
import { proveAllServing } from '../ha-expired/prove-life.ts';
import type { ProveLifeInput } from '../scenario.ts';

/** Proves what `ha-expired` proves, that all nodes have the same new CAs, and that the cluster publishes them. */
export async function proveCasServing(
  cluster: Cluster,
  input: ProveLifeInput,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const serving = await proveAllServing(cluster, input, deps);
  const trust = await Promise.all([
    ...CAS.map((ca) => proveSameCa(cluster, ca, deps)),
    provePublished(cluster, deps),
    proveClusterInfo(cluster, deps),
  ]);
  const onEach = await Promise.all([
    proveOnEach(cluster, proveChains, deps),
    proveOnEach(cluster, proveFrontProxyAccepted, deps),
  ]);
  const pod = await proveServiceAccountPod(cluster, deps);
  return [...serving, ...trust, ...onEach.flat(), pod];
}

/** By openssl: one fingerprint on all nodes, of a certificate that is valid. */
function proveSameCa({ controlPlanes }: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<Proof> {
  return prove(`every node has the same new ${ca}.crt`, async () => {
    const path = caFileOf(ca);
    const found = await Promise.all(
      controlPlanes.map(async (machine) => {
        const argv = ['openssl', 'x509', '-noout', '-checkend', '0', '-fingerprint', '-sha256', '-in', path] as const;
        const { exitCode, stdout } = await execOnNode(machine, argv, deps);
        const [, fingerprint = ''] = /Fingerprint=(\S+)/.exec(stdout) ?? [];
        const { stdout: digest } = await runOnNode(machine, ['sha256sum', path], deps);
        return { isValid: exitCode === 0, same: `${fingerprint} ${digest}` };
      }),
    );
    const different = new Set(found.map(({ same }) => same));
    const invalid = found.filter(({ isValid }) => !isValid);
    const [fingerprint = ''] = [...different].map((same) => same.slice(0, 23));
    return {
      ok: different.size === 1 && invalid.length === 0,
      detail: `${found.length} nodes, ${different.size} certificate, ${invalid.length} expired: ${fingerprint}`,
    };
  });
}

/** New nodes join by it. */
function proveClusterInfo(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('cluster-info holds the CA of the nodes', async () => {
    const present = await readNodeText(nodeFile(cluster.node, caFileOf('ca')), deps);
    const argv = ['kubectl', 'get', 'configmap', 'cluster-info', '--namespace=kube-public'] as const;
    const output = 'jsonpath={.data.kubeconfig}';
    const { stdout } = await runOnNode(cluster, [...argv, '--output', output], deps);
    const [, data = ''] = /certificate-authority-data: (\S+)/.exec(stdout) ?? [];
    const isSame = Buffer.from(data, 'base64').toString().trim() === present.trim();
    return { ok: isSame, detail: isSame ? 'it holds the same certificate' : 'it holds another certificate' };
  });
}
