import { readToken, type ServiceAccountToken } from '@kube-rescue/cert-rotation/token-keys';
import { type Host, hostPath, joinPath } from '@kube-rescue/host';

/** A token that the kubelet has mounted into a pod of this node. */
interface MountedToken {
  readonly podUid: string;
  readonly volume: string;
  readonly token: ServiceAccountToken;
}

const PODS = hostPath('/var/lib/kubelet/pods');
const PLUGIN = 'kubernetes.io~projected';

/**
 * The tokens in the projected volumes of this node's pods. Reads only; the text of a token is a secret.
 *
 * Finds files named `token` at the root of a volume, as every volume of kube-api-access has; a projection with another path is not found.
 */
export async function listMountedTokens(host: Pick<Host, 'list' | 'readFile'>): Promise<readonly MountedToken[]> {
  const found: MountedToken[] = [];
  for (const podUid of (await host.list(PODS)) ?? []) {
    const directory = joinPath(PODS, podUid, 'volumes', PLUGIN);
    for (const volume of (await host.list(directory)) ?? []) {
      const bytes = await host.readFile(joinPath(directory, volume, 'token'));
      const token = bytes && readToken(Buffer.from(bytes).toString('latin1'));
      if (token !== undefined) found.push({ podUid, volume, token });
    }
  }
  return found;
}

/** Whether the API server is among the audiences of a token. */
export function isForApiServer({ claims }: ServiceAccountToken, audiences: readonly string[]): boolean {
  return audiencesOf(claims['aud']).some((each) => audiences.includes(each));
}

export function audiencesOf(claim: unknown): readonly string[] {
  return [claim].flat().filter((each): each is string => typeof each === 'string');
}
