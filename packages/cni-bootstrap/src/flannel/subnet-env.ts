import { formatFirstHost, formatNetwork, type IpNetwork, parseNetwork } from '@kube-rescue/host';

/** The values of flannel's `subnet.env`. */
export interface SubnetEnv {
  /** The cluster's pod network and this node's part of it. */
  readonly ipv4: SubnetPair | undefined;
  readonly ipv6: SubnetPair | undefined;
  /** Bytes. */
  readonly mtu: number;
  /** Flannel masquerades itself, so the bridge does not. */
  readonly ipMasq: boolean;
}

export interface SubnetPair {
  readonly network: IpNetwork;
  readonly subnet: IpNetwork;
}

/**
 * Writes `subnet.env` as flannel does: IPv4, IPv6, MTU, masquerade; of the subnet the first address after the network's own.
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
 * Why a `subnet.env` that is there is not the one that flannel would write; empty when it says the same.
 *
 * Read as the CNI plugin reads it (cni-plugin `flannel.go` loadFlannelSubnetEnv): each line up to its first `=`, the last
 * of several wins. The plugin refuses a file in which one of the four is missing.
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
  return [...problems, ...foreign.map((name) => `${name} does not belong there`)];
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

/** The plugin takes of a subnet its network only, so another address of the same one means the same. */
function isSame(found: string, wanted: string): boolean {
  if (found === wanted) return true;
  const [one, other] = [parseNetwork(found), parseNetwork(wanted)];
  return one !== undefined && other !== undefined && formatNetwork(one) === formatNetwork(other);
}
