import { formatFirstHost, parseNetwork } from '@kube-rescue/host';

/**
 * The address that the API server's own Service has: the first of the first range of `--service-cluster-ip-range`
 * (kubernetes `pkg/controlplane/services.go` ServiceIPRange).
 *
 * @param ranges one or two CIDRs with a comma between them
 */
export function firstServiceAddress(ranges: string): string | undefined {
  const network = parseNetwork(ranges.split(',')[0] ?? '');
  return network && formatFirstHost(network);
}
