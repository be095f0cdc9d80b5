import ipaddr from 'ipaddr.js';

/** An IP network in CIDR form; host bits are dropped, as by Go's `net.ParseCIDR`. */
export interface IpNetwork {
  readonly family: 4 | 6;
  /** The first address: 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** Parses a CIDR; `undefined` when it is invalid. */
export function parseNetwork(cidr: string): IpNetwork | undefined {
  const text = cidr.trim();
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, prefix] = ipaddr.parseCIDR(text);
  const first =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
  return { family: address.kind() === 'ipv4' ? 4 : 6, bytes: Uint8Array.from(first.toByteArray()), prefix };
}

/** Whether `text` is an IP address. IPv6 without zones and brackets. */
export function isIpAddress(text: string): boolean {
  return text.includes(':')
    ? ipaddr.IPv6.isValid(text) && !text.includes('%')
    : ipaddr.IPv4.isValidFourPartDecimal(text);
}

/** `10.2.3.0/24`, and of IPv6 the shortest form (RFC 5952). */
export function formatNetwork({ bytes, prefix }: IpNetwork): string {
  return `${formatAddress(bytes)}/${prefix}`;
}

/** The network's address plus one: `10.2.3.1`. */
export function formatFirstHost({ bytes }: IpNetwork): string {
  const next = Uint8Array.from(bytes);
  for (let at = next.length - 1; at >= 0; at -= 1) {
    next[at] = ((next[at] ?? 0) + 1) & 0xff;
    if (next[at] !== 0) break;
  }
  return formatAddress(next);
}

/** Whether every address of `inner` is in `outer`. */
export function containsNetwork(outer: IpNetwork, inner: IpNetwork): boolean {
  if (outer.family !== inner.family || inner.prefix < outer.prefix) return false;
  return ipaddr.fromByteArray([...inner.bytes]).match(ipaddr.fromByteArray([...outer.bytes]), outer.prefix);
}

function formatAddress(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes]);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}
