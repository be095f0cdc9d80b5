/**
 * The 4 or 16 bytes of an IP address, or `undefined` when `text` is a name.
 *
 * IPv6 without zones and without square brackets.
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
  }
  if (!text.includes(':') || !URL.canParse(`http://[${text}]`)) return undefined;
  // The URL parser writes every IPv6 form as hexadecimal groups with at most one "::".
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The usual text of the 4 or 16 bytes of an IP address. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * The address that the API server's own Service has: the first of the first range of `--service-cluster-ip-range`
 * (kubernetes `pkg/controlplane/services.go` ServiceIPRange).
 *
 * @param ranges one or two CIDRs with a comma between them
 */
export function firstServiceAddress(ranges: string): string | undefined {
  const [network = '', prefix = ''] = ranges.split(',')[0]?.trim().split('/') ?? [];
  const bytes = parseIpAddress(network);
  if (bytes === undefined || !/^\d{1,3}$/.test(prefix)) return undefined;
  const masked = Uint8Array.from(bytes, (byte, at) => {
    const networkBits = Math.min(8, Math.max(0, Number(prefix) - at * 8));
    return byte & (0xff00 >> networkBits) & 0xff;
  });
  masked[masked.length - 1] = (masked[masked.length - 1] ?? 0) + 1;
  return formatIpAddress(masked);
}
