import ipaddr from 'ipaddr.js';

/** The 4 or 16 bytes of an IP address (RFC 5280 section 4.2.1.6), or `undefined` when `text` is not one. IPv6 without zones. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  const isLiteral = text.includes(':')
    ? ipaddr.IPv6.isValid(text) && !text.includes('%')
    : ipaddr.IPv4.isValidFourPartDecimal(text);
  return isLiteral ? Uint8Array.from(ipaddr.parse(text).toByteArray()) : undefined;
}

/** The canonical text of the 4 or 16 bytes of an IP address (RFC 5952). */
export function formatIpAddress(bytes: Uint8Array): string {
  return formatAddress(ipaddr.fromByteArray([...bytes]));
}

function formatAddress(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}
