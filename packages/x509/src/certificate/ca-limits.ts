import { DER_TAG, encodeDer, readDerElements, readDerSequence } from '../encoding/der.ts';
import { isSelfSigned } from './comparison.ts';
import { type Certificate, EXTENSION } from './certificate.ts';
import { readKeyUsage } from './details.ts';
import { allowsUsage, encodeName, type Usage } from './extensions.ts';
import { findForbiddenNames } from '../go/constraint-check.ts';
import { readSubjectNames } from '../go/extensions.ts';
import { type NameConstraints, readNameConstraints } from '../go/name-constraints.ts';
import { catchFault, describeGoFault, type GoFault } from '../go/rules.ts';

/** A limit of a CA, whatever it signs. */
export interface CaLimit {
  /** Verifiers refuse every certificate of the CA; otherwise some do, or will. */
  readonly isRefused: boolean;
  /** Continues "the CA". */
  readonly message: string;
}

/** RSA keys below are refused by Go since 1.24 (`crypto/rsa` checkKeySize, GODEBUG rsa1024min). */
const REFUSED_RSA_BITS = 1024;
/** RSA keys below are refused by OpenSSL at the security level 2 of most distributions. */
const WEAK_RSA_BITS = 2048;
/** Curves of Go's `crypto/x509` that this program signs with. */
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];
/** 2.5.29.30 (RFC 5280 section 4.2.1.10) */
const NAME_CONSTRAINTS = '551d1e';
/** Extensions that Go's `crypto/x509` evaluates (parser.go processExtensions): any other that is critical is refused. */
const EVALUATED = ['0e', '0f', '11', '13', '1e', '1f', '20', '21', '23', '24', '25', '36'].map((end) => `551d${end}`);
/** 2.5.29.33 policyMappings, .36 policyConstraints, .54 inhibitAnyPolicy: Go evaluates them since 1.24. */
const POLICIES = ['21', '24', '36'].map((end) => `551d${end}`);
/** md2, md4, md5 and sha1 WithRSAEncryption, ecdsa-with-SHA1, dsa-with-sha1, sha-1WithRSA of OIW. */
const BROKEN_SIGNATURES = [
  '2a864886f70d010102',
  '2a864886f70d010103',
  '2a864886f70d010104',
  '2a864886f70d010105',
  '2a8648ce3d0401',
  '2a8648ce380403',
  '2b0e03021d',
];

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: GoFault };

/** The name constraints of a CA as Go parses them, or why Go refuses them; `undefined` without any. */
function readConstraints({ extensions }: Certificate): Read<NameConstraints> | undefined {
  const extension = extensions.find(({ oid }) => oid === NAME_CONSTRAINTS);
  return extension === undefined ? undefined : catchFault(() => readNameConstraints(extension.value));
}

/** Critical constraints on directory or other names, which Go does not evaluate. */
function hasUnknownConstraints(ca: Certificate): boolean {
  const constraints = readConstraints(ca);
  const isCritical = ca.extensions.some(({ oid, critical }) => critical && oid === NAME_CONSTRAINTS);
  return isCritical && constraints?.ok === true && constraints.value.hasOtherForms;
}

/** Whether a certificate is signed with MD5 or SHA-1: Go refuses it (`crypto/x509` InsecureAlgorithmError; SHA-1 since 1.24 always). */
export function isWeaklySigned({ der }: Pick<Certificate, 'der'>): boolean {
  const [, algorithm] = readDerSequence(der);
  const [oid] = algorithm === undefined ? [] : readDerElements(algorithm.content);
  return BROKEN_SIGNATURES.includes(Buffer.from(oid?.content ?? []).toString('hex'));
}

/**
 * The limits in a CA's own certificate: key usage without keyCertSign, critical extensions that Go does not know, a key or
 * signature that is refused or weak. Does not check dates, nor whether it is a CA certificate at all.
 *
 * The signature of a self-signed CA does not matter to a verifier, which trusts it as such.
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function findCaLimits(ca: Certificate): readonly CaLimit[] {
  const limits: CaLimit[] = [];
  const add = (isRefused: boolean, message: string): void => void limits.push({ isRefused, message });
  const usages = readKeyUsage(ca);
  if (usages.length > 0 && !usages.includes('keyCertSign')) {
    add(true, 'may not sign certificates: its key usage lacks keyCertSign');
  }
  const critical = ca.extensions.filter((extension) => extension.critical);
  if (critical.some(({ oid }) => !EVALUATED.includes(oid)) || hasUnknownConstraints(ca)) {
    add(true, 'has a critical extension that Go does not evaluate, so Go refuses every certificate of it');
  }
  if (critical.some(({ oid }) => POLICIES.includes(oid))) {
    add(true, 'has critical policy constraints, which Go before 1.24 does not evaluate and so refuses');
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = ca.x509.publicKey;
  const bits = details?.modulusLength ?? 0;
  if (type === 'rsa' && bits < WEAK_RSA_BITS) {
    const refused = bits < REFUSED_RSA_BITS;
    add(
      refused,
      `has an RSA key of ${bits} bits, which ${refused ? 'Go refuses' : 'OpenSSL refuses at its usual security level'}`,
    );
  }
  const isUsable =
    type === 'rsa' || type === 'ed25519' || (type === 'ec' && CURVES.includes(details?.namedCurve ?? ''));
  if (!isUsable) add(true, `has a key of type ${details?.namedCurve ?? type}, which Go does not verify`);
  if (isWeaklySigned(ca)) {
    const isRoot = isSelfSigned(ca);
    add(!isRoot, `is signed with MD5 or SHA-1${isRoot ? '' : ', which Go refuses'}`);
  }
  return limits;
}

/** Whether the basic constraints of a certificate say that it is a CA; OpenSSL also demands keyCertSign of one. */
export function claimsToBeCa({ extensions }: Certificate): boolean {
  const constraints = extensions.find(({ oid }) => oid === EXTENSION.basicConstraints);
  const [first] = constraints === undefined ? [] : readDerSequence(constraints.value);
  return first?.tag === DER_TAG.boolean && first.content[0] !== 0;
}

/** What a certificate is to be: its names, DER or text, and the usages that its readers demand. */
export interface Wanted {
  readonly certificate: Certificate;
  /** DNS names and IP addresses to be added. */
  readonly extraNames: readonly string[];
  readonly usages: readonly Usage[];
}

/**
 * Why verifiers refuse a certificate of this CA although the CA signs it: a name that its name constraints do not permit, or a
 * usage that its own extended key usage excludes (Go and OpenSSL nest them). `undefined` when they accept it.
 *
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function findCaRefusal(ca: Certificate, { certificate, extraNames, usages }: Wanted): string | undefined {
  const forbidden = findForbidden(ca, [...namesOf(certificate), ...extraNames.map(encodeName)]);
  if (!forbidden.ok) return `has name constraints that Go refuses: ${describeGoFault(forbidden.fault)}`;
  if (forbidden.value.length > 0)
    return `may not sign for ${[...new Set(forbidden.value)].join(', ')} (name constraints)`;
  const excluded = usages.filter((usage) => !allowsUsage(ca, usage));
  return excluded.length === 0 ? undefined : `may not sign ${excluded.join(' and ')} certificates (extended key usage)`;
}

/** The subject alternative names of a certificate, in DER. */
function namesOf({ extensions }: Certificate): readonly Uint8Array[] {
  const extension = extensions.find(({ oid }) => oid === EXTENSION.subjectAltName);
  return extension === undefined ? [] : readDerSequence(extension.value).map(({ bytes }) => bytes);
}

/** The names that the CA may not sign. Names that Go cannot parse are a fault of their certificate, not of the CA. */
function findForbidden(ca: Certificate, names: readonly Uint8Array[]): Read<readonly string[]> {
  const constraints = readConstraints(ca);
  if (constraints?.ok !== true) return constraints ?? { ok: true, value: [] };
  const parsed = catchFault(() => readSubjectNames(encodeDer(DER_TAG.sequence, ...names)));
  return { ok: true, value: parsed.ok ? findForbiddenNames(parsed.value, constraints.value) : [] };
}
