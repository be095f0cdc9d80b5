import { type Component, type ComponentFlags, findFlag, hostOfUrl } from '@kube-rescue/node-config';
import { formatFirstHost, parseNetwork } from '@kube-rescue/host';
import type { ServedNames } from './catalogue.ts';

/** The names by which pods reach the API server whatever the cluster's DNS domain is (kubeadm `pki_helpers.go` GetAPIServerAltNames). */
const SERVICE_NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];

/** Listening there means every address, so it names none. */
const UNSPECIFIED = new Set(['0.0.0.0', '::', '']);

/** @param urls lists of URLs with commas between them */
function hostsOf(...urls: readonly string[]): readonly (string | undefined)[] {
  return urls.join(',').split(',').map(hostOfUrl);
}

/**
 * The names and addresses that clients of a serving certificate dial, as this node's flags and kubeconfigs say.
 *
 * The service name with the cluster's DNS domain is not among them, because no flag of the API server says that domain.
 * @param serverNames what this node's kubeconfigs judge the API server by
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
  // What a pod is told by its environment, such as $(POD_IP), is known in the running pod only.
  const isKnown = (name: string | undefined): name is string =>
    name !== undefined && !UNSPECIFIED.has(name) && !name.startsWith('$(');
  return [...new Set(found.filter(isKnown))];
}

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
