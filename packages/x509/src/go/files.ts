import { type GoCertificate, readGoCertificate } from './certificate.ts';
import { findReadingFault } from './pem-fault.ts';
import { type GoPemBlock, readGoPem } from './pem-blocks.ts';
import { type GoPrivateKey, readGoPrivateKey } from './private-key.ts';
import { bitLength, checkRsaKey, type GoPublicKey } from './public-key.ts';
import { catchFault, type GoFault, refuse } from './rules.ts';

const CERTIFICATE = 'CERTIFICATE';

function isPrivateKey({ label }: GoPemBlock): boolean {
  return label === 'PRIVATE KEY' || label.endsWith(' PRIVATE KEY');
}

function isEncrypted({ label, headers }: GoPemBlock): boolean {
  return label.startsWith('ENCRYPTED ') || headers.has('DEK-Info');
}

function faultOf(read: () => void): GoFault | undefined {
  const result = catchFault(read);
  return result.ok ? undefined : result.fault;
}

const KEPT_CERTIFICATES = 256;
const KEPT_BYTES = 8 * 1024;
/** Parsed certificates by their DER: a chain is verified again and again under the same CAs. */
const parsed = new Map<string, GoCertificate>();

function readOnce(der: Uint8Array): GoCertificate {
  if (der.length > KEPT_BYTES) return readGoCertificate(der);
  const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const certificate = readGoCertificate(der);
  if (parsed.size >= KEPT_CERTIFICATES) parsed.clear();
  parsed.set(text, certificate);
  return certificate;
}

/** The certificates that a TLS server or client sends, the leaf first; each must be parsed by the other end. */
function readSentCertificates(text: string): readonly [GoCertificate, ...GoCertificate[]] {
  const blocks = readGoPem(text);
  const [leaf, ...others] = blocks.filter(({ label }) => label === CERTIFICATE).map(({ der }) => readOnce(der));
  if (leaf !== undefined) return [leaf, ...others];
  return refuse(blocks.length === 0 ? findReadingFault(text) : 'pem-no-certificate');
}

/** The first private key of a text, as crypto/tls finds and parses it. */
function readPrivateKey(text: string): GoPrivateKey {
  const blocks = readGoPem(text);
  const block = blocks.find(isPrivateKey);
  if (block === undefined) return refuse(blocks.length === 0 ? findReadingFault(text) : 'private-key-missing');
  return readKeyBlock(block);
}

/** The headers of an encrypted key mean nothing to Go: it parses the bytes as they are. */
function readKeyBlock(block: GoPemBlock): GoPrivateKey {
  const key = catchFault(() => readGoPrivateKey(block.der));
  if (key.ok) return key.value;
  return refuse(isEncrypted(block) ? 'private-key-encrypted' : key.fault.rule, key.fault.detail);
}

function isSameKey(a: GoPublicKey, b: GoPublicKey): boolean {
  if (a.kind === 'rsa' && b.kind === 'rsa') return a.modulus === b.modulus && a.exponent === b.exponent;
  if (a.kind === 'ecdsa' && b.kind === 'ecdsa') return a.curve === b.curve && Buffer.compare(a.point, b.point) === 0;
  return a.kind === 'ed25519' && b.kind === 'ed25519' && Buffer.compare(a.bytes, b.bytes) === 0;
}

/** Refuses a leaf with which no TLS handshake of Go succeeds, although Go parses it. */
function checkTlsKey({ publicKey }: GoCertificate): void {
  if (publicKey.kind === 'other') refuse('key-algorithm');
  if (publicKey.kind === 'ecdsa' && publicKey.curve === 'P-224') refuse('tls-curve');
  if (publicKey.kind !== 'rsa') return;
  checkRsaKey(publicKey);
  if (bitLength(publicKey.modulus) > 8192) refuse('rsa-too-long');
}

/**
 * Why Go refuses one certificate in DER, regardless of dates and of who signed it; `undefined` when Go parses it.
 */
export function findCertificateFault(der: Uint8Array): GoFault | undefined {
  return faultOf(() => readGoCertificate(der));
}

/** A certificate as Go parses it; `undefined` when Go refuses it. */
export function parseGoCertificate(der: Uint8Array): GoCertificate | undefined {
  const certificate = catchFault(() => readOnce(der));
  return certificate.ok ? certificate.value : undefined;
}

/**
 * Why Go does not serve or present this certificate: it cannot be parsed, or its key is of no use for TLS
 * (crypto/tls X509KeyPair and handshakes). Every certificate of the text counts, because the other end parses them all.
 *
 * @param text the file byte for byte (latin1)
 */
export function findLeafFault(text: string): GoFault | undefined {
  return faultOf(() => checkTlsKey(readSentCertificates(text)[0]));
}

/** Why Go refuses the private key of a text; `undefined` when it parses the key. */
export function findPrivateKeyFault(text: string): GoFault | undefined {
  return faultOf(() => readPrivateKey(text));
}

/**
 * Why client-go's `keyutil.ParsePrivateKeyPEM` refuses every private key of a text, as kube-controller-manager reads the keys of
 * CAs and of service accounts: there the label of the block decides. Does not judge the kind of key: kube-apiserver signs service
 * account tokens with RSA and ECDSA P-256, P-384 and P-521 alone.
 */
export function findSigningKeyFault(text: string): GoFault | undefined {
  const blocks = readGoPem(text);
  const faults = blocks.filter(isPrivateKey).map((block) =>
    faultOf(() => {
      if (readKeyBlock(block).encoding !== block.label) refuse('private-key-label');
    }),
  );
  if (faults.includes(undefined)) return undefined;
  return faults[0] ?? { rule: blocks.length === 0 ? findReadingFault(text) : 'private-key-missing' };
}

/**
 * Why Go's `tls.X509KeyPair` and a TLS handshake refuse a certificate with its key; both texts are the same for a combined
 * file. Does not check dates, names or who signed it.
 */
export function findKeyPairFault(certificateText: string, keyText: string): GoFault | undefined {
  return faultOf(() => {
    const [leaf] = readSentCertificates(certificateText);
    const { publicKey } = readPrivateKey(keyText);
    if (leaf.publicKey.kind === 'other') refuse('key-algorithm');
    if (leaf.publicKey.kind !== publicKey.kind) refuse('pair-kind');
    if (!isSameKey(leaf.publicKey, publicKey)) refuse('pair-mismatch');
    checkTlsKey(leaf);
  });
}

/**
 * Who reads a file of CAs: `client-go` (kube-apiserver, kube-controller-manager, kubelet) refuses a file in which one
 * certificate is malformed; `pool` (the CA data of a kubeconfig) passes over it; `etcd` refuses a file in which any block is not a
 * certificate.
 */
type BundleReader = 'client-go' | 'pool' | 'etcd';

function readOtherBlock(der: Uint8Array): GoCertificate {
  const certificate = catchFault(() => readGoCertificate(der));
  return certificate.ok ? certificate.value : refuse('pem-other-block');
}

/** The certificates that `reader` trusts from a file of CAs; refuses what it refuses. */
function readTrusted(text: string, reader: BundleReader): readonly GoCertificate[] {
  const blocks = readGoPem(text);
  const certificates = blocks.filter(({ label, hasHeaders }) => label === CERTIFICATE && !hasHeaders);
  const read = (reader === 'etcd' ? blocks : certificates).map(({ label, der }) =>
    catchFault(() => (label === CERTIFICATE ? readGoCertificate(der) : readOtherBlock(der))),
  );
  const [fault] = read.flatMap((each) => (each.ok ? [] : [each.fault]));
  const trusted = read.flatMap((each) => (each.ok ? [each.value] : []));
  if (fault !== undefined && (reader !== 'pool' || trusted.length === 0)) refuse(fault.rule, fault.detail);
  if (trusted.length > 0) return trusted;
  if (blocks.length === 0) return refuse(findReadingFault(text));
  return refuse(blocks.some(({ label }) => label === CERTIFICATE) ? 'pem-headers' : 'pem-no-certificate');
}

/** Why `reader` refuses a file of CAs, or trusts none of its certificates. */
export function findBundleFault(text: string, reader: BundleReader): GoFault | undefined {
  return faultOf(() => readTrusted(text, reader));
}
