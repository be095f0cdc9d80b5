import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { createPublicKey } from 'node:crypto';
import {
  CA_NAMES,
  type CaName,
  type CertificateName,
  type NodeIdentity,
  pairPaths,
} from '../pki/kubeadm-certificates.ts';
import { embeddedCredentials, kubeconfigText } from '../pki/kubeconfig.ts';
import { datedPemName, kubeletConfigText } from './kubelet-files.ts';
import type { NodeTree, TreeEntry } from './node-tree.ts';
import { staticPodManifests } from './static-pods.ts';

interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

export interface NodeTreeInput extends NodeIdentity {
  readonly certificatesDir: HostPath;
  readonly pairs: Readonly<Record<CertificateName, PemPair>>;
  readonly missingCaKeys: readonly CaName[];
  /** PEM: the CAs that the kubeconfigs trust. */
  readonly trustedCa: string;
  /** PEM: signs service account tokens. */
  readonly serviceAccountKey: string;
  /** Names the dated file of the kubelet's client certificate. */
  readonly kubeletIssuedAt: Date;
}

const PUBLIC_MODE = 0o644;
const PRIVATE_MODE = 0o600;
const KUBERNETES_DIR = hostPath('/etc/kubernetes');
const KUBELET_DIR = hostPath('/var/lib/kubelet');
const CURRENT_PEM = joinPath(KUBELET_DIR, 'pki/kubelet-client-current.pem');

const PAIRS_IN_FILES: readonly CertificateName[] = [
  ...CA_NAMES,
  'apiserver',
  'apiserver-kubelet-client',
  'front-proxy-client',
  'apiserver-etcd-client',
  'etcd/server',
  'etcd/peer',
  'etcd/healthcheck-client',
];
const USERS_OF_KUBECONFIGS = {
  'admin.conf': 'kubernetes-admin',
  'controller-manager.conf': 'system:kube-controller-manager',
  'scheduler.conf': 'system:kube-scheduler',
} as const;

/** The files of a control-plane node after `kubeadm init` and the start of the kubelet. */
export function nodeTree(input: NodeTreeInput): NodeTree {
  return new Map([...pairFiles(input), ...kubeconfigs(input), ...kubeletFiles(input), ...manifests(input)]);
}

type Entries = readonly (readonly [HostPath, TreeEntry])[];

function pairFiles({ certificatesDir, pairs, missingCaKeys, serviceAccountKey }: NodeTreeInput): Entries {
  const publicKey = createPublicKey(serviceAccountKey).export({ type: 'spki', format: 'pem' }).toString();
  return [
    ...PAIRS_IN_FILES.flatMap((name) => {
      const paths = pairPaths(certificatesDir, name);
      const isKeyMissing = missingCaKeys.some((ca) => ca === name);
      const key = isKeyMissing ? [] : [[paths.key, file(pairs[name].key, PRIVATE_MODE)] as const];
      return [[paths.crt, file(pairs[name].certificate, PUBLIC_MODE)] as const, ...key];
    }),
    [joinPath(certificatesDir, 'sa.key'), file(serviceAccountKey, PRIVATE_MODE)],
    [joinPath(certificatesDir, 'sa.pub'), file(publicKey, PRIVATE_MODE)],
  ];
}

function kubeconfigs({ address, trustedCa: ca, pairs, nodeName }: NodeTreeInput): Entries {
  const server = `https://${address}:6443`;
  const embedded = Object.entries(USERS_OF_KUBECONFIGS).map(([name, user]) => {
    const { certificate, key } = pairs[name as keyof typeof USERS_OF_KUBECONFIGS];
    const text = kubeconfigText({ server, user, ca, credentials: embeddedCredentials(certificate, key) });
    return [joinPath(KUBERNETES_DIR, name), file(text, PRIVATE_MODE)] as const;
  });
  const credentials = [`client-certificate: ${CURRENT_PEM}`, `client-key: ${CURRENT_PEM}`];
  const kubelet = kubeconfigText({ server, user: `system:node:${nodeName}`, ca, credentials });
  return [...embedded, [joinPath(KUBERNETES_DIR, 'kubelet.conf'), file(kubelet, PRIVATE_MODE)]];
}

function kubeletFiles({ certificatesDir, pairs, kubeletIssuedAt }: NodeTreeInput): Entries {
  const { certificate, key } = pairs['kubelet-client'];
  const dated = joinPath(KUBELET_DIR, 'pki', datedPemName(kubeletIssuedAt));
  return [
    [joinPath(KUBELET_DIR, 'config.yaml'), file(kubeletConfigText(certificatesDir), PUBLIC_MODE)],
    [dated, file(certificate + key, PRIVATE_MODE)],
    [CURRENT_PEM, { kind: 'link', target: dated }],
  ];
}

function manifests({ nodeName, address, certificatesDir }: NodeTreeInput): Entries {
  return Object.entries(staticPodManifests({ nodeName, address, certificatesDir })).map(([name, text]) => {
    return [joinPath(KUBERNETES_DIR, 'manifests', name), file(text, PRIVATE_MODE)] as const;
  });
}

function file(text: string, mode: number): TreeEntry {
  return { kind: 'file', bytes: Buffer.from(text), mode };
}
