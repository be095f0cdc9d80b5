import { encodeDer } from '../../../packages/x509/src/encoding/der.ts';
import {
  algorithmOf,
  type CertificateForm,
  type Changes,
  commonName,
  extension,
  hex,
  integer,
  NOW,
  oid,
  type SchemeName,
  sequence,
  signForm,
  text,
  usualScheme,
  utcTime,
} from './certificate-form.ts';
import { leafForm } from './certificates.ts';
import { withAuthorityKey, withSubjectKey } from './key-identifiers.ts';
import { base64, type ChainItem, type CorpusItem } from './items.ts';
import { GOOD_KEYS, type GoodKey, type KeyPair, ODD_KEYS } from './keys.ts';
import { pkcs8 } from './pairs.ts';

const SERVER = oid('2b06010505070301');
const CLIENT = oid('2b06010505070302');
const basic = (content: string): Uint8Array => extension('551d13', hex(content), true);
const CA = basic('30030101ff');
const keyUsage = (content: string): Uint8Array => extension('551d0f', hex(content), true);
const CERT_SIGN = keyUsage('03020204');
const eku = (...usages: readonly Uint8Array[]): Uint8Array => extension('551d25', sequence(...usages));
const subtrees = (tag: number, ...names: readonly (readonly [number, Uint8Array])[]): Uint8Array =>
  encodeDer(tag, ...names.map(([form, value]) => sequence(encodeDer(form, value))));
const dns = (name: string): readonly [number, Uint8Array] => [0x82, Buffer.from(name)];
const ip = (range: string): readonly [number, Uint8Array] => [0x87, hex(range)];
const permit = (...names: (readonly [number, Uint8Array])[]): Uint8Array =>
  extension('551d1e', sequence(subtrees(0xa0, ...names)), true);
const exclude = (...names: (readonly [number, Uint8Array])[]): Uint8Array =>
  extension('551d1e', sequence(subtrees(0xa1, ...names)), true);
const san = (...names: readonly Uint8Array[]): Uint8Array => extension('551d11', sequence(...names));

/** What differs from a root, an intermediate and a leaf that are good. */
interface ChainForm {
  readonly root?: Changes;
  readonly intermediate?: Changes;
  readonly leaf?: Changes;
  readonly scheme?: SchemeName;
  readonly usage?: 'server' | 'client';
  readonly host?: string;
  /** The leaf is signed by the root itself. */
  readonly isDirect?: boolean;
  readonly isUnrelated?: boolean;
  /** They have no key identifiers; all others have those that Go adds. */
  readonly unidentified?: readonly ('root' | 'intermediate' | 'leaf')[];
}

const withRoot = (...extensions: readonly Uint8Array[]): ChainForm => ({ root: { extensions } });
const withLeaf = (...extensions: readonly Uint8Array[]): ChainForm => ({ leaf: { extensions } });
const named = (host: string, ...names: readonly Uint8Array[]): ChainForm => ({ host, ...withLeaf(san(...names)) });
const d = (name: string): Uint8Array => text(0x82, name);
const past = sequence(utcTime('200101000000Z'), utcTime('210101000000Z'));
const future = sequence(utcTime('300101000000Z'), utcTime('310101000000Z'));

const FORMS: Readonly<Record<string, ChainForm>> = {
  plain: {},
  'plain-client': { usage: 'client' },
  unrelated: { isUnrelated: true },
  'leaf-expired': { leaf: { validity: past } },
  'leaf-future': { leaf: { validity: future } },
  'root-expired': { root: { validity: past } },
  'root-future': { root: { validity: future } },
  'intermediate-expired': { intermediate: { validity: past } },
  'root-not-a-ca': withRoot(basic('3000')),
  'root-without-basic': withRoot(CERT_SIGN),
  'root-version-1': { root: { version: undefined, extensions: undefined } },
  'intermediate-version-1': { intermediate: { version: undefined, extensions: undefined } },
  'root-without-cert-sign': withRoot(CA, keyUsage('03020780')),
  'root-without-key-usage': withRoot(CA),
  'intermediate-without-cert-sign': { intermediate: { extensions: [CA, keyUsage('03020106')] } },
  'intermediate-crl-sign-only': { intermediate: { extensions: [CA, keyUsage('03020102')] } },
  'intermediate-not-a-ca': { intermediate: { extensions: [basic('3000')] } },
  'root-path-0': withRoot(basic('30060101ff020100'), CERT_SIGN),
  'root-path-1': withRoot(basic('30060101ff020101'), CERT_SIGN),
  'intermediate-path-0': { intermediate: { extensions: [basic('30060101ff020100'), CERT_SIGN] } },
  'leaf-without-eku': withLeaf(san(d('node01'))),
  'leaf-client-only': withLeaf(eku(CLIENT), san(d('node01'))),
  'leaf-client-as-client': { usage: 'client', ...withLeaf(eku(CLIENT)) },
  'leaf-server-as-client': { usage: 'client', ...withLeaf(eku(SERVER)) },
  'leaf-any-usage': withLeaf(eku(oid('551d2500'))),
  'leaf-unknown-usage': withLeaf(eku(oid('2a0304'))),
  'root-eku-client': withRoot(CA, CERT_SIGN, eku(CLIENT)),
  'root-eku-server': withRoot(CA, CERT_SIGN, eku(SERVER)),
  'root-eku-any': withRoot(CA, CERT_SIGN, eku(oid('551d2500'))),
  'intermediate-eku-client': { intermediate: { extensions: [CA, CERT_SIGN, eku(CLIENT)] } },
  'leaf-critical-unknown': withLeaf(extension('2a0304', hex('0500'), true)),
  'leaf-critical-empty-san': withLeaf(extension('551d11', hex('3000'), true)),
  'leaf-key-usage-cert-sign': withLeaf(CERT_SIGN),
  'root-critical-unknown': withRoot(CA, CERT_SIGN, extension('2a0304', hex('0500'), true)),
  'root-critical-directory-constraint': withRoot(CA, CERT_SIGN, permit([0xa4, commonName('a')])),
  'root-directory-constraint': withRoot(
    CA,
    CERT_SIGN,
    extension('551d1e', sequence(subtrees(0xa0, [0xa4, commonName('a')]))),
  ),
  'root-permits-name': withRoot(CA, CERT_SIGN, permit(dns('corp.example'))),
  'root-permits-other': withRoot(CA, CERT_SIGN, permit(dns('other.example'))),
  'root-permits-below': withRoot(CA, CERT_SIGN, permit(dns('.corp.example'))),
  'root-permits-exactly': withRoot(CA, CERT_SIGN, permit(dns('node01.corp.example'))),
  'root-permits-half-label': withRoot(CA, CERT_SIGN, permit(dns('rp.example'))),
  'root-permits-everything': withRoot(CA, CERT_SIGN, permit(dns(''))),
  'root-permits-upper-case': withRoot(CA, CERT_SIGN, permit(dns('CORP.example'))),
  'root-excludes-name': withRoot(CA, CERT_SIGN, exclude(dns('corp.example'))),
  'root-excludes-other': withRoot(CA, CERT_SIGN, exclude(dns('other.example'))),
  'root-excludes-everything': withRoot(CA, CERT_SIGN, exclude(dns(''))),
  'root-permits-address': withRoot(CA, CERT_SIGN, permit(ip('7f000000ff000000'))),
  'root-permits-other-address': withRoot(CA, CERT_SIGN, permit(ip('c0a80000ffff0000'))),
  'root-excludes-address': withRoot(CA, CERT_SIGN, exclude(ip('7f000000ff000000'))),
  'root-permits-ipv6-alone': withRoot(CA, CERT_SIGN, permit([0x87, Buffer.alloc(32)])),
  'root-permits-mail': withRoot(CA, CERT_SIGN, permit([0x81, Buffer.from('corp.example')])),
  'constraint-without-names': {
    ...withRoot(CA, CERT_SIGN, permit(dns('other.example'))),
    leaf: { extensions: [eku(SERVER)] },
  },
  'constraint-not-critical': withRoot(
    CA,
    CERT_SIGN,
    extension('551d1e', sequence(subtrees(0xa0, dns('other.example')))),
  ),
  'constraint-wildcard-excluded': {
    ...withRoot(CA, CERT_SIGN, exclude(dns('a.corp.example'))),
    ...withLeaf(san(d('*.corp.example'))),
  },
  'constraint-wildcard-permitted': {
    ...withRoot(CA, CERT_SIGN, permit(dns('corp.example'))),
    ...withLeaf(san(d('*.corp.example'))),
  },
  'constraint-wildcard-too-wide': {
    ...withRoot(CA, CERT_SIGN, permit(dns('a.corp.example'))),
    ...withLeaf(san(d('*.corp.example'))),
  },
  'constraint-trailing-dot': {
    ...withRoot(CA, CERT_SIGN, permit(dns('corp.example'))),
    ...withLeaf(san(d('a.corp.example.'))),
  },
  'constraint-mail': {
    ...withRoot(CA, CERT_SIGN, permit([0x81, Buffer.from('a@b.example')])),
    ...withLeaf(san(text(0x81, 'a@B.example'))),
  },
  'constraint-other-mail': {
    ...withRoot(CA, CERT_SIGN, permit([0x81, Buffer.from('a@b.example')])),
    ...withLeaf(san(text(0x81, 'c@b.example'))),
  },
  'constraint-bad-mail': {
    ...withRoot(CA, CERT_SIGN, permit([0x81, Buffer.from('b.example')])),
    ...withLeaf(san(text(0x81, 'nonsense'))),
  },
  'constraint-uri': {
    ...withRoot(CA, CERT_SIGN, permit([0x86, Buffer.from('corp.example')])),
    ...withLeaf(san(text(0x86, 'https://corp.example:1/x'))),
  },
  'constraint-other-uri': {
    ...withRoot(CA, CERT_SIGN, permit([0x86, Buffer.from('corp.example')])),
    ...withLeaf(san(text(0x86, 'https://a.example/'))),
  },
  'constraint-uri-without-host': {
    ...withRoot(CA, CERT_SIGN, permit(dns('corp.example'))),
    ...withLeaf(san(text(0x86, 'urn:a'))),
  },
  'constraint-uri-address': {
    ...withRoot(CA, CERT_SIGN, permit([0x86, Buffer.from('corp.example')])),
    ...withLeaf(san(text(0x86, 'https://10.0.0.1/'))),
  },
  'constraint-mapped-address': {
    ...withRoot(CA, CERT_SIGN, permit([0x87, Buffer.alloc(32)])),
    ...withLeaf(san(hex('8710 00000000000000000000ffff0a000001'))),
  },
  'constraint-excluded-mapped-address': {
    ...withRoot(CA, CERT_SIGN, exclude([0x87, Buffer.alloc(32)])),
    ...withLeaf(san(hex('8710 00000000000000000000ffff0a000001'))),
  },
  'constraint-bits-behind-mask': withRoot(CA, CERT_SIGN, permit(ip('7f020304ff000000'))),
  'constraint-second-bits-behind-mask': withRoot(CA, CERT_SIGN, permit(ip('09000000ff000000'), ip('7f020304ff000000'))),
  'constraint-excluded-second-bits-behind-mask': withRoot(
    CA,
    CERT_SIGN,
    exclude(ip('09000000ff000000'), ip('7f020304ff000000')),
  ),
  'constraint-ranges': withRoot(
    CA,
    CERT_SIGN,
    permit(ip('7f000000ff000000'), ip('7f000000ffff0000'), ip('c0000200ffffff00')),
  ),
  'intermediate-permits-other': { intermediate: { extensions: [CA, CERT_SIGN, permit(dns('other.example'))] } },
  'intermediate-named-against-root': {
    ...withRoot(CA, CERT_SIGN, permit(dns('corp.example'))),
    intermediate: { extensions: [CA, CERT_SIGN, san(d('ca.other.example'))] },
  },
  'leaf-own-constraint': withLeaf(permit(dns('other.example')), san(d('node01.corp.example'))),
  'policy-demanded': { intermediate: { extensions: [CA, CERT_SIGN, extension('551d24', hex('3003800100'), true)] } },
  'policy-demanded-by-root': withRoot(CA, CERT_SIGN, extension('551d24', hex('3003800100'), true)),
  'policy-with-mapping': {
    intermediate: {
      extensions: [CA, CERT_SIGN, extension('551d21', sequence(sequence(oid('2a0304'), oid('2a0305'))))],
    },
  },
  'key-identifier-mismatch': {
    root: { extensions: [CA, CERT_SIGN, extension('551d0e', hex('040101'))] },
    leaf: { extensions: [extension('551d23', hex('3003800102'))] },
    isDirect: true,
  },
  'root-without-key-identifier': { unidentified: ['root'] },
  'intermediate-without-key-identifiers': { unidentified: ['intermediate'] },
  'leaf-without-key-identifier': { unidentified: ['leaf'] },
  'without-key-identifiers': { unidentified: ['root', 'intermediate', 'leaf'] },
  'signature-broken': { leaf: { signature: encodeDer(0x03, Buffer.alloc(65, 1)) } },
  'host-exact': named('node01', d('node01')),
  'host-upper-case': named('NODE01', d('node01')),
  'host-trailing-dot': named('node01.', d('node01')),
  'host-name-trailing-dot': named('node01', d('node01.')),
  'host-wildcard': named('a.corp.example', d('*.corp.example')),
  'host-wildcard-two-levels': named('a.b.corp.example', d('*.corp.example')),
  'host-wildcard-itself': named('corp.example', d('*.corp.example')),
  'host-wildcard-partial': named('ab.corp.example', d('a*.corp.example')),
  'host-wildcard-inner': named('a.b.example', d('a.*.example')),
  'host-wildcard-alone': named('node01', d('*')),
  'host-underscore': named('a_b.example', d('a_b.example')),
  'host-leading-hyphen': named('-a.example', d('-a.example')),
  'host-common-name': named('kube-apiserver', d('other')),
  'host-without-names': { host: 'kube-apiserver', ...withLeaf(eku(SERVER)) },
  'host-address': named('10.0.0.1', hex('87040a000001')),
  'host-address-as-name': named('10.0.0.1', d('10.0.0.1')),
  'host-address-mapped': named('10.0.0.1', hex('8710 00000000000000000000ffff0a000001')),
  'host-ipv6': named('fd00::1', hex('8710 fd000000000000000000000000000001')),
  'host-ipv6-brackets': named('[fd00::1]', hex('8710 fd000000000000000000000000000001')),
  'host-ipv6-other': named('fd00::2', hex('8710 fd000000000000000000000000000001')),
  'host-other': named('other', d('node01')),
  'host-empty-name': named('node01', d('')),
};

function caForm(name: string, key: KeyPair, signer: KeyPair, changes: Changes = {}): CertificateForm {
  const form = { ...leafForm(key, signer), subject: commonName(name), extensions: [CA, CERT_SIGN] };
  return { ...form, ...changes };
}

function chainItem(
  id: string,
  form: ChainForm,
  [rootKey, leafKey]: readonly [KeyPair, KeyPair],
  caKey: KeyPair,
): ChainItem & { readonly id: string } {
  const isIdentified = (each: 'root' | 'intermediate' | 'leaf'): boolean => form.unidentified?.includes(each) !== true;
  const bare = {
    root: caForm('kubernetes', rootKey, rootKey, form.root),
    intermediate: caForm('sub', caKey, rootKey, form.intermediate),
  };
  const rootForm = isIdentified('root') ? withSubjectKey(bare.root) : bare.root;
  const intermediateForm = isIdentified('intermediate')
    ? withAuthorityKey(withSubjectKey(bare.intermediate), rootForm)
    : bare.intermediate;
  const root = signForm(rootForm, rootKey);
  const intermediate = signForm(intermediateForm, rootKey);
  const [signer, signerForm] = form.isDirect === true ? [rootKey, rootForm] : [caKey, intermediateForm];
  const name = form.scheme ?? usualScheme(signer);
  const issuer = commonName(form.isDirect === true ? 'kubernetes' : 'sub');
  const bareLeaf = { ...leafForm(leafKey, signer), algorithm: algorithmOf(name), issuer, ...form.leaf };
  const leaf = signForm(isIdentified('leaf') ? withAuthorityKey(bareLeaf, signerForm) : bareLeaf, signer, name);
  const other = form.isUnrelated === true ? signForm(caForm('kubernetes', leafKey, leafKey), leafKey) : root;
  return {
    id: `chain/${id}`,
    kind: 'chain',
    leaf: base64(leaf),
    key: base64(pkcs8(leafKey)),
    intermediates: form.isDirect === true ? [] : [base64(intermediate)],
    roots: [base64(other)],
    usage: form.usage ?? 'server',
    host: form.host ?? '',
    now: NOW.toISOString(),
  };
}

const SCHEMES_OF: Readonly<Record<'rsa' | 'p256', readonly SchemeName[]>> = {
  rsa: [
    ...(['rsa-md5', 'rsa-sha1', 'rsa-sha224', 'rsa-sha256', 'rsa-sha384', 'rsa-sha512'] as const),
    ...(['rsa-sha256-without-null', 'pss-sha256', 'pss-sha384', 'pss-sha256-salt-20'] as const),
  ],
  p256: ['ecdsa-sha1', 'ecdsa-sha224', 'ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512', 'ecdsa-sha3'],
};

/** Chains of a root, an intermediate and a leaf, with and without the intermediate, for servers and clients. */
export function chainItems(): readonly CorpusItem[] {
  const items: CorpusItem[] = [];
  for (const kind of ['rsa', 'p256', 'ed25519'] as const satisfies readonly GoodKey[]) {
    const [caKey] = GOOD_KEYS[kind === 'p256' ? 'p384' : 'p256'];
    for (const [name, form] of Object.entries(FORMS)) {
      items.push(chainItem(`${kind}/${name}`, form, GOOD_KEYS[kind], caKey));
      if (form.isDirect !== true)
        items.push(chainItem(`${kind}/direct-${name}`, { ...form, isDirect: true }, GOOD_KEYS[kind], caKey));
    }
    const missing = chainItem(`${kind}/intermediate-missing`, {}, GOOD_KEYS[kind], caKey);
    items.push({ ...missing, intermediates: [] });
    items.push({ ...missing, id: `chain/${kind}/leaf-trusted`, intermediates: [], roots: [missing.leaf] });
    items.push({
      ...missing,
      id: `chain/${kind}/intermediate-trusted`,
      intermediates: [],
      roots: missing.intermediates,
    });
  }
  for (const kind of ['rsa', 'p256'] as const) {
    for (const scheme of SCHEMES_OF[kind]) {
      items.push(chainItem(`scheme/${scheme}`, { scheme, isDirect: true }, GOOD_KEYS[kind], GOOD_KEYS.p256[0]));
    }
  }
  for (const [name, key] of Object.entries(ODD_KEYS)) {
    if (name === 'x25519') continue;
    items.push(chainItem(`ca-key/${name}`, { isDirect: true }, [key, GOOD_KEYS.p256[1]], GOOD_KEYS.p256[0]));
  }
  items.push(chainItem('ca-key/integer', { leaf: { serial: integer('01') } }, GOOD_KEYS.p256, GOOD_KEYS.p521[0]));
  return items;
}
