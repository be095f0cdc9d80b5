import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { sha256 } from '@kube-rescue/workflow';
import { type Certificate, hasCertificateLine, parseCertificate, readIndentedPem } from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';

/** The detected content of a value. */
export type Detected =
  | { readonly is: 'certificates'; readonly form: 'PEM' | 'DER'; readonly certificates: readonly Certificate[] }
  | { readonly is: 'kubeconfig'; readonly parts: readonly KubeconfigPart[] }
  | { readonly is: 'keystore'; readonly format: 'PKCS#12' | 'JKS' }
  | { readonly is: 'unreadable'; readonly error: RecoveryError }
  | { readonly is: 'nothing' };

/** The certificates that a kubeconfig embeds in one field. */
interface KubeconfigPart {
  readonly field: 'certificate-authority-data' | 'client-certificate-data';
  readonly certificates: readonly Certificate[];
}

/** Certificates parsed before: ten thousand Secrets hold the same CA. */
export type CertificateCache = Map<string, Certificate>;

const CACHED_CERTIFICATES = 4096;
const KUBECONFIG =
  /\b(certificate-authority-data|client-certificate-data)["']?[ \t]*:[ \t]*["']?([A-Za-z0-9+/]{64,}={0,2})/g;

/**
 * Detects certificates, kubeconfigs and keystores by content alone. Does not open keystores.
 *
 * @param source the location, for errors
 */
export function detect(bytes: Uint8Array, source: string, cache: CertificateCache): Detected {
  if (bytes[0] === 0x30) return detectDer(bytes, source, cache);
  if (startsWith(bytes, JKS_MAGIC)) return { is: 'keystore', format: 'JKS' };
  const text = Buffer.from(bytes).toString('latin1');
  try {
    if (hasCertificateLine(text)) {
      return { is: 'certificates', form: 'PEM', certificates: readCertificates(text, source, cache) };
    }
    const parts = readKubeconfig(text, source, cache);
    if (parts.length > 0) return { is: 'kubeconfig', parts };
  } catch (error) {
    if (isRecoveryError(error)) return { is: 'unreadable', error };
    throw error;
  }
  return { is: 'nothing' };
}

/** The certificates of a PEM text; skips keys and other blocks. */
function readCertificates(text: string, source: string, cache: CertificateCache): readonly Certificate[] {
  // A certificate inside YAML has blanks before its lines.
  return readIndentedPem(text, source)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ der }) => cached(der, source, cache));
}

/** The problem of a value that must hold PEM certificates and has none. */
export function notPem(source: string): PkiError {
  return new PkiError({
    code: 'PKI_PEM_INVALID',
    message: 'the value has no PEM certificate',
    subject: source,
    hint: 'write the certificate in PEM, or remove the field if it is unused',
  });
}

const JKS_MAGIC = [0xfe, 0xed, 0xfe, 0xed];
/** A PFX (RFC 7292) begins with its version, 3, where a certificate has a sequence. */
const PFX_VERSION = [0x02, 0x01, 0x03];

function detectDer(bytes: Uint8Array, source: string, cache: CertificateCache): Detected {
  const header = (bytes[1] ?? 0) < 0x80 ? 2 : 2 + ((bytes[1] ?? 0) & 0x7f);
  if (startsWith(bytes.subarray(header), PFX_VERSION)) return { is: 'keystore', format: 'PKCS#12' };
  try {
    return { is: 'certificates', form: 'DER', certificates: [cached(bytes, source, cache)] };
  } catch (error) {
    // Keys, signatures and signing requests in DER begin alike.
    if (isRecoveryError(error)) return { is: 'nothing' };
    throw error;
  }
}

/** Finds embedded values by pattern, because templates and scripts hold kubeconfigs that are not valid YAML. */
function readKubeconfig(text: string, source: string, cache: CertificateCache): readonly KubeconfigPart[] {
  return [...text.matchAll(KUBECONFIG)].map(([, field = '', base64 = '']) => ({
    field: field as KubeconfigPart['field'],
    certificates: readCertificates(Buffer.from(base64, 'base64').toString('latin1'), source, cache),
  }));
}

function cached(der: Uint8Array, source: string, cache: CertificateCache): Certificate {
  const digest = sha256(der);
  const known = cache.get(digest);
  if (known !== undefined) return known;
  const certificate = parseCertificate(der, source);
  if (cache.size >= CACHED_CERTIFICATES) cache.delete(cache.keys().next().value ?? '');
  cache.set(digest, certificate);
  return certificate;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
