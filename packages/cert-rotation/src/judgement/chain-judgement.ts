import { formatTime } from '@kube-rescue/errors';
import {
  type Certificate,
  describeGoFault,
  findIssuerMismatch,
  findVerificationFault,
  type GoChainFault,
  isSameCa,
  isSameCertificate,
  type IssuerMismatch,
  nameOf,
  namesIssuer,
  parseGoCertificate,
  remedyOf,
} from '@kube-rescue/x509';
import { PKI_ERRORS } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import { signingCertificate } from './ca-judgement.ts';
import type { Problem } from './problem.ts';

/** What a chain is built from: a certificate, and the certificates behind it in its file. */
type Sent = Pick<CertificateEntry, 'intermediates' | 'usages' | 'certificateLocation'>;

const RENEWAL_HINT = 'renew it with `kube-rescue certs renew`';
const MISMATCHES: Readonly<Record<IssuerMismatch, string>> = {
  name: 'the issuer has another name',
  'key identifier': 'the authority key identifier names another key',
  'serial number': 'the authority key identifier names another serial number',
  signature: 'the signature is from another key',
};

/** Whether the key of `ca` made the signature; the identifiers of a reissued CA may differ. */
export function hasSigned(ca: Certificate, certificate: Certificate): boolean {
  return namesIssuer(certificate, ca) && certificate.x509.verify(ca.x509.publicKey);
}

/** `undefined` when one CA of `bundle` signed `certificate`, otherwise why the first did not. */
export function findChainBreak(certificate: Certificate, bundle: readonly Certificate[]): string | undefined {
  const breaks = bundle.map((ca) => findIssuerMismatch(certificate, ca));
  if (breaks.includes(undefined)) return undefined;
  return breaks[0] === undefined ? 'the CA has no certificate' : MISMATCHES[breaks[0]];
}

function verify(
  { intermediates, usages }: Pick<Sent, 'intermediates' | 'usages'>,
  certificate: Certificate,
  bundle: readonly Certificate[],
  now: Date | undefined,
): GoChainFault | undefined {
  const parse = (each: readonly Certificate[]) =>
    each.map(({ der }) => parseGoCertificate(der)).filter((parsed) => parsed !== undefined);
  const [leaf] = parse([certificate]);
  if (leaf === undefined) return { rule: 'unknown-issuer' };
  // A usage that the certificate itself lacks is reported by name.
  const own = usages.filter((usage) => findVerificationFault({ leaf, roots: [leaf], usages: [usage] }) === undefined);
  return findVerificationFault({
    leaf,
    intermediates: parse(intermediates),
    roots: parse(bundle),
    usages: own,
    now,
  });
}

/**
 * Whether a CA of the bundle signed a certificate, directly or through the intermediate CAs of its own file, regardless of dates
 * and usages.
 */
export function isOfCa({ intermediates }: Pick<Sent, 'intermediates'>, certificate: Certificate, ca: CaEntry): boolean {
  if (!ca.bundle.ok) return false;
  if (ca.bundle.value.some((each) => hasSigned(each, certificate))) return true;
  return verify({ intermediates, usages: [] }, certificate, ca.bundle.value, undefined) === undefined;
}

/** Why the components find no chain to a CA of the bundle that they accept; the certificate's own dates do not count. */
export function findChainFault(
  entry: Sent,
  certificate: Certificate,
  ca: CaEntry | undefined,
  now: Date,
): GoChainFault | undefined {
  if (ca?.bundle.ok !== true) return undefined;
  const isValid = certificate.notBefore <= now && now <= certificate.notAfter;
  return verify(entry, certificate, ca.bundle.value, isValid ? now : undefined);
}

/** Whether it is about who has signed and when, not about what the signer may sign. */
export function isBySigner(fault: GoChainFault | undefined): boolean {
  return fault !== undefined && ['unknown-issuer', 'signature', 'expired', 'not-yet-valid'].includes(fault.rule);
}

function broken(entry: Sent, message: string, rest: Partial<Problem> = {}): Problem {
  return {
    severity: 'problem',
    kind: PKI_ERRORS.PKI_CHAIN_BROKEN,
    code: 'PKI_CHAIN_BROKEN',
    subject: entry.certificateLocation.path,
    message,
    hint: RENEWAL_HINT,
    fixedBy: 'renewal',
    ...rest,
  };
}

function refusedByComponents(entry: Sent, fault: GoChainFault, rest: Partial<Problem> = {}): Problem {
  return broken(entry, `is refused by the components: ${describeGoFault(fault)}`, rest);
}

function judgeUnknownIssuer(entry: Sent, certificate: Certificate, ca: CaEntry, fault: GoChainFault): Problem[] {
  const bundle = ca.bundle.ok ? ca.bundle.value : [];
  const intermediate = entry.intermediates.find((each) => hasSigned(each, certificate));
  const reason =
    intermediate === undefined
      ? findChainBreak(certificate, bundle)
      : `nor was its intermediate CA ${nameOf(intermediate.x509.subject)}`;
  if (reason === undefined) {
    // A certificate that Go cannot parse has a problem of its own; of any other, name and signature fit, and Go still finds no chain.
    return parseGoCertificate(certificate.der) === undefined ? [] : [refusedByComponents(entry, fault)];
  }
  return [broken(entry, `was not signed by the ${ca.definition.name} in ${ca.path}: ${reason}`)];
}

/** A CA outside its dates; when it is the CA that signs, its own row reports it and a reissue fixes every chain. */
function judgeIssuerDates(
  entry: Sent,
  certificate: Certificate,
  ca: CaEntry,
  fault: GoChainFault & { readonly ca: NonNullable<GoChainFault['ca']> },
): Problem[] {
  const bundle = ca.bundle.ok ? ca.bundle.value : [];
  const issuer = [...bundle, ...entry.intermediates].find((each) => isSameCertificate(each, fault.ca));
  const signer = signingCertificate(ca);
  if (issuer === undefined || (signer !== undefined && isSameCa(issuer, signer))) return [];
  const kind = bundle.includes(issuer) ? 'CA' : 'intermediate CA';
  const relation = hasSigned(issuer, certificate) ? 'by' : 'through';
  const date =
    fault.rule === 'expired'
      ? `expired on ${formatTime(issuer.notAfter)}`
      : `is not valid before ${formatTime(issuer.notBefore)}`;
  return [broken(entry, `was signed ${relation} the ${kind} ${nameOf(issuer.x509.subject)} that ${date}`)];
}

/** OpenSSL, and with it curl, Python and Node, compares the key identifiers that Go passes over. */
function judgeIdentifiers(entry: Sent, certificate: Certificate, ca: CaEntry): Problem[] {
  const bundle = ca.bundle.ok ? ca.bundle.value : [];
  const issuers = [...bundle, ...entry.intermediates].filter((each) => hasSigned(each, certificate));
  const reason = findChainBreak(certificate, issuers);
  if (issuers.length === 0 || reason === undefined) return [];
  return [broken(entry, `is refused by clients that use OpenSSL: ${reason}`, { severity: 'warning' })];
}

/**
 * What the verifiers refuse about the chain of a certificate, from the certificate over the intermediate CAs of its own file to the
 * CA bundle: the signer, its dates, name constraints, path lengths, usages of CAs. Empty for a chain that Go accepts.
 *
 * @param fault that of {@link findChainFault}
 */
export function judgeChain(
  entry: Sent,
  certificate: Certificate,
  ca: CaEntry | undefined,
  fault: GoChainFault | undefined,
): Problem[] {
  if (ca === undefined) return [];
  if (fault === undefined) return judgeIdentifiers(entry, certificate, ca);
  if (fault.rule === 'unknown-issuer' || fault.rule === 'signature')
    return judgeUnknownIssuer(entry, certificate, ca, fault);
  if (fault.rule === 'expired' || fault.rule === 'not-yet-valid') {
    return fault.ca === undefined ? [] : judgeIssuerDates(entry, certificate, ca, { ...fault, ca: fault.ca });
  }
  const isByOtherCa = remedyOf(fault) === 'other content';
  const hint = `use a CA that may sign it: inspect the limits of the ${ca.definition.name} with \`openssl x509 -noout -text -in ${ca.path}\``;
  return [refusedByComponents(entry, fault, isByOtherCa ? { hint, fixedBy: 'operator' } : {})];
}
