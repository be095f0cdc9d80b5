/** An IP network, as a CIDR says it; bits behind the prefix are dropped, as Go's `net.ParseCIDR` does. */
export interface IpNetwork {
  readonly family: 4 | 6;
  /** The first address: 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** The network that a CIDR names, or `undefined` when it names none. */
export function parseNetwork(cidr: string): IpNetwork | undefined {
  const [, address = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr.trim()) ?? [];
  const bytes = parseIpAddress(address);
  if (bytes === undefined || Number(prefix) > bytes.length * 8) return undefined;
  return { family: bytes.length === 4 ? 4 : 6, bytes: mask(bytes, Number(prefix)), prefix: Number(prefix) };
}

/** The 4 or 16 bytes of an IP address, or `undefined` when `text` is none. IPv6 without zones and brackets. */
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

/** `10.2.3.0/24`, and of IPv6 the shortest form. */
export function formatNetwork({ bytes, prefix }: IpNetwork): string {
  return `${formatIpAddress(bytes)}/${prefix}`;
}

/** The network's address plus one: `10.2.3.1`. */
export function formatFirstHost({ bytes }: IpNetwork): string {
  return formatIpAddress(plusOne(bytes));
}

/** Whether every address of `inner` is in `outer`. */
export function containsNetwork(outer: IpNetwork, inner: IpNetwork): boolean {
  if (outer.family !== inner.family || inner.prefix < outer.prefix) return false;
  return Buffer.compare(mask(inner.bytes, outer.prefix), outer.bytes) === 0;
}

function plusOne(bytes: Uint8Array): Uint8Array {
  const next = Uint8Array.from(bytes);
  for (let at = next.length - 1; at >= 0; at -= 1) {
    const value = ((next[at] ?? 0) + 1) & 0xff;
    next[at] = value;
    if (value !== 0) break;
  }
  return next;
}

function mask(bytes: Uint8Array, prefix: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - at * 8))) & 0xff);
}

/** The usual text of the 4 or 16 bytes of an IP address. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
