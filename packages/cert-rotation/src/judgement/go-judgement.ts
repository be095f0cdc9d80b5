import {
  type Certificate,
  describeGoFault,
  findVerificationFault,
  type GoFault,
  parseGoCertificate,
  remedyOf,
} from '@kube-rescue/x509';
import { PKI_ERRORS, type PkiErrorCode } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import type { Problem } from './problem.ts';

const REFUSED = 'is refused by the components';

/** Rules that the other judgements report in their own words: dates, the issuer, the signature. */
const JUDGED_ELSEWHERE: readonly GoFault['rule'][] = [
  'expired',
  'not-yet-valid',
  'unknown-issuer',
  'signature',
  'host-name',
];

type Part = 'certificate' | 'key';

function codeOf(fault: GoFault, part: Part): PkiErrorCode {
  const remedy = remedyOf(fault);
  if (remedy === 'rewrite') return 'PKI_PEM_INVALID';
  if (part === 'key') return 'PKI_KEY_INVALID';
  return remedy === 'new key' ? 'PKI_KEY_UNSUPPORTED' : 'PKI_CERTIFICATE_INVALID';
}

function problem(fault: GoFault, part: Part, subject: string, rest: Pick<Problem, 'hint' | 'fixedBy'>): Problem {
  const code = codeOf(fault, part);
  const message = `${REFUSED}: ${describeGoFault(fault)}`;
  return { severity: 'problem', kind: PKI_ERRORS[code], code, message, subject, ...rest };
}

const OPERATOR_HINT =
  'a renewal keeps names and extensions: recreate it with `kubeadm init phase`, or correct it where it was issued';
const NEW_KEY_HINT =
  'renew it with `kube-rescue certs renew`: the renewal makes a new key, because this one is of no use';
const RENEWAL_HINT = 'renew it with `kube-rescue certs renew`';

function hintFor(fault: GoFault): Pick<Problem, 'hint' | 'fixedBy'> {
  const remedy = remedyOf(fault);
  if (remedy === 'other content') return { hint: OPERATOR_HINT, fixedBy: 'operator' };
  return { hint: remedy === 'new key' ? NEW_KEY_HINT : RENEWAL_HINT, fixedBy: 'renewal' };
}

/**
 * Whether a renewal must make a new key although none was asked for: no component reads the key, or a certificate for it. A key
 * that this program cannot read either is left to the operator.
 */
export function needsNewKey({ certificate, key }: Pick<CertificateEntry, 'certificate' | 'key'>): boolean {
  if (!certificate.ok || !key.ok) return false;
  return (
    key.goFault !== undefined || (certificate.goFault !== undefined && remedyOf(certificate.goFault) === 'new key')
  );
}

/** What the components refuse about a certificate and its key. */
export function judgeByGo({
  certificate,
  key,
  certificateLocation,
  keyLocation,
}: CertificateEntry): readonly Problem[] {
  const problems: Problem[] = [];
  if (certificate.ok && certificate.goFault !== undefined) {
    problems.push(problem(certificate.goFault, 'certificate', certificateLocation.path, hintFor(certificate.goFault)));
  }
  if (key.ok && key.goFault !== undefined) {
    problems.push(problem(key.goFault, 'key', keyLocation.path, { hint: NEW_KEY_HINT, fixedBy: 'renewal' }));
  }
  return problems;
}

/** What the rules of chains forbid: name constraints, path lengths, usages of CAs, critical extensions, signature algorithms. */
export function judgeChainByGo(
  { certificate, certificateLocation, usages }: CertificateEntry,
  ca: CaEntry | undefined,
): readonly Problem[] {
  if (!certificate.ok || ca === undefined || !ca.bundle.ok) return [];
  const fault = findChainFault(certificate.value, ca.bundle.value, usages);
  if (fault === undefined || JUDGED_ELSEWHERE.includes(fault.rule)) return [];
  const isByOtherCa = remedyOf(fault) === 'other content';
  return [
    {
      severity: 'problem',
      kind: PKI_ERRORS.PKI_CHAIN_BROKEN,
      code: 'PKI_CHAIN_BROKEN',
      message: `${REFUSED}: ${describeGoFault(fault)}`,
      subject: certificateLocation.path,
      hint: isByOtherCa
        ? `use a CA that may sign it: inspect the limits of the ${ca.definition.name} with \`openssl x509 -noout -text -in ${ca.path}\``
        : RENEWAL_HINT,
      fixedBy: isByOtherCa ? 'operator' : 'renewal',
    },
  ];
}

function findChainFault(
  certificate: Certificate,
  bundle: readonly Certificate[],
  usages: CertificateEntry['usages'],
): GoFault | undefined {
  const leaf = parseGoCertificate(certificate.der);
  const roots = bundle.map(({ der }) => parseGoCertificate(der)).filter((root) => root !== undefined);
  if (leaf === undefined) return undefined;
  // A usage that the certificate itself lacks is reported by name.
  const own = usages.filter((usage) => findVerificationFault({ leaf, roots: [leaf], usages: [usage] }) === undefined);
  return findVerificationFault({ leaf, roots, usages: own });
}

/** Why no component trusts the file of a CA. */
export function judgeCaByGo({ path, bundle }: CaEntry): readonly Problem[] {
  if (!bundle.ok || bundle.goFault === undefined) return [];
  const hint = 'restore the certificate of the CA from a backup, or replace the CA';
  return [problem(bundle.goFault, 'certificate', path, { hint, fixedBy: 'operator' })];
}
