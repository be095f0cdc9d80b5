import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import type { Node } from '@kube-rescue/node';

const SIGNER = 'kubernetes.io/kube-apiserver-serving';
const BUNDLES = `clustertrustbundles?fieldSelector=${encodeURIComponent(`spec.signerName=${SIGNER}`)}`;
/** Beta since Kubernetes 1.33, where a feature gate turns it on; v1 since 1.37. */
const VERSIONS = ['v1', 'v1beta1'];

/**
 * The ClusterTrustBundles in which kube-controller-manager publishes the CA of the API server, with their PEM. It makes one for each
 * content and deletes the others (`pkg/controller/certificates/clustertrustbundlepublisher`). None where the API server does not
 * serve them.
 */
export async function listTrustBundles(
  node: Node,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly pem: string }[]> {
  for (const version of VERSIONS) {
    const bundles = await node.api.list(`/apis/certificates.k8s.io/${version}/${BUNDLES}`, signal);
    if (bundles === undefined) continue;
    return bundles.map((bundle) => ({
      name: `ClusterTrustBundle ${String(fieldsAt(bundle, 'metadata')['name'])}`,
      pem: textAt(fieldsAt(bundle, 'spec'), 'trustBundle') ?? '',
    }));
  }
  return [];
}
