import { formatFirstHost, formatNetwork, type IpNetwork, parseNetwork } from '@kube-rescue/host';

/** The values of flannel's `subnet.env`. */
export interface SubnetEnv {
  /** The pod network of the cluster and the subnet of this node. */
  readonly ipv4: SubnetPair | undefined;
  readonly ipv6: SubnetPair | undefined;
  /** Bytes. */
  readonly mtu: number;
  /** Flannel masquerades, so the bridge does not. */
  readonly ipMasq: boolean;
}

export interface SubnetPair {
  readonly network: IpNetwork;
  readonly subnet: IpNetwork;
}

/**
 * Renders `subnet.env` as flannel does: IPv4, IPv6, MTU, masquerade; the subnet by its first host address.
 *
 * Source: flannel `pkg/subnet/subnetfile_unix.go` WriteSubnetFile.
 */
export function renderSubnetEnv({ ipv4, ipv6, mtu, ipMasq }: SubnetEnv): string {
  const lines = [
    ...(ipv4 === undefined ? [] : pairLines('FLANNEL', ipv4)),
    ...(ipv6 === undefined ? [] : pairLines('FLANNEL_IPV6', ipv6)),
    `FLANNEL_MTU=${mtu}`,
    `FLANNEL_IPMASQ=${String(ipMasq)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The differences between a `subnet.env` and the one that flannel would write; empty when equal.
 *
 * Parsed as by the CNI plugin (cni-plugin `flannel.go` loadFlannelSubnetEnv): each line up to its first `=`, the last
 * duplicate wins. The plugin rejects a file without one of the four keys.
 */
export function judgeSubnetEnv(text: string, wanted: string): readonly string[] {
  const present = readLines(text);
  const expected = readLines(wanted);
  const problems = [...expected].flatMap(([name, value]) => {
    const found = present.get(name);
    if (found === undefined) return [`${name} is missing`];
    return isSame(found, value) ? [] : [`${name} is ${JSON.stringify(found)}, not ${value}`];
  });
  const foreign = [...present.keys()].filter((name) => name.startsWith('FLANNEL_') && !expected.has(name));
  return [...problems, ...foreign.map((name) => `${name} is unexpected`)];
}

function pairLines(prefix: string, { network, subnet }: SubnetPair): readonly string[] {
  return [
    `${prefix}_NETWORK=${formatNetwork(network)}`,
    `${prefix}_SUBNET=${formatFirstHost(subnet)}/${subnet.prefix}`,
  ];
}

function readLines(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const equals = line.indexOf('=');
      return equals <= 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1)] as const];
    }),
  );
}

/** The plugin uses only the network of a subnet, so the host address does not matter. */
function isSame(found: string, wanted: string): boolean {
  if (found === wanted) return true;
  const [one, other] = [parseNetwork(found), parseNetwork(wanted)];
  return one !== undefined && other !== undefined && formatNetwork(one) === formatNetwork(other);
}
