import { checkIngressDns, type DnsCheckDeps, type DnsCheckInput, type DnsReport } from '../dns-check.ts';
import type { WantedName } from '../conditions/record-condition.ts';
import { chooseCredentials, findClusterCredentials } from './cluster-credentials.ts';
import { type ObjectReader, openClusterReading } from './cluster-reading.ts';
import type { ClusterCredentials } from './found-credentials.ts';
import { findWantedNames } from './wanted-names.ts';

/** Credentials and names of the ingress DNS in a cluster. */
export interface ClusterDns {
  /** Known DNS controllers first; `chooseCredentials` picks one. */
  readonly credentials: readonly ClusterCredentials[];
  readonly names: readonly WantedName[];
  /** One line for each unreadable object or kind, with the reason. */
  readonly gaps: readonly string[];
}

/**
 * Reads the AWS credentials of DNS controllers and the wanted names.
 * @throws ObjectErrors of the store
 */
export async function readClusterDns(objects: ObjectReader, signal?: AbortSignal): Promise<ClusterDns> {
  const cluster = openClusterReading(objects, signal);
  const credentials = await findClusterCredentials(cluster);
  return { credentials, names: await findWantedNames(cluster), gaps: cluster.gaps };
}

/**
 * Checks the names and credentials of a cluster: {@link readClusterDns}, then {@link checkIngressDns}.
 *
 * `controller` is the `NAMESPACE/NAME` of the workload; default: the known DNS controller.
 * @throws IngressDnsError `DNS_CONTROLLER_NOT_FOUND`; ObjectErrors of the store
 */
export async function checkClusterDns(
  input: Omit<DnsCheckInput, 'source' | 'names'> & { readonly controller?: string | undefined },
  deps: DnsCheckDeps & { readonly objects: ObjectReader },
): Promise<DnsReport & { readonly gaps: readonly string[] }> {
  const { credentials, names, gaps } = await readClusterDns(deps.objects, input.signal);
  const { source } = chooseCredentials(credentials, input.controller);
  const awsClient = { ...input.awsClient, region: input.awsClient?.region ?? source.region };
  return { ...(await checkIngressDns({ ...input, awsClient, source, names }, deps)), gaps };
}
