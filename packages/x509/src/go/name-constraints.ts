import { DerReader } from './der-reader.ts';
import { isDomainName, splitMailbox } from './name-rules.ts';
import { isAscii } from './names.ts';
import { refuse } from './rules.ts';

/** An address range; both have 4 or 16 bytes. */
export interface AddressRange {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

export interface Subtrees {
  readonly dns: readonly string[];
  readonly ips: readonly AddressRange[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** It constrains a form of names that Go does not evaluate, such as directory names. */
  readonly hasOtherForms: boolean;
}

const RULE = 'name-constraints-malformed';
const TAG = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

/** Ones, then zeros. */
function isMask(mask: Uint8Array): boolean {
  return /^1*0*$/.test([...mask].map((byte) => byte.toString(2).padStart(8, '0')).join(''));
}

function readRange(value: Uint8Array): AddressRange {
  const half = value.length / 2;
  if (half !== 4 && half !== 16) return refuse(RULE, 'address range');
  const range = { address: value.subarray(0, half), mask: value.subarray(half) };
  return isMask(range.mask) ? range : refuse(RULE, 'address mask');
}

function readText(value: Uint8Array): string {
  return isAscii(value) ? Buffer.from(value).toString('latin1') : refuse(RULE, 'a character outside ASCII');
}

function readDomain(value: Uint8Array): string {
  const text = readText(value);
  return isDomainName(text, true) ? text : refuse(RULE, text);
}

function readMailbox(value: Uint8Array): string {
  const text = readText(value);
  if (!text.includes('@')) return readDomain(value);
  return splitMailbox(text) === undefined ? refuse(RULE, text) : text;
}

function readUriDomain(value: Uint8Array): string {
  const text = readDomain(value);
  return /^[\d.]+$/.test(text) || text.includes(':') ? refuse(RULE, text) : text;
}

function readSubtrees(bytes: Uint8Array): { readonly subtrees: Subtrees; readonly hasOtherForms: boolean } {
  const subtrees = { dns: [] as string[], ips: [] as AddressRange[], emails: [] as string[], uris: [] as string[] };
  let hasOtherForms = false;
  for (const list = new DerReader(bytes, RULE); !list.isEmpty; ) {
    const { tag, content } = list.enter(0x30).readAny();
    if (tag === TAG.dns) subtrees.dns.push(readDomain(content));
    else if (tag === TAG.ip) subtrees.ips.push(readRange(content));
    else if (tag === TAG.email) subtrees.emails.push(readMailbox(content));
    else if (tag === TAG.uri) subtrees.uris.push(readUriDomain(content));
    else hasOtherForms = true;
  }
  return { subtrees, hasOtherForms };
}

/** Parses the extension (RFC 5280 section 4.2.1.10) as Go does; refuses what Go refuses. */
export function readNameConstraints(value: Uint8Array): NameConstraints {
  const outer = new DerReader(value, RULE);
  const sequence = outer.enter(0x30);
  const permitted = sequence.readOptional(0xa0) ?? new Uint8Array();
  const excluded = sequence.readOptional(0xa1) ?? new Uint8Array();
  if (!outer.isEmpty || !sequence.isEmpty || permitted.length + excluded.length === 0) refuse(RULE);
  const [allow, deny] = [readSubtrees(permitted), readSubtrees(excluded)];
  return {
    permitted: allow.subtrees,
    excluded: deny.subtrees,
    hasOtherForms: allow.hasOtherForms || deny.hasOtherForms,
  };
}
