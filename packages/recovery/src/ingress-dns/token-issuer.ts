import { inspectTokenKeys } from '@kube-rescue/cert-rotation/token-keys';
import { isRecoveryError } from '@kube-rescue/errors';
import type { TokenFile, WebIdentityContext } from '@kube-rescue/ingress-dns';
import { findFlag } from '@kube-rescue/node-config';
import { hostPath, joinPath } from '@kube-rescue/host';
import { findPod, type Node, type NodeDescription } from '@kube-rescue/node';

const ISSUER = 'service-account-issuer';
const KUBELET_DIRECTORY = '/var/lib/kubelet';

/** The issuer of a node's API server and the ID of the key that signs its tokens. Reads files only; what is not there is left out. */
export async function readTokenIssuer(node: Pick<Node, 'describe' | 'host'>): Promise<WebIdentityContext> {
  try {
    const description = await node.describe();
    return { issuer: firstIssuer(description), signingKeyId: await readSigningKeyId(description, node) };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return {};
  }
}

/** Of several issuers the first is in new tokens; the others are only accepted (kube-apiserver, `--service-account-issuer`). */
function firstIssuer(description: NodeDescription): string | undefined {
  const { command = [], args = [] } = findPod(description, 'kube-apiserver')?.main ?? {};
  const words = [...command, ...args];
  const at = words.findIndex((word) => word === `--${ISSUER}` || word.startsWith(`--${ISSUER}=`));
  const first = words[at]?.includes('=') === true ? words[at].slice(ISSUER.length + 3) : words[at + 1];
  if (at !== -1) return first;
  return findFlag(description.components, { component: 'kube-apiserver', flag: ISSUER });
}

async function readSigningKeyId(
  { components }: NodeDescription,
  node: Pick<Node, 'host'>,
): Promise<string | undefined> {
  try {
    return (await inspectTokenKeys(components, node)).current.keyId;
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return undefined;
  }
}

/**
 * The token of the first pod that runs on this node; needs root.
 * @returns a secret; `undefined` where no file is here or readable
 */
export async function readPodToken(
  files: readonly TokenFile[],
  node: Pick<Node, 'describe' | 'host'>,
): Promise<string | undefined> {
  try {
    const { components } = await node.describe();
    const root = findFlag(components, { component: 'kubelet', flag: 'root-dir' }) ?? KUBELET_DIRECTORY;
    const pods = joinPath(hostPath(root), 'pods');
    for (const { kubeletPath } of files) {
      const path = joinPath(hostPath(root), kubeletPath);
      // The names come from objects of the cluster, as unvalidated as etcd holds them.
      if (!path.startsWith(`${pods}/`)) continue;
      const bytes = await node.host.readFile(path);
      if (bytes !== undefined) return Buffer.from(bytes).toString();
    }
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
  }
  return undefined;
}
