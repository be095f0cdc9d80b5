import type { StepId } from '@kube-rescue/workflow';
import type { NewKeyAlgorithm } from '@kube-rescue/x509';
import type { CaId } from '../inventory/catalogue.ts';

export interface RotationStepOptions {
  /** Lifetime of the new authority. Default: 3650, kubeadm's. */
  readonly caDays?: number | undefined;
  /** The new authority's key. Default: of the kind and size of the old one's. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** Whether a rotation may be begun; otherwise only one that is under way is gone on with. Default: true. */
  readonly mayBegin?: boolean | undefined;
}

/** The ids of the steps that change an authority's own files, stage by stage. */
export function stageStepIds(ca: CaId): Readonly<Record<'trust' | 'issue' | 'drop' | 'tidy', StepId>> {
  const id = (stage: string): StepId => `${stage}/${ca}-ca/files`;
  return { trust: id('trust'), issue: id('issue'), drop: id('drop'), tidy: `drop/${ca}-ca/signing-file` };
}
