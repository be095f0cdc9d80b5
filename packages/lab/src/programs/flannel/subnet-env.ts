/** The file through which flannel configures its CNI plugin. */
export interface SubnetEnv {
  /** CIDR of all pods, for example `10.2.0.0/16`. */
  readonly network: string;
  /** CIDR of the pods of this node, for example `10.2.1.0/24`. */
  readonly subnet: string;
  readonly mtu: number;
  /** Whether flannel masquerades; otherwise the bridge plugin does. */
  readonly ipMasq: boolean;
}

/** The file as flannel writes it: the subnet is given by its first address. */
export function renderSubnetEnv({ network, subnet, mtu, ipMasq }: SubnetEnv): string {
  return [
    `FLANNEL_NETWORK=${network}`,
    `FLANNEL_SUBNET=${gatewayOf(subnet)}`,
    `FLANNEL_MTU=${mtu}`,
    `FLANNEL_IPMASQ=${ipMasq}`,
    '',
  ].join('\n');
}

/**
 * Reads the file as flannel's CNI plugin does.
 *
 * @throws Error that names missing or invalid values
 */
export function parseSubnetEnv(text: string, path: string): SubnetEnv {
  const values = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  const missing = ['FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ'].filter(
    (key) => !values.has(key),
  );
  if (missing.length > 0) throw new Error(`${path} is missing ${missing.join(', ')}`);
  const mtu = values.get('FLANNEL_MTU') ?? '';
  if (!/^\d+$/.test(mtu)) throw new Error(`strconv.ParseUint: parsing "${mtu}": invalid syntax`);
  return {
    network: networkOf(values.get('FLANNEL_NETWORK') ?? ''),
    subnet: networkOf(values.get('FLANNEL_SUBNET') ?? ''),
    mtu: Number(mtu),
    ipMasq: values.get('FLANNEL_IPMASQ') === 'true',
  };
}

/** The network of an address with a prefix length. @param cidr for example `10.2.1.1/24` */
function networkOf(cidr: string): string {
  const { address, length } = parseCidr(cidr);
  return `${renderAddress(address & maskOf(length))}/${length}`;
}

/** Whether the network `outer` contains the network `inner`. */
export function contains(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseCidr(outer), parseCidr(inner)];
  const mask = maskOf(wide.length);
  return narrow.length >= wide.length && (narrow.address & mask) === (wide.address & mask);
}

function gatewayOf(subnet: string): string {
  const { address, length } = parseCidr(networkOf(subnet));
  return `${renderAddress(address + 1n)}/${length}`;
}

function parseCidr(cidr: string): { readonly address: bigint; readonly length: number } {
  const [, ...parts] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr) ?? [];
  const length = Number(parts[4]);
  const bytes = parts.slice(0, 4).map(Number);
  if (parts.length !== 5 || length > 32 || bytes.some((byte) => byte > 255))
    throw new Error(`invalid CIDR address: ${cidr}`);
  return { address: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), length };
}

function maskOf(length: number): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(32 - length);
}

function renderAddress(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
}
