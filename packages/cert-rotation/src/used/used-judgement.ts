import { formatTime } from '@kube-rescue/errors';
import {
  type Certificate,
  describeGoFault,
  findIssuerMismatch,
  type GoFault,
  isKeyOf,
  isSelfSigned,
  namesAddress,
  nameOf,
  namesIssuer,
  readSubject,
} from '@kube-rescue/x509';
import { PKI_ERRORS, type PkiErrorCode } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { codeOf } from '../judgement/go-judgement.ts';
import { judgeDates, type JudgementOptions } from '../judgement/judgement.ts';
import { type Problem, problemOf } from '../judgement/problem.ts';
import type { UsedCertificates } from './used-credentials.ts';

/** A bundle of so many CAs is one of public CAs: some of them have always expired. */
const PUBLIC_BUNDLE = 10;

interface Context extends JudgementOptions {
  readonly cas: readonly CaEntry[];
}

/**
 * Checks the certificates of a used file: dates, the rules of Go, the key, the names, and the CA of this cluster where a
 * certificate names one as its issuer. Pure. Nothing here is signed again: the catalogue does not know what the certificate may
 * claim, so each problem names its user and its issuer instead.
 */
export function judgeUsed(used: UsedCertificates, context: Context): readonly Problem[] {
  const { certificates, file, path } = used;
  const origin = `used by ${file.user} through ${file.through}`;
  if (!certificates.ok) {
    const found = problemOf(certificates.error, path);
    return [{ ...found, hint: `${found.hint}; ${origin}` }];
  }
  const [leaf] = certificates.value;
  if (leaf === undefined) return [];
  const drafts =
    used.role === 'trust'
      ? judgeTrust(certificates.value, path, context)
      : [
          ...judgeDates(leaf, path, context),
          ...judgeIssuer(used, leaf, context),
          ...judgeUsedKey(used, leaf),
          ...judgeNames(used, leaf),
        ];
  const goProblem = certificates.goFault && refused(certificates.goFault, path);
  const form = certificates.fault === undefined ? [] : [problemOf(certificates.fault, path)];
  const hint = `${origin}; ${describeRemedy(used, leaf, context)}`;
  return [...form, ...drafts, ...(goProblem === undefined ? [] : [goProblem])].map((each) => ({
    ...each,
    hint,
    fixedBy: 'operator',
  }));
}

function problem(
  code: PkiErrorCode,
  subject: string,
  message: string,
  severity: Problem['severity'] = 'problem',
): Problem {
  return { code, kind: PKI_ERRORS[code], severity, message, subject, hint: '', fixedBy: 'operator' };
}

function refused(fault: GoFault, path: string): Problem {
  return problem(codeOf(fault, 'certificate'), path, `is refused by programs in Go: ${describeGoFault(fault)}`);
}

/** A bundle works as long as one of its CAs does. */
function judgeTrust(bundle: readonly Certificate[], path: string, { now }: Context): readonly Problem[] {
  const expired = bundle.filter(({ notAfter }) => now > notAfter);
  const last = expired.toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
  if (last === undefined || (expired.length < bundle.length && bundle.length > PUBLIC_BUNDLE)) return [];
  const message = `expired on ${formatTime(last.notAfter)}`;
  if (expired.length === bundle.length) return [problem('PKI_CA_EXPIRED', path, message)];
  return [problem('PKI_CA_EXPIRED', path, `has ${expired.length} expired of ${bundle.length} CAs`, 'warning')];
}

/** Its signer among the CAs of this cluster; `claimed` names the issuer by its name alone. */
function findOwnCa(
  certificate: Certificate,
  cas: readonly CaEntry[],
): { readonly ca: CaEntry; readonly isSigner: boolean } | undefined {
  const named = cas.flatMap((ca) =>
    (ca.bundle.ok ? ca.bundle.value : []).flatMap((each) =>
      namesIssuer(certificate, each) ? [{ ca, isSigner: findIssuerMismatch(certificate, each) === undefined }] : [],
    ),
  );
  return named.find(({ isSigner }) => isSigner) ?? named[0];
}

function judgeIssuer(used: UsedCertificates, leaf: Certificate, { cas }: Context): readonly Problem[] {
  if (isSelfSigned(leaf)) return [];
  const own = findOwnCa(leaf, cas);
  // Every cluster of kubeadm calls its CA kubernetes: a kubeconfig for another cluster trusts the other CA.
  const isOfOtherCluster = used.trusted.some((ca) => findIssuerMismatch(leaf, ca) === undefined);
  if (own === undefined || own.isSigner || isOfOtherCluster) return [];
  const { definition, path } = own.ca;
  const message = `was not signed by the ${definition.name} in ${path}, which has the name of its issuer`;
  const isCertain = used.kind === 'kubeconfig' || used.file.how === 'named';
  return [problem('PKI_CHAIN_BROKEN', used.path, message, isCertain ? 'problem' : 'warning')];
}

function judgeUsedKey({ key, path }: UsedCertificates, leaf: Certificate): readonly Problem[] {
  if (key === undefined) return [];
  if (!key.reading.ok) return [problemOf(key.reading.error, key.path)];
  const { goFault, value } = key.reading;
  if (!isKeyOf(value.key, leaf)) {
    return [problem('PKI_KEY_MISMATCH', key.path, `the key does not belong to the certificate in ${path}`)];
  }
  return goFault === undefined
    ? []
    : [problem('PKI_KEY_INVALID', key.path, `is refused by programs in Go: ${describeGoFault(goFault)}`)];
}

/** Clients that ask for a name of `--tls-sni-cert-key` get this certificate, whatever it names. */
function judgeNames({ file, path }: UsedCertificates, leaf: Certificate): readonly Problem[] {
  const lacking = (file.serverNames ?? []).filter((name) => !name.startsWith('*') && !namesAddress(leaf, name));
  if (lacking.length === 0) return [];
  return [problem('PKI_NAME_MISSING', path, `does not name ${lacking.join(', ')}, which clients ask for`)];
}

function describeRemedy(
  { kind, role, path, file }: UsedCertificates,
  certificate: Certificate,
  { cas }: Context,
): string {
  const subject = nameOf(certificate.x509.subject).replaceAll('\n', ', ');
  const issuer = nameOf(certificate.x509.issuer).replaceAll('\n', ', ');
  const names = `subject ${subject}, issuer ${issuer}`;
  if (role === 'trust') return `replace it by the CA in use now, then restart ${file.user} (${names})`;
  const own = findOwnCa(certificate, cas);
  if (own?.isSigner !== true) return `renew it where it was issued, then restart ${file.user} (${names})`;
  // The API server calls webhooks with its kubeconfigs: kubeadm's would send the calls to the API server itself.
  if (kind === 'kubeconfig' && own.ca.id === 'cluster' && file.user !== 'kube-apiserver') {
    const { commonNames, organizations } = readSubject(certificate);
    const groups = organizations.map((each) => ` --org ${each}`).join('');
    return `make a new one on a control-plane node with \`kubeadm kubeconfig user --client-name ${commonNames[0] ?? 'NAME'}${groups}\`, put it at ${path}, then restart ${file.user}`;
  }
  return `kube-rescue does not know its purpose and does not sign it; renew the certificate with the ${own.ca.definition.name} by the tool that made it, then restart ${file.user} (${names})`;
}
