import type { ClusterCredentials, WantedName } from '@kube-rescue/ingress-dns';
import { ingressDns, type Session } from '../wiring.ts';
import { type NodeObjectsInput, readNodeObjects } from './node-objects.ts';

/** What the cluster says about its ingress DNS. */
export interface ClusterInput {
  readonly used: ClusterCredentials | undefined;
  readonly names: readonly WantedName[];
}

/**
 * Reads from the cluster which credentials are used, and which names are wanted; what cannot be read is a warning.
 *
 * @param wants what is not given otherwise
 */
export async function readCluster(
  wants: { readonly credentials: boolean; readonly names: boolean; readonly controller: string | undefined },
  objects: NodeObjectsInput,
  session: Session,
): Promise<ClusterInput> {
  const { chooseCredentials, findClusterCredentials, findWantedNames, openClusterReading } = await ingressDns();
  const cluster = openClusterReading(readNodeObjects(objects, session), session.interruption.signal);
  const used = wants.credentials
    ? chooseCredentials(await findClusterCredentials(cluster), wants.controller)
    : undefined;
  const names = wants.names ? await findWantedNames(cluster) : [];
  for (const gap of cluster.gaps) session.reporter.warn(`left out: ${gap}`);
  return { used, names };
}
