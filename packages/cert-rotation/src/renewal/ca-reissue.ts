import { isSelfSigned } from '@kube-rescue/x509';
import type { CaEntry, Issuer } from '../inventory/ca-inventory.ts';
import { isFixedByReissue, isObstacle, judgeCa } from '../judgement/ca-judgement.ts';

/** kubeadm's lifetime of a CA (`app/constants/constants.go` CACertificateValidityPeriod). */
export const DEFAULT_CA_DAYS = 3650;

/**
 * The issuer of a CA that has expired and can be reissued on this node: its key is here, it is self-signed and has no other
 * problem.
 */
export function findReissuable(ca: CaEntry, now: Date): Issuer | undefined {
  if (!ca.issuer.ok || !isSelfSigned(ca.issuer.value.certificate)) return undefined;
  const others = judgeCa(ca, now).filter((problem) => isObstacle(problem) && !isFixedByReissue(problem));
  return others.length === 0 ? ca.issuer.value : undefined;
}
