import { joinPath } from '@kube-rescue/host';
import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';

const CA = '/etc/kubernetes/pki/ca.crt';
/** As kubeadm says it before 1.31, and since (cmd/kubeadm/app/util/config/cluster.go). */
const READ_CONFIGURATION = /Reading configuration from the (?:cluster|"kubeadm-config" ConfigMap)/;
const SIGNED_DEADLINE_MS = 30_000;
const PUBLIC_KEY_HASH = `openssl x509 -in ${CA} -noout -pubkey | openssl pkey -pubin -outform der | sha256sum | cut -d" " -f1`;

/**
 * Proves that a node can join: kubeadm discovers the cluster by `cluster-info`, a bootstrap token and the hash of the CA
 * key, and reads its configuration; kube-controller-manager signs for a kubelet with only that token.
 */
export async function proveJoining(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const token = (await runOnNode(cluster, ['kubeadm', 'token', 'create'], deps)).stdout.trim();
  return [await proveDiscovery(cluster, token, deps), await proveBootstrap(cluster, token, deps)];
}

function proveDiscovery(cluster: Cluster, token: string, deps: LabDeps): Promise<Proof> {
  return prove('kubeadm join discovers the cluster by cluster-info and the hash of the CA key', async () => {
    const hash = (await runOnNode(cluster, ['sh', '-c', PUBLIC_KEY_HASH], deps)).stdout.trim();
    const { exitCode, stdout, stderr } = await execOnNode(
      cluster,
      [
        ...(['kubeadm', 'join', 'phase', 'preflight', `${cluster.node.address}:6443`] as const),
        ...['--token', token, '--discovery-token-ca-cert-hash', `sha256:${hash}`, '--node-name', 'joiner'],
        ...['--ignore-preflight-errors=all', '--cri-socket', 'unix:///run/containerd/containerd.sock'],
      ],
      deps,
    );
    const read = READ_CONFIGURATION.test(stdout);
    return { ok: exitCode === 0 && read, detail: exitCode === 0 ? `by sha256:${hash}` : stderr.trim().slice(-300) };
  });
}

function proveBootstrap(cluster: Cluster, token: string, deps: LabDeps): Promise<Proof> {
  return prove('a kubelet with only a bootstrap token gets a certificate of the CA', async () => {
    const { directory, address } = cluster.node;
    const name = `joiner-${deps.clock.now().getTime()}`;
    const request = joinPath(directory, 'joiner.csr');
    await runOnNode(
      cluster,
      [
        ...(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const),
        ...['-keyout', '/dev/null', '-subj', '/O=system:nodes/CN=system:node:joiner', '-out', request],
      ],
      deps,
    );
    const csr = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from((await deps.host.readFile(request)) ?? new Uint8Array()).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'key encipherment', 'client auth'],
      },
    };
    const bootstrapFlags = [`--server=https://${address}:6443`, `--certificate-authority=${CA}`, `--token=${token}`];
    // Without the certificate of the administrator's kubeconfig.
    await runOnNode(
      { ...cluster, kubeconfig: '/dev/null' },
      ['kubectl', ...bootstrapFlags, 'create', '--filename', '-'],
      deps,
      {
        input: JSON.stringify(csr),
      },
    );
    const certificate = await waitFor(deps, {
      subject: `certificatesigningrequest/${name}`,
      deadlineMs: SIGNED_DEADLINE_MS,
      check: async () => {
        const output = ['--output', 'jsonpath={.status.certificate}'];
        const { stdout } = await execOnNode(cluster, ['kubectl', 'get', 'csr', name, ...output], deps);
        return stdout === ''
          ? { waitingFor: 'the signing request has no certificate' }
          : { value: Buffer.from(stdout, 'base64').toString() };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'csr', name], deps);
    const verified = await execOnNode(cluster, ['openssl', 'verify', '-x509_strict', '-CAfile', CA], deps, {
      input: certificate,
    });
    return { ok: verified.exitCode === 0, detail: (verified.stdout + verified.stderr).trim() };
  });
}
