import { constants, sign } from 'node:crypto';
import { encodeDer } from '../../../packages/x509/src/encoding/der.ts';
import type { KeyPair } from './keys.ts';

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => encodeDer(0x30, ...parts);
export const oid = (content: string): Uint8Array => encodeDer(0x06, hex(content));
export const integer = (content: string): Uint8Array => encodeDer(0x02, hex(content));
export const text = (tag: number, value: string): Uint8Array => encodeDer(tag, Buffer.from(value, 'latin1'));
export const bits = (content: Uint8Array, unused = 0): Uint8Array => encodeDer(0x03, Uint8Array.of(unused), content);
export const TRUE = hex('0101ff');
const NULL = hex('0500');

/** A name of one attribute: the common name. */
export const commonName = (value: string, tag = 0x0c): Uint8Array =>
  sequence(encodeDer(0x31, sequence(oid('550403'), text(tag, value))));

export const utcTime = (value: string): Uint8Array => text(0x17, value);
export const generalizedTime = (value: string): Uint8Array => text(0x18, value);

export function extension(id: string, value: Uint8Array, isCritical = false): Uint8Array {
  return sequence(oid(id), ...(isCritical ? [TRUE] : []), encodeDer(0x04, value));
}

/** A certificate, field by field, in DER. */
export interface CertificateForm {
  readonly version?: Uint8Array | undefined;
  readonly serial: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly outerAlgorithm?: Uint8Array | undefined;
  readonly issuer: Uint8Array;
  readonly validity: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly afterKey: readonly Uint8Array[];
  readonly extensions: readonly Uint8Array[] | undefined;
  /** Replaces the signature. */
  readonly signature?: Uint8Array | undefined;
}

export type Changes = { readonly [Field in keyof CertificateForm]?: CertificateForm[Field] };

interface Scheme {
  readonly identifier: Uint8Array;
  readonly digest: string | null;
  readonly pss?: number;
}

const pssIdentifier = (digest: string, salt: string): Uint8Array => {
  const algorithm = sequence(oid(digest), NULL);
  return sequence(
    oid('2a864886f70d01010a'),
    sequence(
      encodeDer(0xa0, algorithm),
      encodeDer(0xa1, sequence(oid('2a864886f70d010108'), algorithm)),
      encodeDer(0xa2, integer(salt)),
    ),
  );
};

/** Signature algorithms by name. */
export const SCHEMES = {
  'rsa-md5': { identifier: sequence(oid('2a864886f70d010104'), NULL), digest: 'md5' },
  'rsa-sha1': { identifier: sequence(oid('2a864886f70d010105'), NULL), digest: 'sha1' },
  'rsa-sha224': { identifier: sequence(oid('2a864886f70d01010e'), NULL), digest: 'sha224' },
  'rsa-sha256': { identifier: sequence(oid('2a864886f70d01010b'), NULL), digest: 'sha256' },
  'rsa-sha384': { identifier: sequence(oid('2a864886f70d01010c'), NULL), digest: 'sha384' },
  'rsa-sha512': { identifier: sequence(oid('2a864886f70d01010d'), NULL), digest: 'sha512' },
  'rsa-sha256-without-null': { identifier: sequence(oid('2a864886f70d01010b')), digest: 'sha256' },
  'pss-sha256': { identifier: pssIdentifier('608648016503040201', '20'), digest: 'sha256', pss: 32 },
  'pss-sha384': { identifier: pssIdentifier('608648016503040202', '30'), digest: 'sha384', pss: 48 },
  'pss-sha256-salt-20': { identifier: pssIdentifier('608648016503040201', '14'), digest: 'sha256', pss: 20 },
  'ecdsa-sha1': { identifier: sequence(oid('2a8648ce3d0401')), digest: 'sha1' },
  'ecdsa-sha224': { identifier: sequence(oid('2a8648ce3d040301')), digest: 'sha224' },
  'ecdsa-sha256': { identifier: sequence(oid('2a8648ce3d040302')), digest: 'sha256' },
  'ecdsa-sha384': { identifier: sequence(oid('2a8648ce3d040303')), digest: 'sha384' },
  'ecdsa-sha512': { identifier: sequence(oid('2a8648ce3d040304')), digest: 'sha512' },
  'ecdsa-sha3': { identifier: sequence(oid('60864801650304030a')), digest: 'sha3-256' },
  ed25519: { identifier: sequence(oid('2b6570')), digest: null },
  'ed25519-with-null': { identifier: sequence(oid('2b6570'), NULL), digest: null },
  ed448: { identifier: sequence(oid('2b6571')), digest: null },
  'dsa-sha256': { identifier: sequence(oid('608648016503040302')), digest: 'sha256' },
} as const satisfies Readonly<Record<string, Scheme>>;

export type SchemeName = keyof typeof SCHEMES;

/** The usual scheme of a key. */
export function usualScheme({ privateKey }: KeyPair): SchemeName {
  if (privateKey.asymmetricKeyType === 'rsa') return 'rsa-sha256';
  if (privateKey.asymmetricKeyType === 'ec') return 'ecdsa-sha256';
  if (privateKey.asymmetricKeyType === 'rsa-pss') return 'pss-sha256';
  if (privateKey.asymmetricKeyType === 'dsa') return 'dsa-sha256';
  return privateKey.asymmetricKeyType === 'ed448' ? 'ed448' : 'ed25519';
}

/** Encodes a certificate and signs it. */
export function signForm(form: CertificateForm, signer: KeyPair, name: SchemeName = usualScheme(signer)): Buffer {
  const body = sequence(
    ...(form.version === undefined ? [] : [form.version]),
    form.serial,
    form.algorithm,
    form.issuer,
    form.validity,
    form.subject,
    form.publicKey,
    ...form.afterKey,
    ...(form.extensions === undefined ? [] : [encodeDer(0xa3, sequence(...form.extensions))]),
  );
  const { digest, ...scheme }: Scheme = SCHEMES[name];
  const padding = scheme.pss === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.pss };
  const signature = form.signature ?? bits(sign(digest, body, { key: signer.privateKey, ...padding }));
  return Buffer.from(sequence(body, form.outerAlgorithm ?? form.algorithm, signature));
}

export const VERSION_3 = hex('a003020102');
export const VALIDITY = sequence(utcTime('250101000000Z'), utcTime('350101000000Z'));
/** All chains are judged at this time. */
export const NOW = new Date('2026-06-01T00:00:00Z');

/** An algorithm identifier by name. */
export const algorithmOf = (name: SchemeName): Uint8Array => SCHEMES[name].identifier;
