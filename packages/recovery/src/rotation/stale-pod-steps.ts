import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { createPodRestartStep, listPodsHoldingOldCa, nameKeptPods } from '@kube-rescue/pod-bootstrap';
import type { Step, StepId } from '@kube-rescue/workflow';

export interface StalePodInput {
  readonly id: StepId;
  readonly requires: readonly StepId[];
  /** Starts them anew, one after the other. Default: false, they are named. */
  readonly restart?: boolean | undefined;
  /** The file of the CA that was handed out anew; `undefined` while nothing was. */
  readonly findChanged: () => Promise<HostPath | undefined>;
}

export interface StalePodDeps {
  readonly access: ObjectAccess;
  readonly host: Pick<Host, 'stat'>;
  readonly clock: Clock;
}

const MANY = 20;
/**
 * From the change of the file until kube-controller-manager has handed it out: it restarts, is elected and writes. Nothing in the
 * cluster tells the moment itself.
 */
const PUBLICATION_MS = 45_000;

/**
 * Pods that started before the CA was handed out as it is now, and may hold it as it was: started anew in a rolling way, or named
 * for whoever does it.
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
      // A resumed run comes here without a check.
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
    title: 'look for pods that hold the CA as it was before',
    requires,
    reversible: 'yes',
    isProof: true,
    check: () => Promise.resolve({ status: 'ok', summary: 'it is looked for when the CA has changed', evidence: [] }),
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: async (signal) => {
      const publishedAt = await findPublication(input, deps);
      if (publishedAt === undefined) return { verified: true, evidence: ['nothing was handed out anew'] };
      const stale = await listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
      if (stale.length === 0) return { verified: true, evidence: ['no pod holds the CA as it was before'] };
      const due = stale.filter(({ keptBecause }) => keptBecause === undefined);
      const names = due.map(({ pod }) => `${pod.namespace}/${pod.name}`);
      const list = `${names.slice(0, MANY).join(', ')}${names.length > MANY ? ` and ${names.length - MANY} more` : ''}`;
      const warning = `pods that started with the CA as it was before, and may know no other until they are started anew; the same command with --restart-pods does it, one after the other: ${list}`;
      const warnings = [...(due.length === 0 ? [] : [warning]), ...nameKeptPods(stale)];
      return { verified: true, evidence: [`${stale.length} pods started before`], warnings };
    },
  };
}

/** When the CA was handed out at the latest; not later than now. */
async function findPublication(
  { findChanged }: StalePodInput,
  { host, clock }: StalePodDeps,
): Promise<Date | undefined> {
  const file = await findChanged();
  const changed = file === undefined ? undefined : (await host.stat(file))?.modifiedAt;
  return changed && new Date(Math.min(changed.getTime() + PUBLICATION_MS, clock.now().getTime()));
}
