import { checkIngressDns, type DnsCheckDeps, type DnsCheckInput, type DnsReport } from '../dns-check.ts';
import type { WantedName } from '../wanted-name.ts';
import { chooseCredentials, findClusterCredentials } from './cluster-credentials.ts';
import { type ObjectReader, openClusterReading } from './cluster-reading.ts';
import type { ClusterCredentials } from './found-credentials.ts';
import { findWantedNames } from './wanted-names.ts';

/** What the objects of a cluster say about its ingress DNS. */
export interface ClusterDns {
  /** Those of the controllers that are known for keeping records come first; `chooseCredentials` picks one. */
  readonly credentials: readonly ClusterCredentials[];
  readonly names: readonly WantedName[];
  /** What could not be read, and why, a line each. */
  readonly gaps: readonly string[];
}

/**
 * Reads which AWS credentials the cluster uses, and which names it wants.
 * @throws ObjectErrors of the store
 */
export async function readClusterDns(objects: ObjectReader, signal?: AbortSignal): Promise<ClusterDns> {
  const cluster = openClusterReading(objects, signal);
  const credentials = await findClusterCredentials(cluster);
  return { credentials, names: await findWantedNames(cluster), gaps: cluster.gaps };
}

/**
 * The whole chain for the names and the credentials of a cluster: {@link readClusterDns}, then {@link checkIngressDns}.
 *
 * `controller` is the `NAMESPACE/NAME` of the workload that is meant; default: the one that is known for keeping records.
 * @throws IngressDnsError `DNS_CONTROLLER_NOT_FOUND`; ObjectErrors of the store
 */
export async function checkClusterDns(
  input: Omit<DnsCheckInput, 'source' | 'names'> & { readonly controller?: string | undefined },
  deps: DnsCheckDeps & { readonly objects: ObjectReader },
): Promise<DnsReport & { readonly gaps: readonly string[] }> {
  const { credentials, names, gaps } = await readClusterDns(deps.objects, input.signal);
  const { source } = chooseCredentials(credentials, input.controller);
  const way = { ...input.way, region: input.way?.region ?? source.region };
  return { ...(await checkIngressDns({ ...input, way, source, names }, deps)), gaps };
}
