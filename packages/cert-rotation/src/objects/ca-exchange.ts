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

/** A CA that is trusted now, and its replacement. */
export interface CaExchange {
  readonly old: Certificate;
  /** The CA reissued with the same key; or the old CA and a new one; or, to drop the old CA, the new one alone. */
  readonly replacement: readonly [Certificate, ...Certificate[]];
}

const LABEL = 'CERTIFICATE';
const LINE_BREAK = /^[ \t]*(?:\r\n|\r|\n)/;

/**
 * Reads both sides of an exchange from PEM.
 *
 * @param input `old`: the first certificate counts; `replacement`: one or a bundle, in the order of writing
 * @throws PkiError `PKI_PEM_INVALID` `PKI_CERTIFICATE_INVALID`
 */
export function readCaExchange(input: { readonly old: string; readonly replacement: string }): CaExchange {
  const [old] = parseCertificates(input.old, 'the old CA');
  return { old, replacement: parseCertificates(input.replacement, 'the new CA') };
}

/**
 * Replaces the old CA in a PEM text. Returns a text without the old CA, or with the replacement already, unchanged; keeps other
 * certificates, comments and line breaks.
 *
 * @param source the location, for errors
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

/** The certificate in a block if it is of one of the CAs. Other blocks are not parsed: bundles are large. */
function caIn({ label, der }: PemBlock, cas: readonly Certificate[], source: string): Certificate | undefined {
  if (label !== LABEL) return undefined;
  const bytes = Buffer.from(der);
  if (!cas.some(({ publicKeyDer }) => bytes.includes(Buffer.from(publicKeyDer)))) return undefined;
  const certificate = parseCertificate(der, source);
  return cas.some((ca) => isSameCa(certificate, ca)) ? certificate : undefined;
}
