import { execFile } from 'node:child_process';
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';

/** What a certificate says, without its key, its numbers and its dates: enough to issue one like it. */
export interface CertificateProfile {
  /** In the syntax of `openssl req -subj`, in the order of the certificate: `/O=system:masters/CN=kubernetes-admin`. */
  readonly subject: string;
  /** The path of the certificate of its CA; absent when it is self-signed. */
  readonly issuer?: string;
  /** `RSA 2048` or `ECDSA P-256`. */
  readonly key: string;
  /** In the words of OpenSSL: `sha256WithRSAEncryption`. */
  readonly signature: string;
  /** The serial number is 0; others are random. */
  readonly isSerialZero?: true;
  /** Whole days from start to end. */
  readonly days: number;
  /** Minutes beyond the whole days: how far the start is set back. */
  readonly minutes: number;
  /** It starts on the second on which the certificate of its CA does, however much later it was issued. */
  readonly startsWithCa?: true;
  /** Lines of an OpenSSL extension section, in the order of the certificate; for a key identifier see {@link keyIdentifiers}. */
  readonly extensions: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;

/** The words of `openssl x509 -text`, and those of its configuration. */
const USAGES: Readonly<Record<string, string>> = {
  'Digital Signature': 'digitalSignature',
  'Key Encipherment': 'keyEncipherment',
  'Certificate Sign': 'keyCertSign',
  'TLS Web Server Authentication': 'serverAuth',
  'TLS Web Client Authentication': 'clientAuth',
};

/** How an extension is written in a configuration, by its name in `openssl x509 -text`. */
const EXTENSIONS: Readonly<Record<string, (value: string, keys: Keys) => string>> = {
  'X509v3 Key Usage': (value) => `keyUsage=${translate(value)}`,
  'X509v3 Extended Key Usage': (value) => `extendedKeyUsage=${translate(value)}`,
  'X509v3 Basic Constraints': (value) => `basicConstraints=${value}`,
  'X509v3 Subject Key Identifier': (value, { own }) => `subjectKeyIdentifier=${formOf(value, own)}`,
  'X509v3 Authority Key Identifier': (value, { issuer }) => {
    formOf(value.replace('keyid:', ''), issuer);
    return 'authorityKeyIdentifier=keyid';
  },
  'X509v3 Subject Alternative Name': (value) =>
    `subjectAltName=${value.replaceAll('IP Address:', 'IP:').replaceAll(', ', ',')}`,
};

interface Keys {
  readonly own: KeyObject;
  readonly issuer: KeyObject;
}

/**
 * The profile of a certificate, read by the `openssl` program.
 *
 * @param certificate PEM
 * @param cas PEM certificates of the CAs by their paths
 * @throws Error when the certificate has something that a profile cannot express, or no CA has signed it
 */
export async function profileCertificate(
  certificate: string,
  cas: ReadonlyMap<string, string>,
): Promise<CertificateProfile> {
  const text = await describe(certificate);
  const parsed = new X509Certificate(certificate);
  const [issuer, ca] = issuerOf(parsed, cas);
  const spanMs = parsed.validToDate.getTime() - parsed.validFromDate.getTime();
  // Signing takes a moment, which counts as none.
  const minutes = Math.round(spanMs / MINUTE_MS);
  const isSelfSigned = ca.fingerprint256 === parsed.fingerprint256;
  const startsWithCa = !isSelfSigned && ca.validFrom === parsed.validFrom;
  return {
    subject: `/${field(text, /^ *Subject: (.+)$/m).replaceAll(',', '/')}`,
    ...(isSelfSigned ? {} : { issuer }),
    key: keyOf(text),
    signature: field(text, /^ *Signature Algorithm: (\S+)$/m),
    ...(/^0*$/.test(parsed.serialNumber) ? { isSerialZero: true as const } : {}),
    days: Math.floor((minutes * MINUTE_MS) / DAY_MS),
    minutes: minutes % (DAY_MS / MINUTE_MS),
    ...(startsWithCa ? { startsWithCa: true as const } : {}),
    extensions: extensionsOf(text, { own: parsed.publicKey, issuer: ca.publicKey }),
  };
}

function describe(certificate: string): Promise<string> {
  const argv = ['x509', '-noout', '-text', '-nameopt', 'sep_comma_plus,sname,utf8'];
  return new Promise((resolve, reject) => {
    const child = execFile('openssl', argv, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
    child.stdin?.end(certificate);
  });
}

function issuerOf(
  certificate: X509Certificate,
  cas: ReadonlyMap<string, string>,
): readonly [path: string, certificate: X509Certificate] {
  for (const [path, pem] of cas) {
    const ca = new X509Certificate(pem);
    if (certificate.checkIssued(ca) && certificate.verify(ca.publicKey)) return [path, ca];
  }
  throw new Error(`none of the CAs has signed ${certificate.subject}`);
}

function keyOf(text: string): string {
  const curve = /NIST CURVE: (\S+)/.exec(text)?.[1];
  return curve === undefined ? `RSA ${field(text, /Public-Key: \((\d+) bit\)/)}` : `ECDSA ${curve}`;
}

function extensionsOf(text: string, keys: Keys): readonly string[] {
  const section = /X509v3 extensions:\n((?: {12}.*\n)+)/.exec(text)?.[1] ?? '';
  return [...section.matchAll(/^ {12}(\S[^:]*): *(critical)?\n {16}(.*)$/gm)].map(
    ([, name = '', critical, value = '']) => {
      const write = EXTENSIONS[name];
      if (write === undefined) throw new Error(`a profile cannot express the extension ${name}`);
      const line = write(value.trim(), keys);
      return critical === undefined ? line : line.replace('=', '=critical,');
    },
  );
}

/** In which form a key identifier names a key. */
function formOf(identifier: string, key: KeyObject): string {
  const form = Object.entries(keyIdentifiers(key)).find(([, value]) => value === identifier)?.[0];
  if (form === undefined) throw new Error(`the key identifier ${identifier} is not made of its key`);
  return form;
}

/** The identifiers of a public key by the words of a profile: of RFC 5280 section 4.2.1.2, and of RFC 7093, as Go has it since 1.25. */
export function keyIdentifiers(key: KeyObject): Readonly<Record<'hash' | 'sha256', string>> {
  const point = { prime256v1: 65, secp384r1: 97 }[key.asymmetricKeyDetails?.namedCurve ?? ''];
  const bits =
    point === undefined
      ? key.export({ type: 'pkcs1', format: 'der' })
      : key.export({ type: 'spki', format: 'der' }).subarray(-point);
  const digest = (algorithm: string): string => {
    const bytes = createHash(algorithm).update(bits).digest().subarray(0, 20);
    return bytes
      .toString('hex')
      .toUpperCase()
      .replaceAll(/..(?=.)/g, '$&:');
  };
  return { hash: digest('sha1'), sha256: digest('sha256') };
}

function translate(words: string): string {
  return words
    .split(', ')
    .map((word) => USAGES[word] ?? unknownUsage(word))
    .join(',');
}

function unknownUsage(word: string): never {
  throw new Error(`a profile cannot express the usage ${word}`);
}

function field(text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`openssl does not say ${pattern.source}`);
  return value;
}
