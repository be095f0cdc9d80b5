import {
  type Certificate,
  encodePem,
  isSameCa,
  isSameCertificate,
  parseCertificate,
  parseCertificates,
  type PemBlock,
  readPem,
} from '@kube-rescue/x509';

/** An authority that is trusted now, and what is to be trusted in its place. */
export interface CaExchange {
  readonly old: Certificate;
  /** The authority issued anew with the same key; or the old and a new one; or, to drop the old, the new one alone. */
  readonly replacement: readonly [Certificate, ...Certificate[]];
}

const LABEL = 'CERTIFICATE';
const LINE_BREAK = /^[ \t]*(?:\r\n|\r|\n)/;

/**
 * Reads both sides of an exchange from PEM.
 *
 * @param input `old`: the first certificate counts; `replacement`: one or a bundle, in the order in which it is to be written
 * @throws PkiError `PKI_PEM_INVALID` `PKI_CERTIFICATE_INVALID`
 */
export function readCaExchange(input: { readonly old: string; readonly replacement: string }): CaExchange {
  const [old] = parseCertificates(input.old, 'the old authority');
  return { old, replacement: parseCertificates(input.replacement, 'the new authority') };
}

/**
 * A PEM text that trusts the replacement where it trusted the old authority. A text that does not hold the old authority, or
 * holds the replacement already, comes back as it is; so do other certificates, comments and line breaks.
 *
 * @param source the place, for errors
 * @throws PkiError `PKI_PEM_INVALID`
 */
export function exchangeCa(pem: string, { old, replacement }: CaExchange, source: string): string {
  const ours = readPem(pem, source).flatMap((block) => {
    const certificate = caIn(block, [old, ...replacement], source);
    return certificate === undefined ? [] : [{ ...block, certificate }];
  });
  if (!ours.some(({ certificate }) => isSameCa(certificate, old))) return pem;
  const isDone =
    ours.length === replacement.length &&
    replacement.every((wanted, at) => isSameCertificate(wanted, ours[at]?.certificate ?? { der: new Uint8Array() }));
  if (isDone) return pem;
  const written = replacement.map(({ der }) => encodePem(LABEL, der)).join('');
  const lineBreak = pem.includes('\r\n') ? '\r\n' : '\n';
  let result = '';
  let copied = 0;
  for (const [at, { start, end }] of ours.entries()) {
    result += pem.slice(copied, start) + (at === 0 ? written.replaceAll('\n', lineBreak) : '');
    copied = end + (LINE_BREAK.exec(pem.slice(end, end + 100))?.[0].length ?? 0);
  }
  return result + pem.slice(copied);
}

/** The certificate in a block when it is of one of the authorities. Others are not parsed: bundles are large. */
function caIn({ label, der }: PemBlock, cas: readonly Certificate[], source: string): Certificate | undefined {
  if (label !== LABEL) return undefined;
  const bytes = Buffer.from(der);
  if (!cas.some(({ publicKeyDer }) => bytes.includes(Buffer.from(publicKeyDer)))) return undefined;
  const certificate = parseCertificate(der, source);
  return cas.some((ca) => isSameCa(certificate, ca)) ? certificate : undefined;
}
