import { DerReader } from './der-reader.ts';
import { hostOfUri } from './name-rules.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';
import { isAscii } from './names.ts';
import { refuse } from './rules.ts';

export interface GoExtension {
  /** The content of its object identifier in hexadecimal. */
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** Subject alternative names by form. */
export interface SubjectNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly Uint8Array[];
  readonly uris: readonly string[];
}

/** What the extensions of a certificate say, as Go understands them. */
export interface ExtensionValues {
  /** The bits of keyUsage, the first bit lowest; 0 without the extension. */
  readonly keyUsage: number;
  readonly basicConstraints: { readonly isCa: boolean; readonly pathLength: bigint | undefined } | undefined;
  readonly names: SubjectNames;
  /** Object identifiers in hexadecimal; empty without the extension. */
  readonly usages: readonly string[];
  readonly nameConstraints: NameConstraints | undefined;
  readonly demandsPolicy: boolean;
  /** Critical extensions that Go does not evaluate. */
  readonly unhandled: readonly string[];
}

const NO_NAMES: SubjectNames = { dns: [], emails: [], ips: [], uris: [] };

const MALFORMED = 'extension-malformed';

/** Parses the subject alternative names (RFC 5280 section 4.2.1.6); refuses what Go refuses. */
export function readSubjectNames(value: Uint8Array): SubjectNames {
  const names = { dns: [] as string[], emails: [] as string[], ips: [] as Uint8Array[], uris: [] as string[] };
  for (const list = new DerReader(value, MALFORMED, 'subjectAltName').enter(0x30); !list.isEmpty; ) {
    const { tag, content } = list.readAny();
    const text = Buffer.from(content).toString('latin1');
    if ([0x81, 0x82, 0x86].includes(tag) && !isAscii(content)) refuse('san-not-ascii');
    if (tag === 0x81) names.emails.push(text);
    else if (tag === 0x82) names.dns.push(text);
    else if (tag === 0x86) names.uris.push(hostOfUri(text) === undefined ? refuse('san-uri', text) : text);
    else if (tag === 0x87) {
      if (content.length !== 4 && content.length !== 16) refuse('san-address-length');
      names.ips.push(content);
    }
  }
  return names;
}

function readKeyUsage(value: Uint8Array): number {
  const { bytes } = new DerReader(value, MALFORMED, 'keyUsage').readBitString();
  let usage = 0;
  for (let bit = 0; bit < 9; bit += 1) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) usage |= 1 << bit;
  }
  return usage;
}

function readBasicConstraints(value: Uint8Array): NonNullable<ExtensionValues['basicConstraints']> {
  const sequence = new DerReader(value, MALFORMED, 'basicConstraints').enter(0x30);
  const isCa = sequence.peeks(0x01) && sequence.readBoolean();
  const pathLength = sequence.peeks(0x02) ? sequence.readInteger() : undefined;
  if (pathLength !== undefined && (pathLength < 0n || pathLength > 2n ** 63n - 1n)) sequence.fail();
  return { isCa, pathLength };
}

function readUsages(value: Uint8Array): readonly string[] {
  const usages: string[] = [];
  const list = new DerReader(value, MALFORMED, 'extendedKeyUsage').enter(0x30);
  while (!list.isEmpty) usages.push(list.readOid());
  return usages;
}

function checkAuthorityKeyIdentifier(value: Uint8Array): void {
  const sequence = new DerReader(value, MALFORMED, 'authorityKeyIdentifier').enter(0x30);
  sequence.readOptional(0x80);
}

function checkDistributionPoints(value: Uint8Array): void {
  const list = new DerReader(value, MALFORMED, 'cRLDistributionPoints').enter(0x30);
  while (!list.isEmpty) {
    const point = list.enter(0x30);
    if (!point.peeks(0xa0)) continue;
    const names = point.enter(0xa0).enter(0xa0);
    while (names.peeks(0x86)) names.read(0x86);
  }
}

function checkPolicies(value: Uint8Array): void {
  const known = new Set<string>();
  const list = new DerReader(value, 'policies-malformed').enter(0x30);
  while (!list.isEmpty) {
    // Go before 1.22 reads a policy as any object identifier; newer ones take arcs of any size.
    const id = list.enter(0x30).readOid();
    if (known.has(id)) refuse('policies-malformed');
    known.add(id);
  }
}

function checkPolicyMappings(value: Uint8Array): void {
  const list = new DerReader(value, MALFORMED, 'policyMappings').enter(0x30);
  while (!list.isEmpty) {
    const pair = list.enter(0x30);
    pair.read(0x06);
    pair.read(0x06);
  }
}

/** Whether the extension demands a policy of certificates below. */
function readPolicyConstraints(value: Uint8Array): boolean {
  const sequence = new DerReader(value, MALFORMED, 'policyConstraints').enter(0x30);
  const demandsPolicy = sequence.peeks(0x80);
  if (demandsPolicy) sequence.readSmallInteger(0x80);
  if (sequence.peeks(0x81)) sequence.readSmallInteger(0x81);
  return demandsPolicy;
}

function checkInformationAccess(value: Uint8Array): void {
  const list = new DerReader(value, MALFORMED, 'authorityInfoAccess').enter(0x30);
  while (!list.isEmpty) {
    const access = list.enter(0x30);
    access.readOid();
    access.readOptional(0x86);
  }
}

type Draft = { -readonly [Field in keyof ExtensionValues]: ExtensionValues[Field] };

/** Go before 1.24 parses none of policyMappings, policyConstraints and inhibitAnyPolicy, and so refuses them when critical. */
const IS_EVALUATED_SINCE_1_24 = false;

/** By object identifier; returns whether Go of every release evaluates the extension. */
const READERS: Readonly<Record<string, (draft: Draft, extension: GoExtension) => boolean>> = {
  '551d0e': (_, { value, isCritical }) => {
    if (isCritical) refuse('extension-critical', 'subjectKeyIdentifier');
    new DerReader(value, MALFORMED, 'subjectKeyIdentifier').read(0x04);
    return true;
  },
  '551d0f': (draft, { value }) => {
    draft.keyUsage = readKeyUsage(value);
    return true;
  },
  '551d11': (draft, { value }) => {
    draft.names = readSubjectNames(value);
    const { dns, emails, ips, uris } = draft.names;
    return dns.length + emails.length + ips.length + uris.length > 0;
  },
  '551d13': (draft, { value }) => {
    draft.basicConstraints = readBasicConstraints(value);
    return true;
  },
  '551d1e': (draft, { value }) => {
    draft.nameConstraints = readNameConstraints(value);
    return !draft.nameConstraints.hasOtherForms;
  },
  '551d1f': (_, { value }) => {
    checkDistributionPoints(value);
    return true;
  },
  '551d20': (_, { value }) => {
    checkPolicies(value);
    return true;
  },
  '551d21': (_, { value }) => {
    checkPolicyMappings(value);
    return IS_EVALUATED_SINCE_1_24;
  },
  '551d23': (_, { value, isCritical }) => {
    if (isCritical) refuse('extension-critical', 'authorityKeyIdentifier');
    checkAuthorityKeyIdentifier(value);
    return true;
  },
  '551d24': (draft, { value }) => {
    draft.demandsPolicy = readPolicyConstraints(value);
    return IS_EVALUATED_SINCE_1_24;
  },
  '551d25': (draft, { value }) => {
    draft.usages = readUsages(value);
    return true;
  },
  '551d36': (_, { value }) => {
    new DerReader(value, MALFORMED, 'inhibitAnyPolicy').readSmallInteger();
    return IS_EVALUATED_SINCE_1_24;
  },
  '2b06010505070101': (_, { value, isCritical }) => {
    if (isCritical) refuse('extension-critical', 'authorityInfoAccess');
    checkInformationAccess(value);
    return true;
  },
};

/** Parses the extensions that Go parses; refuses what Go refuses. */
export function readExtensionValues(extensions: readonly GoExtension[]): ExtensionValues {
  const unhandled: string[] = [];
  const draft: Draft = {
    keyUsage: 0,
    basicConstraints: undefined,
    names: NO_NAMES,
    usages: [],
    nameConstraints: undefined,
    demandsPolicy: false,
    unhandled,
  };
  for (const extension of extensions) {
    const isHandled = READERS[extension.oid]?.(draft, extension) ?? false;
    if (extension.isCritical && !isHandled) unhandled.push(extension.oid);
  }
  return draft;
}
