import type { StepId } from '@kube-rescue/workflow';
import type { NewKeyAlgorithm } from '@kube-rescue/x509';
import type { CaId } from '../inventory/catalogue.ts';

export interface RotationStepOptions {
  /** Lifetime of the new CA in days. Default: 3650, as kubeadm. */
  readonly caDays?: number | undefined;
  /** Algorithm of the new CA key. Default: algorithm and size of the old key. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** Whether a rotation may start; otherwise only one that is under way continues. Default: true. */
  readonly mayBegin?: boolean | undefined;
}

/** The IDs of the steps that change the files of a CA, by stage. */
export function stageStepIds(ca: CaId): Readonly<Record<'trust' | 'issue' | 'drop' | 'tidy', StepId>> {
  const id = (stage: string): StepId => `${stage}/${ca}-ca/files`;
  return { trust: id('trust'), issue: id('issue'), drop: id('drop'), tidy: `drop/${ca}-ca/signing-file` };
}
