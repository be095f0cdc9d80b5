/** What it takes until Go accepts: the same content issued again, another key, or other content (names, extensions). */
export type GoRemedy = 'reissue' | 'new key' | 'other content' | 'rewrite';

/** One rule of Go's standard library, in our words. */
interface GoRule {
  /** Continues "Go refuses it: ...". */
  readonly says: string;
  /** File and function in Go's source, or in client-go's. */
  readonly source: string;
  readonly remedy: GoRemedy;
  /** The first Go version with the rule, where older ones accept. */
  readonly since?: string;
}

const PARSER = 'crypto/x509 parser.go parseCertificate';
const EXTENSIONS = 'crypto/x509 parser.go processExtensions';
const PUBLIC_KEY = 'crypto/x509 parser.go parsePublicKey';
const VERIFY = 'crypto/x509 verify.go Verify';
const KEY_PAIR = 'crypto/tls tls.go X509KeyPair';
const PEM = 'encoding/pem pem.go Decode';

/** Every rule by which Go's crypto/x509, crypto/tls and encoding/pem (1.26) refuse a file that OpenSSL may accept. */
export const GO_RULES = {
  'pem-indented': {
    says: 'each line begins with blanks; Go finds a PEM block at the beginning of a line only',
    source: PEM,
    remedy: 'rewrite',
  },
  'pem-carriage-return': {
    says: 'its lines end with a lone CR; Go ends a line with LF only',
    source: PEM,
    remedy: 'rewrite',
  },
  'pem-byte-order-mark': {
    says: 'a byte order mark precedes the first PEM block, so Go does not find the block',
    source: PEM,
    remedy: 'rewrite',
  },
  'pem-utf-16': { says: 'the file is UTF-16; Go reads PEM as ASCII', source: PEM, remedy: 'rewrite' },
  'pem-damaged': {
    says: 'Go does not read its PEM block: a line is malformed, or the base64 is',
    source: PEM,
    remedy: 'rewrite',
  },
  'pem-missing': { says: 'Go finds no PEM block in it', source: PEM, remedy: 'rewrite' },
  'pem-no-certificate': { says: 'Go finds no CERTIFICATE block in it', source: KEY_PAIR, remedy: 'rewrite' },
  'pem-headers': {
    says: 'its CERTIFICATE block has headers, and client-go passes over such a block',
    source: 'client-go util/cert pem.go ParseCertsPEM',
    remedy: 'rewrite',
  },
  'pem-other-block': {
    says: 'it holds a block that is not a certificate, and etcd reads each block of a CA file as one',
    source: 'etcd client/pkg/tlsutil tlsutil.go NewCertPool',
    remedy: 'rewrite',
  },
  'der-malformed': {
    says: 'its DER is malformed: a length, a tag or a field is not as DER demands',
    source: 'golang.org/x/crypto/cryptobyte asn1.go',
    remedy: 'reissue',
  },
  'der-trailing': {
    says: 'bytes follow the certificate',
    source: 'crypto/x509 parser.go ParseCertificate',
    remedy: 'reissue',
  },
  version: { says: 'its version is not 1, 2 or 3', source: PARSER, remedy: 'reissue' },
  'serial-malformed': { says: 'its serial number is not a DER integer', source: PARSER, remedy: 'reissue' },
  'serial-negative': { says: 'its serial number is negative', source: PARSER, remedy: 'reissue', since: '1.23' },
  'algorithm-mismatch': {
    says: 'the signature algorithms inside and outside its signed part differ',
    source: PARSER,
    remedy: 'reissue',
  },
  'name-malformed': {
    says: 'its subject or issuer is malformed',
    source: 'crypto/x509 parser.go parseName',
    remedy: 'other content',
  },
  'name-string': {
    says: 'its subject or issuer has a string with characters that its type forbids',
    source: 'crypto/x509 parser.go parseASN1String',
    remedy: 'other content',
  },
  'time-malformed': {
    says: 'its notBefore or notAfter is malformed',
    source: 'crypto/x509 parser.go parseTime',
    remedy: 'reissue',
  },
  'extension-duplicate': { says: 'it has an extension twice', source: PARSER, remedy: 'other content' },
  'extension-malformed': { says: 'one of its extensions is malformed', source: EXTENSIONS, remedy: 'other content' },
  'extension-critical': {
    says: 'it has a key identifier or an authority information access that is marked critical',
    source: EXTENSIONS,
    remedy: 'other content',
    since: '1.24',
  },
  'san-not-ascii': {
    says: 'its subject alternative names have a character outside ASCII',
    source: 'crypto/x509 parser.go parseSANExtension',
    remedy: 'other content',
  },
  'san-address-length': {
    says: 'its subject alternative names have an IP address that is neither 4 nor 16 bytes long',
    source: 'crypto/x509 parser.go parseSANExtension',
    remedy: 'other content',
  },
  'san-uri': {
    says: 'its subject alternative names have a malformed URI',
    source: 'crypto/x509 parser.go parseSANExtension',
    remedy: 'other content',
  },
  'name-constraints-malformed': {
    says: 'its name constraints are malformed or empty',
    source: 'crypto/x509 parser.go parseNameConstraintsExtension',
    remedy: 'other content',
  },
  'policies-malformed': {
    says: 'its certificate policies are malformed, name one policy twice, or have a number that Go before 1.22 does not read',
    source: 'crypto/x509 parser.go parseCertificatePoliciesExtension',
    remedy: 'other content',
  },
  'rsa-parameters': { says: 'the NULL parameters of its RSA key are missing', source: PUBLIC_KEY, remedy: 'new key' },
  'rsa-key-malformed': { says: 'its RSA key is malformed', source: PUBLIC_KEY, remedy: 'new key' },
  curve: {
    says: 'its key is on a curve that Go does not have (only P-224, P-256, P-384, P-521)',
    source: PUBLIC_KEY,
    remedy: 'new key',
  },
  'ec-point': {
    says: 'its EC key is not an uncompressed point of its curve',
    source: PUBLIC_KEY,
    remedy: 'new key',
  },
  'ed25519-key': { says: 'its Ed25519 key is malformed', source: PUBLIC_KEY, remedy: 'new key' },
  'dsa-key': { says: 'its DSA key is malformed', source: PUBLIC_KEY, remedy: 'new key' },
  'key-algorithm': {
    says: 'its key is of a kind that Go cannot use for TLS (only RSA, ECDSA, Ed25519)',
    source: KEY_PAIR,
    remedy: 'new key',
  },
  'tls-curve': {
    says: 'its key is on P-224, with which no TLS handshake of Go succeeds',
    source: 'crypto/tls auth.go signatureSchemesForCertificate',
    remedy: 'new key',
  },
  'rsa-too-short': {
    says: 'its RSA key is shorter than 1024 bits',
    source: 'crypto/rsa rsa.go checkKeySize',
    remedy: 'new key',
    since: '1.24',
  },
  'rsa-too-long': {
    says: 'its RSA key is longer than 8192 bits',
    source: 'crypto/tls handshake_client.go checkKeySize',
    remedy: 'new key',
  },
  'rsa-exponent': {
    says: 'its RSA key has an even modulus or an exponent that is even, below 2 or above 2147483647',
    source: 'crypto/internal/fips140/rsa rsa.go checkPublicKey',
    remedy: 'new key',
  },
  'private-key-missing': { says: 'Go finds no PRIVATE KEY block in it', source: KEY_PAIR, remedy: 'new key' },
  'private-key-encrypted': {
    says: 'the private key is encrypted, and Go does not decrypt it',
    source: 'crypto/tls tls.go parsePrivateKey',
    remedy: 'new key',
  },
  'private-key-malformed': {
    says: 'the private key is malformed, inconsistent or of a kind that Go does not know',
    source: 'crypto/tls tls.go parsePrivateKey',
    remedy: 'new key',
  },
  'private-key-label': {
    says: 'the label of its PEM block is not that of its encoding, and client-go reads it by the label',
    source: 'client-go util/keyutil key.go ParsePrivateKeyPEM',
    remedy: 'new key',
  },
  'pair-kind': { says: 'the key is of another kind than that of the certificate', source: KEY_PAIR, remedy: 'new key' },
  'pair-mismatch': { says: 'the key does not belong to the certificate', source: KEY_PAIR, remedy: 'new key' },
  'critical-extension': {
    says: 'it has a critical extension that Go does not evaluate, or Go before 1.24 (policy constraints)',
    source: 'crypto/x509 verify.go isValid',
    remedy: 'other content',
  },
  'not-yet-valid': { says: 'it is not valid yet', source: 'crypto/x509 verify.go isValid', remedy: 'reissue' },
  expired: { says: 'it has expired', source: 'crypto/x509 verify.go isValid', remedy: 'reissue' },
  'unknown-issuer': { says: 'none of the trusted CAs has signed it', source: VERIFY, remedy: 'reissue' },
  'not-a-ca': {
    says: 'its issuer is not a CA (basicConstraints) or may not sign certificates (keyUsage)',
    source: 'crypto/x509 x509.go CheckSignatureFrom',
    remedy: 'other content',
  },
  'signature-algorithm': {
    says: 'it is signed with MD5, SHA-1 or an algorithm that Go does not know',
    source: 'crypto/x509 x509.go checkSignature',
    remedy: 'reissue',
    since: '1.18',
  },
  signature: { says: 'its signature does not verify', source: 'crypto/x509 x509.go checkSignature', remedy: 'reissue' },
  'path-length': {
    says: 'a CA of its chain allows fewer CAs below it (pathLenConstraint)',
    source: 'crypto/x509 verify.go isValid',
    remedy: 'other content',
  },
  usage: {
    says: 'its chain does not allow the usage (extended key usage of the certificate or of a CA)',
    source: 'crypto/x509 verify.go checkChainForKeyUsage',
    remedy: 'other content',
  },
  'name-constraints': {
    says: 'a CA of its chain may not sign one of its names (name constraints)',
    source: 'crypto/x509 constraints.go checkChainConstraints',
    remedy: 'other content',
  },
  policies: {
    says: 'its chain demands an explicit policy',
    source: 'crypto/x509 verify.go policiesValid',
    remedy: 'other content',
    since: '1.24',
  },
  'host-name': {
    says: 'its subject alternative names lack the name of the server; Go ignores the common name',
    source: 'crypto/x509 verify.go VerifyHostname',
    remedy: 'other content',
  },
} as const satisfies Readonly<Record<string, GoRule>>;

export type GoRuleName = keyof typeof GO_RULES;

/** Why Go refuses a file. */
export interface GoFault {
  readonly rule: GoRuleName;
  /** The name, extension or field; never key material. */
  readonly detail?: string | undefined;
}

/** Carries a fault to the judge that catches it; never leaves this directory. */
class GoRefusal extends Error {
  readonly fault: GoFault;

  constructor(fault: GoFault) {
    super(fault.rule);
    this.fault = fault;
  }
}

export function refuse(rule: GoRuleName, detail?: string): never {
  throw new GoRefusal({ rule, detail });
}

/** The value that `read` returns, or the fault for which it stops. */
export function catchFault<T>(
  read: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: GoFault } {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof GoRefusal) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** What it takes until Go accepts the file. */
export function remedyOf({ rule }: GoFault): GoRemedy {
  return GO_RULES[rule].remedy;
}

/** A fault as a sentence: what Go refuses, since which version, and where. */
export function describeGoFault({ rule, detail }: GoFault): string {
  const { says, since }: GoRule = GO_RULES[rule];
  return `${says}${detail === undefined ? '' : ` (${detail})`}${since === undefined ? '' : `, since Go ${since}`}`;
}
