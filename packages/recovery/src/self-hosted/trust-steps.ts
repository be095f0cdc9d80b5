import type { Certificate } from '@kube-rescue/x509';
import { createObjectTrustStep, findStaleCas } from '@kube-rescue/cert-rotation';
import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Step, StepId } from '@kube-rescue/workflow';
import type { NodeDeps } from '@kube-rescue/node';
import type { Course } from './options.ts';

const ID = 'objects/trust/cluster-ca';

interface TrustInput {
  readonly root: Certificate;
  readonly requires: readonly StepId[];
  /** Told when the authority was handed out. */
  readonly course: Course;
}

/**
 * Steps by which everything in the cluster that trusts another authority than the API server's certificate comes from trusts
 * that one: one step for each authority that pods are handed in vain. What has expired is replaced wherever it is; what has
 * not stays trusted beside the new one.
 *
 * @param root the authority of the API server's certificate, once the recovery is through
 * @throws ObjectError as the store does
 */
export async function createTrustSteps(
  { root, requires, course }: TrustInput,
  access: ObjectAccess,
  { clock }: Pick<NodeDeps, 'clock'>,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  const stale = await findStaleCas({ store: await access.open(signal), root, signal });
  // Where nothing is stale, one step stays to say so, and to be named in --only and --skip.
  return (stale.length === 0 ? [root] : stale).map((old, index) => {
    const isExpired = clock.now() > old.notAfter;
    const replacement: readonly [Certificate, ...Certificate[]] = isExpired || old === root ? [root] : [root, old];
    const step = createObjectTrustStep(
      {
        id: index === 0 ? ID : `${ID}-${index + 1}`,
        title: "have the cluster's objects trust the authority of the API server",
        requires,
        findExchanges: async () => [{ old, replacement }],
        everywhere: isExpired,
      },
      { objects: access, clock },
    );
    const apply: Step['apply'] = async (...input) => {
      await step.apply(...input);
      course.publishedAt = clock.now();
    };
    return { ...step, apply };
  });
}
