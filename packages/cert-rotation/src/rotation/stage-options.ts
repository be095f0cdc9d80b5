import type { StepId } from '@kube-rescue/workflow';
import type { AuthorityId } from '../catalogue.ts';
import type { NewKeyAlgorithm } from '../key-algorithm.ts';

export interface RotationStepOptions {
  /** Lifetime of the new authority. Default: 3650, kubeadm's. */
  readonly authorityDays?: number | undefined;
  /** The new authority's key. Default: of the kind and size of the old one's. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** Whether a rotation may be begun; otherwise only one that is under way is gone on with. Default: true. */
  readonly mayBegin?: boolean | undefined;
}

/** The ids of the steps that change an authority's own files, stage by stage. */
export function stageStepIds(authority: AuthorityId): Readonly<Record<'trust' | 'issue' | 'drop' | 'tidy', StepId>> {
  const id = (stage: string): StepId => `${stage}/${authority}-ca/files`;
  return { trust: id('trust'), issue: id('issue'), drop: id('drop'), tidy: `drop/${authority}-ca/signing-file` };
}
