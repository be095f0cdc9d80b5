import { containsNetwork, formatNetwork, type HostPath, type IpNetwork, parseNetwork } from '@kube-rescue/host';
import { CniError } from '../errors.ts';
import { parseNetworkConfiguration } from '../network/network-configuration.ts';
import { describeSourced, type Sourced } from '../sourced.ts';
import { deriveMtu } from './backend-mtu.ts';
import { parseNetConf } from './net-conf.ts';
import { renderSubnetEnv, type SubnetPair } from './subnet-env.ts';

/** The values for the two files of flannel, each with its source. */
export interface FlannelInput {
  readonly nodeName: string;
  /** The pod CIDRs of the node, at most one of each family. Empty: none is assigned. */
  readonly podCidrs: Sourced<readonly string[]>;
  /** The text of `net-conf.json`. */
  readonly netConf: Sourced<string>;
  /** The text of `cni-conf.json`, which is copied. */
  readonly cniConf: Sourced<string>;
  readonly ipMasq: Sourced<boolean>;
  /** Bytes, of flannel's external interface. */
  readonly linkMtu: Sourced<number>;
  /** On the host. */
  readonly subnetFile: Sourced<HostPath>;
  readonly configurationFile: Sourced<HostPath>;
}

/** A derived file. */
export interface DerivedFile {
  readonly purpose: 'subnet' | 'configuration';
  readonly path: HostPath;
  readonly text: string;
}

export interface FlannelFiles {
  readonly files: readonly [subnet: DerivedFile, configuration: DerivedFile];
  /** One line for each value with its source. */
  readonly evidence: readonly string[];
}

/** host-local rejects networks without two free addresses: plugins `host-local/backend/allocator/range.go` Canonicalize. */
const LEAST_HOST_BITS = 2;

/**
 * Derives the files that flannel would write on this node. Pure.
 *
 * Source: flannel `pkg/subnet/kube/kube.go` AcquireLease, which rejects the same input.
 * @throws CniError `CNI_NET_CONF_INVALID` `CNI_BACKEND_UNKNOWN` `CNI_MTU_TOO_SMALL` `CNI_CONFIG_INVALID`
 * `CNI_POD_CIDR_MISSING` `CNI_POD_CIDR_INVALID` `CNI_POD_CIDR_OUTSIDE` `CNI_POD_CIDR_TOO_SMALL`
 */
export function deriveFlannelFiles(input: FlannelInput): FlannelFiles {
  const { ipv4, ipv6, backend } = parseNetConf(input.netConf.value, input.netConf.source);
  const subnets = parsePodCidrs(input);
  const pair = (network: IpNetwork | undefined): SubnetPair | undefined =>
    network && { network, subnet: chooseSubnet(network, subnets, input) };
  const { mtu, calculation } = deriveMtu(backend, input.linkMtu.value);
  const env = { ipv4: pair(ipv4), ipv6: pair(ipv6), mtu, ipMasq: input.ipMasq.value };
  const configuration = parseNetworkConfiguration(input.cniConf.value);
  if ('problem' in configuration) {
    throw new CniError({
      code: 'CNI_CONFIG_INVALID',
      message: `cni-conf.json of flannel is invalid: ${configuration.problem}`,
      subject: input.cniConf.source,
      hint: 'correct the ConfigMap; flannel copies the file unchanged',
    });
  }
  const networks = [ipv4, ipv6].flatMap((network) => (network === undefined ? [] : [formatNetwork(network)]));
  return {
    files: [
      { purpose: 'subnet', path: input.subnetFile.value, text: renderSubnetEnv(env) },
      { purpose: 'configuration', path: input.configurationFile.value, text: input.cniConf.value },
    ],
    evidence: [
      describeSourced('network', { value: networks.join(', '), source: input.netConf.source }),
      describeSourced('pod CIDR of the node', { ...input.podCidrs, value: input.podCidrs.value.join(', ') }),
      ...unusedFamily(subnets, ipv4, ipv6),
      describeSourced('MTU', { value: mtu, source: `${calculation}; ${input.linkMtu.source}` }),
      describeSourced('flannel masquerades', input.ipMasq),
      describeSourced('subnet file', input.subnetFile),
      describeSourced('CNI configuration', input.configurationFile),
      `its text is copied from ${input.cniConf.source}`,
    ],
  };
}

function parsePodCidrs({ nodeName, podCidrs: { value, source } }: FlannelInput): readonly IpNetwork[] {
  if (value.length === 0) throw missing(nodeName, source, 'no pod CIDR is assigned to the node');
  const networks = value.map((cidr) => ({ cidr, network: parseNetwork(cidr) }));
  const bad = networks.find(({ network }) => network === undefined);
  if (bad !== undefined) throw invalid(`${JSON.stringify(bad.cidr)} is not a network`, source);
  const found = networks.flatMap(({ network }) => network ?? []);
  const families = new Set(found.map(({ family }) => family));
  if (families.size < found.length) throw invalid('more than one network of the same family', source);
  return found;
}

function chooseSubnet(network: IpNetwork, subnets: readonly IpNetwork[], input: FlannelInput): IpNetwork {
  const { source } = input.podCidrs;
  const subnet = subnets.find(({ family }) => family === network.family);
  if (subnet === undefined) {
    throw missing(input.nodeName, source, `no IPv${network.family} pod CIDR is assigned to the node`);
  }
  if (!containsNetwork(network, subnet)) {
    throw new CniError({
      code: 'CNI_POD_CIDR_OUTSIDE',
      message: `the pod CIDR ${formatNetwork(subnet)} of the node is outside the flannel network ${formatNetwork(network)}`,
      subject: source,
      hint: 'set Network in net-conf.json to the --cluster-cidr of kube-controller-manager; otherwise flannel does not start',
    });
  }
  if (subnet.bytes.length * 8 - subnet.prefix < LEAST_HOST_BITS) {
    throw new CniError({
      code: 'CNI_POD_CIDR_TOO_SMALL',
      message: `the pod CIDR ${formatNetwork(subnet)} has no address for a pod`,
      subject: source,
      hint: 'correct --node-cidr-mask-size of kube-controller-manager and let it assign another pod CIDR',
    });
  }
  return subnet;
}

/** Flannel ignores a family that net-conf.json does not enable. */
function unusedFamily(
  subnets: readonly IpNetwork[],
  ipv4: IpNetwork | undefined,
  ipv6: IpNetwork | undefined,
): readonly string[] {
  const used = [ipv4?.family, ipv6?.family];
  return subnets
    .filter(({ family }) => !used.includes(family))
    .map((subnet) => `${formatNetwork(subnet)} is not used: net-conf.json does not enable IPv${subnet.family}`);
}

function missing(nodeName: string, source: string, message: string): CniError {
  return new CniError({
    code: 'CNI_POD_CIDR_MISSING',
    message,
    subject: `node ${nodeName}: ${source}`,
    hint: 'run kube-controller-manager with --allocate-node-cidrs and --cluster-cidr first; it assigns pod CIDRs',
  });
}

function invalid(message: string, source: string): CniError {
  return new CniError({
    code: 'CNI_POD_CIDR_INVALID',
    message: `the pod CIDRs of the node are invalid: ${message}`,
    subject: source,
    hint: 'correct the Node; flannel uses one network of each family',
  });
}
