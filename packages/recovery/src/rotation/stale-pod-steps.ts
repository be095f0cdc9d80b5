import { RESOURCE_KINDS, type ObjectAccess } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import { createPodRestartStep, listPodsHoldingOldCa } from '@kube-rescue/pod-bootstrap';
import type { Step, StepId } from '@kube-rescue/workflow';

export interface StalePodInput {
  readonly id: StepId;
  readonly requires: readonly StepId[];
  /** Starts them anew, one after the other. Default: false, they are named. */
  readonly restart?: boolean | undefined;
  /** Whether there is anything to look for by now. */
  readonly isDue: () => Promise<boolean>;
}

export interface StalePodDeps {
  readonly access: ObjectAccess;
  readonly clock: Clock;
}

const MANY = 20;

/**
 * Pods that started before the CA was handed out as it is now, and may hold it as it was: started anew in a rolling way, or named
 * for whoever does it.
 */
export function createStalePodStep(input: StalePodInput, deps: StalePodDeps): Step {
  return input.restart === true ? createRestarting(input, deps) : createNaming(input, deps);
}

function createRestarting({ id, requires, isDue }: StalePodInput, deps: StalePodDeps): Step {
  let publishedAt: Date | undefined;
  const step = createPodRestartStep({ id, requires, publishedAt: () => publishedAt }, deps) as Step;
  const look = async (signal: AbortSignal): Promise<void> => {
    publishedAt = (await isDue()) ? await findPublication(deps.access, signal) : undefined;
  };
  return {
    ...step,
    check: async (signal) => {
      try {
        await look(signal);
      } catch (error) {
        if (!isRecoveryError(error)) throw error;
        const { code, message, subject, hint } = error;
        return { status: 'blocked', summary: message, evidence: [], code, subject, hint, waitsFor: requires };
      }
      return step.check(signal);
    },
    verify: async (signal) => {
      await look(signal);
      return step.verify(signal);
    },
  };
}

function createNaming({ id, requires, isDue }: StalePodInput, { access, clock }: StalePodDeps): Step {
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
      const publishedAt = (await isDue()) ? await findPublication(access, signal) : undefined;
      if (publishedAt === undefined) return { verified: true, evidence: ['nothing was handed out anew'] };
      const stale = await listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
      if (stale.length === 0) return { verified: true, evidence: ['no pod holds the CA as it was before'] };
      const names = stale.map(({ pod }) => `${pod.namespace}/${pod.name}`);
      const list = `${names.slice(0, MANY).join(', ')}${names.length > MANY ? ` and ${names.length - MANY} more` : ''}`;
      const warning = `pods that started with the CA as it was before, and may know no other until they are started anew (--restart-pods does it): ${list}`;
      return { verified: true, evidence: [`${names.length} pods started before`], warnings: [warning] };
    },
  };
}

/**
 * When the CA was last handed out: what kube-controller-manager has noted in the ConfigMap of the oldest namespace (Kubernetes 1.20
 * and later).
 */
async function findPublication(access: ObjectAccess, signal: AbortSignal): Promise<Date | undefined> {
  const store = await access.open(signal);
  const reference = { kind: RESOURCE_KINDS.ConfigMap, namespace: 'kube-system', name: 'kube-root-ca.crt' };
  const fields = (await store.get(reference, { signal }))?.object.metadata['managedFields'];
  const times = (Array.isArray(fields) ? (fields as readonly { readonly time?: unknown }[]) : []).flatMap(({ time }) =>
    typeof time === 'string' ? [Date.parse(time)] : [],
  );
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
