import { describeError, isUnavailable } from '@kube-rescue/errors';
import type { NewCredentialsDeps, NewCredentialsInput } from '@kube-rescue/ingress-dns';
import type { Phase, Step, StepId } from '@kube-rescue/workflow';
import { API_STABLE } from '../step-ids.ts';
import { createWaitingStep } from '../gates/waiting-step.ts';

/** The part of ingress DNS in a recovery. */
export interface IngressDnsPhases {
  /** Gives new keys to the controller of the records; `undefined` without new keys. */
  readonly credentials: Phase | undefined;
  /** Judges the names, or waits for them where there are new keys. */
  readonly names: Phase;
}

/**
 * The phases of a recovery with new AWS keys: judges the keys, installs them for the controller of the ingress records, and
 * waits until every name resolves and answers.
 *
 * Invalid keys are refused before the first change of the recovery when the cluster's objects are readable; later otherwise.
 * @param input.requires the steps that make the objects readable, for an earlier plan. Default: a stable API server
 */
export function createIngressDnsPhases(
  input: NewCredentialsInput & { readonly requires?: readonly StepId[] | undefined },
  deps: NewCredentialsDeps,
): IngressDnsPhases {
  let phases: Promise<readonly Phase[]> | undefined;
  const load = (): Promise<readonly Phase[]> => {
    // Loads the AWS SDK only when needed.
    phases ??= import('@kube-rescue/ingress-dns').then(
      ({ createCredentialsPlaybook }) => createCredentialsPlaybook(input, deps).phases,
    );
    return phases;
  };
  const phaseOf = (id: string, title: string): Phase => ({
    id: `ingress-${id}`,
    title,
    steps: async (signal) => {
      const phase = (await load()).find((each) => each.id === id);
      if (phase === undefined) throw new Error(`there is no phase ${id} of new credentials`);
      try {
        return await phase.steps(signal);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return [createLaterStep(id, describeError(error), input.requires ?? [API_STABLE])];
      }
    },
  });
  return { credentials: phaseOf('credentials', 'AWS credentials'), names: phaseOf('names', 'Names') };
}

/** Stands for a phase that cannot be planned yet. */
function createLaterStep(id: string, reason: string, waitsFor: readonly StepId[]): Step {
  return createWaitingStep({
    id: `dns/${id}-later`,
    title: id === 'names' ? 'verify that every name resolves and answers' : 'give the ingress DNS provider new keys',
    finding: {
      status: 'blocked',
      summary: "the cluster's objects cannot be read yet",
      evidence: [reason],
      code: 'OBJECT_STORE_UNREACHABLE',
      subject: 'the objects of the cluster',
      hint: 'checked again once the objects are readable; if that fails: `kube-rescue dns set-credentials`',
      waitsFor,
    },
  });
}
