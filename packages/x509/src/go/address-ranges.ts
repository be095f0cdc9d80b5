import type { AddressRange } from './name-constraints.ts';

/** Each bit that the mask covers is the same. */
function isCovered(address: Uint8Array, range: AddressRange): boolean {
  return address.every((byte, at) => ((byte ^ (range.address[at] ?? 0)) & (range.mask[at] ?? 0)) === 0);
}

/** IPv4 in the 16 bytes of IPv6, `::ffff:10.0.0.1`. */
function isMapped(address: Uint8Array): boolean {
  return address.length === 16 && address.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
}

/** `net.IPNet.Contains`: a mapped address is IPv4, and so in a mapped range alone. */
function contains(range: AddressRange, address: Uint8Array): boolean {
  return isMapped(range.address) === isMapped(address) && isCovered(address, range);
}

function isSubset(inner: AddressRange, outer: AddressRange): boolean {
  const last = inner.address.map((byte, at) => byte | (~(inner.mask[at] ?? 0) & 0xff));
  return contains(outer, inner.address) && contains(outer, last);
}

/** Sorted by address and mask, without ranges that the one before covers (crypto/x509 constraints.go sortAndPrune). */
function sortAndPrune(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const sorted = ranges.toSorted((a, b) => Buffer.compare(a.address, b.address) || Buffer.compare(a.mask, b.mask));
  const kept: AddressRange[] = [];
  for (const range of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !isSubset(range, last)) kept.push(range);
  }
  return kept;
}

const ofFamily = (address: Uint8Array, ranges: readonly AddressRange[]): readonly AddressRange[] =>
  ranges.filter((range) => range.address.length === address.length);

/**
 * Whether Go of any release finds a range with the address. Go 1.26 tries one range alone, the nearest whose address is not above
 * (crypto/x509 constraints.go search), and so misses one with bits behind its mask; older releases try each.
 */
export function isPermittedAddress(address: Uint8Array, ranges: readonly AddressRange[]): boolean {
  const candidates = sortAndPrune(ofFamily(address, ranges));
  if (candidates.some((range) => Buffer.compare(range.address, address) === 0)) return true;
  const nearest = candidates.findLast((range) => Buffer.compare(range.address, address) < 0) ?? candidates[0];
  return nearest !== undefined && contains(nearest, address);
}

/** Whether Go of some release finds an excluded range with the address: those before 1.26 try each. */
export function isExcludedAddress(address: Uint8Array, ranges: readonly AddressRange[]): boolean {
  return ofFamily(address, ranges).some((range) => isCovered(address, range));
}
