import type { ScratchFacts } from '@kube-rescue/cert-rotation';
import {
  decodeKubeconfig,
  findFlag,
  hostOfUrl,
  type KubeadmConfiguration,
  parseKubeconfig,
  readKubeadmConfiguration,
} from '@kube-rescue/node-config';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, hostPath, joinPath } from '@kube-rescue/host';
import { findPod, type NodeDescription } from './node-description.ts';
import { findCertifiedNodeName } from './node-identity.ts';

type FactsHost = Pick<Host, 'name' | 'kind' | 'readFile' | 'readLink' | 'stat' | 'list'>;

const NODE_USER = /^system:node:(\S+)$/;
/** kubeadm's default (`app/apis/kubeadm/v1beta3/defaults.go` DefaultServiceDNSDomain). */
const DEFAULT_DOMAIN = 'cluster.local';

/**
 * What lost certificates of a node are made from besides its flags: from the files that are left. Works with everything down.
 *
 * @throws HostError when a file exists but cannot be read
 */
export async function findScratchFacts(
  node: NodeDescription,
  { host }: { readonly host: FactsHost },
): Promise<ScratchFacts> {
  const kubeadm = await readKubeadmConfiguration({ host });
  return {
    nodeName: await findWrittenNodeName(node, host),
    clusterDomain: findClusterDomain(node) ?? kubeadm?.clusterDomain ?? DEFAULT_DOMAIN,
    kubernetesMinor: findMinorVersion(node),
    controlPlaneUrl: readControlPlaneUrl(kubeadm),
    apiServerNames: kubeadm?.apiServerNames ?? [],
    etcdServerNames: kubeadm?.etcdServerNames ?? [],
    etcdPeerNames: kubeadm?.etcdPeerNames ?? [],
    configuredLifetime:
      kubeadm?.certificateDays === undefined ? undefined : { days: kubeadm.certificateDays, path: kubeadm.path },
  };
}

/**
 * The name of the Node: from the kubelet's certificate, its flag, the user of kubelet.conf, the name that kubeadm gives etcd, else
 * the host name, which the kubelet takes in lower case.
 */
async function findWrittenNodeName(node: NodeDescription, host: FactsHost): Promise<string | undefined> {
  return (
    (await findCertifiedNodeName(node, { host })) ??
    node.kubelet.hostnameOverride ??
    (await readKubeletUser(node, host)) ??
    findFlag(node.components, { component: 'etcd', flag: 'name' }) ??
    (await readHostName(host))
  );
}

async function readKubeletUser({ kubelet, options }: NodeDescription, host: FactsHost): Promise<string | undefined> {
  const path = kubelet.kubeconfig ?? joinPath(options.kubernetesDirectory, 'kubelet.conf');
  try {
    const bytes = await host.readFile(path);
    if (bytes === undefined) return undefined;
    return NODE_USER.exec(parseKubeconfig(decodeKubeconfig(bytes, path), path).userName)?.[1];
  } catch (error) {
    // A damaged kubelet.conf is judged as a certificate.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** The name of a copied machine is in the copy. */
async function readHostName(host: FactsHost): Promise<string | undefined> {
  if (host.kind === 'live') return host.name.toLowerCase();
  const bytes = await host.readFile(hostPath('/etc/hostname'));
  const name = Buffer.from(bytes ?? new Uint8Array())
    .toString()
    .trim()
    .toLowerCase();
  return name === '' ? undefined : name;
}

/** The kubelet's domain, which kubeadm takes from `networking.dnsDomain`; else the one in the issuer of service account tokens. */
function findClusterDomain({ components }: NodeDescription): string | undefined {
  const domain = findFlag(components, { component: 'kubelet', flag: 'cluster-domain' });
  const issuer = findFlag(components, { component: 'kube-apiserver', flag: 'service-account-issuer' });
  return domain ?? /^https:\/\/kubernetes\.default\.svc\.([a-z0-9.-]+?)\/?$/.exec(issuer ?? '')?.[1];
}

/** The minor version in the image of the API server: 30 of `kube-apiserver:v1.30.4`. */
function findMinorVersion(node: NodeDescription): number | undefined {
  const image = findPod(node, 'kube-apiserver')?.main.image ?? '';
  const minor = /:v1\.(\d+)\.\d+/.exec(image)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** kubeadm's port of an endpoint without one is that of the API server (`app/util/endpoint.go` GetControlPlaneEndpoint). */
function readControlPlaneUrl(kubeadm: KubeadmConfiguration | undefined): string | undefined {
  const endpoint = kubeadm?.controlPlaneEndpoint;
  if (endpoint === undefined) return undefined;
  const url = `https://${/:\d+$/.test(endpoint) ? endpoint : `${endpoint}:6443`}`;
  return hostOfUrl(url) === undefined ? undefined : url;
}
