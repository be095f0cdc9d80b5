import type { Certificate } from '@kube-rescue/x509';
import { findStaleCas } from '@kube-rescue/cert-rotation/objects';
import { createObjectTrustStep } from '@kube-rescue/cert-rotation/rotation';
import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { RunState, Step, StepId } from '@kube-rescue/workflow';
import type { Course, SelfHostedDeps } from './options.ts';

const ID = 'objects/trust/cluster-ca';

interface TrustInput {
  readonly root: Certificate;
  readonly requires: readonly StepId[];
  /** Records when the CA was published. */
  readonly course: Course;
}

/**
 * Steps that update every object that trusts another CA than the API server's: one step for each outdated CA. An expired CA is
 * replaced everywhere; a valid one stays trusted beside the new one.
 *
 * @param root the CA of the API server's certificate after the recovery
 * @throws ObjectError as the store does
 */
export async function createTrustSteps(
  { root, requires, course }: TrustInput,
  access: ObjectAccess,
  { clock, runs }: Pick<SelfHostedDeps, 'clock' | 'runs'>,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  course.publishedAt ??= await findPublication(root, runs);
  const stale = await findStaleCas({ store: await access.open(signal), root, signal });
  // Without a stale CA, one step remains, for the report and for --only and --skip.
  return (stale.length === 0 ? [root] : stale).map((old, index) => {
    const isExpired = clock.now() > old.notAfter;
    const replacement: readonly [Certificate, ...Certificate[]] = isExpired || old === root ? [root] : [root, old];
    const step = createObjectTrustStep(
      {
        id: index === 0 ? ID : `${ID}-${index + 1}`,
        title: "update the CA of the API server in the cluster's objects",
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

/**
 * The latest time before which the present CA was certainly not published: no service account has a CA that does not exist yet,
 * and an earlier run of this host may have published it. A pod that started before that time holds another CA.
 */
export async function findPublication(
  root: Pick<Certificate, 'notBefore'>,
  runs: { list(): Promise<readonly Pick<RunState, 'outcome' | 'applied'>[]> },
): Promise<Date> {
  const times = (await runs.list()).flatMap(({ outcome, applied }) =>
    outcome === 'rolled-back' ? [] : [...applied].flatMap(([step, at]) => (step.startsWith(ID) ? [new Date(at)] : [])),
  );
  return new Date(Math.max(root.notBefore.getTime(), ...times.map((time) => time.getTime())));
}
