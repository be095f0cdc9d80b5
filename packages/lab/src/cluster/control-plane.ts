import { type HostPath, joinPath } from '@kube-rescue/host';
import { resignCertificate } from './certificate-signing.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type KubeadmConfigInput, renderKubeadmConfig } from '../kubernetes/kubeadm-config.ts';
import { storeKubeletCertificate } from './kubelet-certificate.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import { type EquippedNode, execOnNode, runOnNode } from './node-command.ts';
import { readNodeText } from './node-text.ts';
import { startService } from '../machine/services.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { waitFor } from '../machine/waiting.ts';

/** Older than the lifetime of a leaf, so that its leaves can have expired. */
const CA_AGE_DAYS = 366;
/** Since 1.31 kubeadm creates every key with the configured algorithm. */
const ALGORITHM_EVERYWHERE_SINCE = 31;
const CA_LIFETIME_DAYS = 10 * 365;
const MS_PER_DAY = 24 * 60 * 60 * 1000;
const READY_DEADLINE_MS = 180_000;

const CA_DEFINITIONS = [
  { phase: 'ca', name: 'ca' },
  { phase: 'etcd-ca', name: 'etcd/ca' },
  { phase: 'front-proxy-ca', name: 'front-proxy-ca' },
] as const;

/** Creates the files of a control-plane node as kubeadm does; starts nothing. */
export async function prepareControlPlane(
  at: EquippedNode,
  input: Omit<KubeadmConfigInput, 'node'>,
  deps: LabDeps,
): Promise<void> {
  const { keyAlgorithm, release } = input;
  const config = Buffer.from(renderKubeadmConfig({ ...input, node: at.node }));
  await deps.host.writeFile(kubeadmConfig(at), config, { mode: 0o600 });
  await runConcurrently(
    deps,
    CA_DEFINITIONS.map(({ phase, name }) => async (each) => {
      await kubeadmPhase(at, ['certs', phase], each);
      await backdateCa(at, name, each);
    }),
  );
  await kubeadmPhase(at, ['certs', 'all'], deps);
  await kubeadmPhase(at, ['kubeconfig', 'all'], deps);
  if (keyAlgorithm === 'ECDSA' && release.minor < ALGORITHM_EVERYWHERE_SINCE) await renewKubeconfigs(at, deps);
  const phases = [['kubelet-start'], ['control-plane', 'all'], ['etcd', 'local']] as const;
  await runConcurrently(
    deps,
    phases.map((phase) => (each) => kubeadmPhase(at, phase, each)),
  );
  await storeKubeletCertificate(at.node, keyAlgorithm, deps);
  await kubeadmPhase(at, ['kubelet-finalize', 'all'], deps);
}

/**
 * Starts the kubelet and with it the control plane; returns once the API server is ready and kubeadm's last phases have
 * run.
 */
export async function startControlPlane(at: EquippedNode, deps: LabDeps): Promise<void> {
  await startService(at.node, 'kubelet', deps);
  await waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs: READY_DEADLINE_MS,
    check: async () => ((await isApiReady(at, deps)) ? { value: undefined } : { waitingFor: '/readyz is not ok' }),
  });
  await kubeadmPhase(at, ['upload-config', 'all'], deps);
  await kubeadmPhase(at, ['bootstrap-token'], deps);
  await kubeadmPhase(at, ['mark-control-plane'], deps);
}

/** Requests `/readyz` once; true only if the API server presents a valid certificate of the cluster CA and answers ok. */
export async function isApiReady(at: EquippedNode, deps: Pick<LabDeps, 'host' | 'signal'>): Promise<boolean> {
  const url = `https://${at.node.address}:6443/readyz`;
  const argv = ['curl', '--silent', '--max-time', '5', '--cacert', '/etc/kubernetes/pki/ca.crt', url] as const;
  return (await execOnNode(at, argv, deps)).stdout === 'ok';
}

/** The kubeadm configuration of the node; its path is the same inside the node. */
export function kubeadmConfig({ node }: Pick<EquippedNode, 'node'>): HostPath {
  return joinPath(node.directory, 'kubeadm.yaml');
}

/** Runs one phase of `kubeadm init` with the node's kubeadm configuration. */
export async function kubeadmPhase(at: EquippedNode, phase: readonly string[], deps: LabDeps): Promise<void> {
  await runOnNode(at, ['kubeadm', 'init', 'phase', ...phase, '--config', kubeadmConfig(at)], deps);
}

/**
 * kubeadm 1.20 creates kubeconfigs with RSA keys regardless of its configuration, but renews them with the configured
 * keys.
 */
async function renewKubeconfigs(at: EquippedNode, deps: LabDeps): Promise<void> {
  for (const name of ['admin.conf', 'controller-manager.conf', 'scheduler.conf']) {
    await runOnNode(at, ['kubeadm', 'certs', 'renew', name, '--config', kubeadmConfig(at)], deps);
  }
}

/** Backdates a new CA to the intended age of the cluster; kubeadm starts the validity of leaves at that of their CA. */
async function backdateCa({ node }: EquippedNode, name: string, deps: LabDeps): Promise<void> {
  const certificate = nodeFile(node, `/etc/kubernetes/pki/${name}.crt`);
  const key = nodeFile(node, `/etc/kubernetes/pki/${name}.key`);
  const notBefore = new Date(deps.clock.now().getTime() - CA_AGE_DAYS * MS_PER_DAY);
  const resigned = await resignCertificate(
    {
      certificate: await readNodeText(certificate, deps),
      key: await readNodeText(key, deps),
      issuer: 'self',
      validity: { notBefore, notAfter: new Date(notBefore.getTime() + CA_LIFETIME_DAYS * MS_PER_DAY) },
      workDirectory: node.directory,
    },
    deps,
  );
  await deps.host.writeFile(certificate, Buffer.from(resigned), { mode: 0o644 });
}
