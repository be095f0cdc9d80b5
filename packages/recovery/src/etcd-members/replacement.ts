import { isRecoveryError } from '@kube-rescue/errors';
import type { Node } from '@kube-rescue/node';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { sha256 } from '@kube-rescue/workflow';
import { parseCertificates } from '@kube-rescue/x509';

/** A command line, and where it is typed. */
interface ReplacementStep {
  readonly where: string;
  readonly command: string;
}

/** What brings a new control plane in after members were removed. */
export interface Replacement {
  /** SHA-256 of the public key of each CA in the administrator's kubeconfig, as `kubeadm join` takes them; empty when it is not known. */
  readonly caCertHashes: readonly string[];
  /** Where a joining node reaches the API server; `null` when no kubeconfig names it. */
  readonly endpoint: string | null;
  readonly steps: readonly ReplacementStep[];
}

/** kubeadm prints the key of the uploaded certificates, and the token in the join command. */
const CERTIFICATE_KEY = 'CERTIFICATE_KEY';
const TOKEN = 'TOKEN';

/**
 * The commands that replace the control-plane nodes of removed members, in their order, with the endpoint and the hash of the CA of
 * this cluster. The token and the certificate key are kubeadm's own: they are secret, and exist once it has printed them.
 *
 * Reads the administrator's kubeconfig of this node, and nothing else. Does not check that the API server answers, which they need.
 * @param listed nodes in the ClusterStatus of kubeadm until 1.21, which a new one would take as its peers. Default: none
 */
export async function readReplacement(
  node: Pick<Node, 'describe' | 'host'>,
  removed: readonly string[],
  listed: readonly string[] = [],
): Promise<Replacement> {
  const { adminKubeconfig, adminContext } = await node.describe();
  const known = await readConnection({ adminKubeconfig, adminContext }, node);
  const hashes = known?.caCertHashes ?? [];
  const pins = hashes.length === 0 ? ['sha256:HASH'] : hashes;
  const server = known?.endpoint ?? 'ENDPOINT:6443';
  const withKey = ['--certificate-key', CERTIFICATE_KEY];
  const trust = ['--token', TOKEN, ...pins.flatMap((hash) => ['--discovery-token-ca-cert-hash', hash])];
  const join = ['kubeadm', 'join', server, ...trust, '--control-plane', ...withKey];
  const here = 'on a control-plane node that works';
  const kubectl = `kubectl --kubeconfig ${adminKubeconfig}`;
  const stale = removed.filter((name) => listed.includes(name));
  const edit = `${kubectl} --namespace kube-system edit configmap kubeadm-config`;
  return {
    caCertHashes: hashes,
    endpoint: known?.endpoint ?? null,
    steps: [
      { where: `on ${removed.join(', ')}, if it still runs`, command: 'kubeadm reset --force' },
      ...removed.map((name) => ({ where: here, command: `${kubectl} delete node ${name}` })),
      ...(stale.length === 0
        ? []
        : [{ where: `${here}: remove ${stale.join(', ')} from ClusterStatus`, command: edit }]),
      { where: here, command: 'kubeadm init phase upload-certs --upload-certs' },
      { where: here, command: ['kubeadm', 'token', 'create', '--print-join-command', ...withKey].join(' ') },
      { where: 'on the new node, the line that this printed', command: join.join(' ') },
    ],
  };
}

type Description = Awaited<ReturnType<Node['describe']>>;

async function readConnection(
  { adminKubeconfig, adminContext }: Pick<Description, 'adminKubeconfig' | 'adminContext'>,
  { host }: Pick<Node, 'host'>,
): Promise<{ readonly endpoint: string; readonly caCertHashes: readonly string[] } | undefined> {
  try {
    const { server, ca } = await readKubeconfigClient(adminKubeconfig, { host }, adminContext);
    const certificates = parseCertificates(ca, adminKubeconfig);
    return {
      endpoint: new URL(server).host,
      caCertHashes: certificates.map(({ publicKeyDer }) => hashOf(publicKeyDer)),
    };
  } catch (error) {
    if (isRecoveryError(error) || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** As `pubkeypin.Hash` of kubeadm: of the SubjectPublicKeyInfo. */
function hashOf(publicKeyDer: Uint8Array): string {
  return `sha256:${sha256(publicKeyDer)}`;
}
