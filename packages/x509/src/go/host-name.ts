import { parseIpAddress } from '../certificate/ip-address.ts';
import type { SubjectNames } from './extensions.ts';

/** A name that Go matches label by label; other names match as a whole only. */
function isHostName(name: string, isPattern: boolean): boolean {
  const host = isPattern ? name : name.replace(/\.$/, '');
  if (host === '' || host === '*') return false;
  return host
    .split('.')
    .every((label, at) => (isPattern && at === 0 && label === '*') || /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(label));
}

function matchesPattern(pattern: string, host: string): boolean {
  const [labels, wanted] = [pattern.toLowerCase().split('.'), host.replace(/\.$/, '').split('.')];
  if (labels.length !== wanted.length) return false;
  return labels.every((label, at) => (at === 0 && label === '*') || label === wanted[at]);
}

function matchesName(name: string, host: string): boolean {
  if (isHostName(host, false) && isHostName(name, true)) return matchesPattern(name, host);
  return name.toLowerCase() === host && host !== '' && host !== '.';
}

/** An IPv4 address in 16 bytes is the same address. */
function shorten(address: Uint8Array): Uint8Array {
  const isMapped = address.length === 16 && address.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  return isMapped ? address.subarray(12) : address;
}

/**
 * Whether subject alternative names have a server's name or address (crypto/x509 verify.go VerifyHostname): wildcards for the
 * whole first label, addresses in address names only, never the common name.
 */
export function namesHost({ dns, ips }: SubjectNames, host: string): boolean {
  const literal = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const address = parseIpAddress(literal);
  if (address !== undefined) return ips.some((each) => Buffer.compare(shorten(each), shorten(address)) === 0);
  const lower = host.toLowerCase();
  return dns.some((name) => matchesName(name, lower));
}
