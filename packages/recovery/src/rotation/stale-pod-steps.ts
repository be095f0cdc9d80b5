import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { createPodRestartStep, listPodsHoldingOldCa, nameKeptPods } from '@kube-rescue/pod-bootstrap';
import type { Step, StepId } from '@kube-rescue/workflow';

export interface StalePodInput {
  readonly id: StepId;
  readonly requires: readonly StepId[];
  /** Restarts the pods, one at a time. Default: false, they are listed. */
  readonly restart?: boolean | undefined;
  /** The changed CA file; `undefined` while it has not changed. */
  readonly findChanged: () => Promise<HostPath | undefined>;
}

export interface StalePodDeps {
  readonly access: ObjectAccess;
  readonly host: Pick<Host, 'stat'>;
  readonly clock: Clock;
}

const MANY = 20;
/**
 * From the change of the file until kube-controller-manager has published it: it restarts, becomes leader and writes. No object
 * of the cluster records that moment.
 */
const PUBLICATION_MS = 45_000;

/**
 * Restarts the pods that started before the current CA was published and may hold the old one, one at a time; or lists them for
 * the operator.
 */
export function createStalePodStep(input: StalePodInput, deps: StalePodDeps): Step {
  return input.restart === true ? createRestarting(input, deps) : createNaming(input, deps);
}

function createRestarting(input: StalePodInput, deps: StalePodDeps): Step {
  const { id, requires } = input;
  let publishedAt: Date | undefined;
  const step = createPodRestartStep({ id, requires, publishedAt: () => publishedAt }, deps) as Step;
  return {
    ...step,
    check: async (signal) => {
      publishedAt = await findPublication(input, deps);
      return step.check(signal);
    },
    verify: async (signal) => {
      // A resumed run verifies the step without its check.
      publishedAt ??= await findPublication(input, deps);
      return step.verify(signal);
    },
  };
}

function createNaming(input: StalePodInput, deps: StalePodDeps): Step {
  const { id, requires } = input;
  const { access, clock } = deps;
  return {
    id,
    title: 'find pods that hold the old CA',
    requires,
    reversible: 'yes',
    isProof: true,
    check: () => Promise.resolve({ status: 'ok', summary: 'checked after the CA has changed', evidence: [] }),
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: async (signal) => {
      const publishedAt = await findPublication(input, deps);
      if (publishedAt === undefined) return { verified: true, evidence: ['no CA was published'] };
      const stale = await listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
      if (stale.length === 0) return { verified: true, evidence: ['no pod holds the old CA'] };
      const due = stale.filter(({ keptBecause }) => keptBecause === undefined);
      const names = due.map(({ pod }) => `${pod.namespace}/${pod.name}`);
      const list = `${names.slice(0, MANY).join(', ')}${names.length > MANY ? ` and ${names.length - MANY} more` : ''}`;
      const warning = `pods that started with the old CA, and may trust no other until they restart; --restart-pods restarts them one at a time: ${list}`;
      const warnings = [...(due.length === 0 ? [] : [warning]), ...nameKeptPods(stale)];
      return { verified: true, evidence: [`${stale.length} pods started before the CA was published`], warnings };
    },
  };
}

/** The latest time at which the CA was published; not later than now. */
async function findPublication(
  { findChanged }: StalePodInput,
  { host, clock }: StalePodDeps,
): Promise<Date | undefined> {
  const file = await findChanged();
  const changed = file === undefined ? undefined : (await host.stat(file))?.modifiedAt;
  return changed && new Date(Math.min(changed.getTime() + PUBLICATION_MS, clock.now().getTime()));
}
