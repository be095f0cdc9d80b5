import { alignRight, DerReader, dottedOid } from './der-reader.ts';
import { type ExtensionValues, type GoExtension, readExtensionValues } from './extensions.ts';
import { checkName } from './names.ts';
import { type GoPublicKey, readAlgorithm, readPublicKey } from './public-key.ts';
import { refuse } from './rules.ts';
import { readTime } from './times.ts';

/** A certificate as Go's crypto/x509 parses it. */
export interface GoCertificate extends ExtensionValues {
  readonly der: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  /** What is signed. */
  readonly signedPart: Uint8Array;
  readonly algorithm: { readonly oid: string; readonly parameters: Uint8Array };
  readonly signature: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKeyInfo: Uint8Array;
  readonly publicKey: GoPublicKey;
  readonly extensions: readonly GoExtension[];
}

function readVersion(body: DerReader): number {
  const explicit = body.readOptional(0xa0);
  if (explicit === undefined) return 1;
  const reader = new DerReader(explicit, 'version');
  const version = reader.readSmallInteger();
  if (!reader.isEmpty || version < 0n || version > 2n) refuse('version');
  return Number(version) + 1;
}

function checkSerialNumber(body: DerReader): void {
  const reader = new DerReader(body.readElement(0x02).bytes, 'serial-malformed');
  if (reader.readInteger() < 0n) refuse('serial-negative');
}

function readExtension(reader: DerReader): GoExtension {
  const oid = reader.readOid();
  const isCritical = reader.peeks(0x01) && reader.readBoolean();
  return { oid, isCritical, value: reader.read(0x04) };
}

function readExtensions(body: DerReader): readonly GoExtension[] {
  const explicit = body.readOptional(0xa3);
  if (explicit === undefined) return [];
  const extensions: GoExtension[] = [];
  const list = new DerReader(explicit).enter(0x30);
  while (!list.isEmpty) {
    const extension = readExtension(list.enter(0x30));
    if (extensions.some(({ oid }) => oid === extension.oid)) refuse('extension-duplicate', dottedOid(extension.oid));
    extensions.push(extension);
  }
  return extensions;
}

/** Parses one certificate as Go's `x509.ParseCertificate` does; refuses what Go refuses. */
export function readGoCertificate(der: Uint8Array): GoCertificate {
  const input = new DerReader(der);
  const whole = input.readElement(0x30);
  const outer = new DerReader(whole.content);
  const signed = outer.readElement(0x30);
  const body = new DerReader(signed.content);
  const version = readVersion(body);
  checkSerialNumber(body);
  const inner = body.read(0x30);
  if (Buffer.compare(inner, outer.read(0x30)) !== 0) refuse('algorithm-mismatch');
  const algorithm = readAlgorithm(inner);
  const issuer = body.readElement(0x30).bytes;
  checkName(issuer);
  const validity = new DerReader(body.read(0x30), 'time-malformed');
  const [notBefore, notAfter] = [readTime(validity), readTime(validity)];
  const subject = body.readElement(0x30).bytes;
  checkName(subject);
  const publicKeyInfo = body.readElement(0x30).bytes;
  const publicKey = readPublicKey(publicKeyInfo);
  if (version > 1) for (const uniqueId of [0x81, 0x82]) body.readOptional(uniqueId);
  const extensions = version === 3 ? readExtensions(body) : [];
  const values = readExtensionValues(extensions);
  const signature = alignRight(outer.readBitString());
  if (!input.isEmpty) refuse('der-trailing');
  return {
    ...values,
    der,
    version,
    signedPart: signed.bytes,
    algorithm,
    signature,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKeyInfo,
    publicKey,
    extensions,
  };
}
