import { type Component, type ComponentFlags, findFlag, hostOfUrl } from '@kube-rescue/node-config';
import { formatFirstHost, parseNetwork } from '@kube-rescue/host';
import type { ServedNames } from './catalogue.ts';

/** Names of the API server's Service that need no cluster domain (kubeadm `pki_helpers.go` GetAPIServerAltNames). */
export const SERVICE_NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];

/** Wildcard addresses; a certificate cannot name them. */
const UNSPECIFIED = new Set(['0.0.0.0', '::', '']);

/** @param urls lists of URLs with commas between them */
function hostsOf(...urls: readonly string[]): readonly (string | undefined)[] {
  return urls.join(',').split(',').map(hostOfUrl);
}

/**
 * Names and addresses that clients dial, from this node's flags and kubeconfigs.
 *
 * The service name with the cluster domain is not among them, because no flag of the API server has the domain.
 * @param serverNames server names of this node's kubeconfigs
 */
export function readServedNames(
  kind: ServedNames | undefined,
  components: readonly ComponentFlags[],
  serverNames: readonly string[],
): readonly string[] {
  const flag = (component: Component, name: string): string => findFlag(components, { component, flag: name }) ?? '';

  const names = {
    apiserver: () => [
      ...SERVICE_NAMES,
      firstServiceAddress(flag('kube-apiserver', 'service-cluster-ip-range')),
      flag('kube-apiserver', 'advertise-address'),
      ...serverNames,
    ],
    'etcd-clients': () => hostsOf(flag('etcd', 'listen-client-urls'), flag('etcd', 'advertise-client-urls')),
    'etcd-peers': () => hostsOf(flag('etcd', 'initial-advertise-peer-urls')),
  };
  const found = kind === undefined ? [] : names[kind]();
  // Environment variables such as $(POD_IP) are known in the running pod only.
  const isKnown = (name: string | undefined): name is string =>
    name !== undefined && !UNSPECIFIED.has(name) && !name.startsWith('$(');
  return [...new Set(found.filter(isKnown))];
}

/**
 * The address of the API server's Service: the first address of the first range of `--service-cluster-ip-range`
 * (kubernetes `pkg/controlplane/services.go` ServiceIPRange).
 *
 * @param ranges one or two CIDRs with a comma between them
 */
export function firstServiceAddress(ranges: string): string | undefined {
  const network = parseNetwork(ranges.split(',')[0] ?? '');
  return network && formatFirstHost(network);
}
