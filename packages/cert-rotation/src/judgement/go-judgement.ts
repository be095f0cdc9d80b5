import { describeGoFault, type GoFault, remedyOf } from '@kube-rescue/x509';
import { PKI_ERRORS, type PkiErrorCode } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import type { Problem } from './problem.ts';

const REFUSED = 'is refused by the components';

type Part = 'certificate' | 'key';

/** The code of what Go refuses. */
export function codeOf(fault: GoFault, part: Part): PkiErrorCode {
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
 * Whether a renewal must make a new key although none was asked for: no component reads the key, or a certificate for it, or the
 * file of the key was lost. Any other key that this program cannot read either is left to the operator.
 */
export function needsNewKey({
  certificate,
  key,
  keyLoss,
}: Pick<CertificateEntry, 'certificate' | 'key' | 'keyLoss'>): boolean {
  if (keyLoss !== undefined) return true;
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

/** Why no component trusts the file of a CA. */
export function judgeCaByGo({ path, bundle }: CaEntry): readonly Problem[] {
  if (!bundle.ok || bundle.goFault === undefined) return [];
  const hint = 'restore the certificate of the CA from a backup, or replace the CA';
  return [problem(bundle.goFault, 'certificate', path, { hint, fixedBy: 'operator' })];
}
