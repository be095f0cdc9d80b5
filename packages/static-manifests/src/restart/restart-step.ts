import { isKnownWrong } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { type Step, toErrorFinding } from '@kube-rescue/workflow';
import { readStaticPod } from '@kube-rescue/node-config';
import {
  type ControlPlaneFinding,
  type ControlPlaneRestartInput,
  createControlPlaneRestartStep,
  type RestartNeed,
} from './control-plane-restart.ts';
import { RESTART_ANNOTATION } from './restart.ts';

export interface RestartStepInput
  extends Pick<ControlPlaneRestartInput, 'value' | 'timeoutMs' | 'kubeletService' | 'findKubelet'> {
  /** The static pods to restart, at least one. */
  readonly pods: readonly { readonly component: string; readonly manifest: HostPath }[];
  /** Manifests of the other static pods, which must run afterwards. Default: none. */
  readonly others?: readonly HostPath[] | undefined;
  /** Default: none. */
  readonly requires?: readonly string[] | undefined;
}

/**
 * Restarts static pods by their manifests, all at once, and proves that a healthy new pod has replaced each.
 *
 * `check` compares the annotation with the value of this restart. A rollback restores the bytes of the manifests, not the
 * old pods. The step id is `static-pod/restart/COMPONENT`, for several pods `static-pod/restart`.
 */
export function createRestartStep(
  input: RestartStepInput,
  deps: { readonly host: Host; readonly clock: Clock },
): Step<ControlPlaneFinding> {
  const { host } = deps;
  const names = input.pods.map(({ component }) => component);
  const step = createControlPlaneRestartStep(
    {
      ...input,
      id: names.length === 1 ? `static-pod/restart/${names[0]}` : 'static-pod/restart',
      title: `restart the static pod${names.length === 1 ? '' : 's'} of ${names.join(', ')}`,
      requires: input.requires ?? [],
      findNeeds: async () => {
        const needs = input.pods.map(async ({ component, manifest }): Promise<RestartNeed> => {
          const pod = await readStaticPod(manifest, { host });
          const isRequested = pod.annotations.get(RESTART_ANNOTATION) === input.value;
          return { pod, reason: isRequested ? undefined : `${component} is to be restarted` };
        });
        const others = (input.others ?? []).map(
          async (manifest): Promise<RestartNeed> => ({
            pod: await readStaticPod(manifest, { host }),
            reason: undefined,
          }),
        );
        return { pods: await Promise.all([...needs, ...others]), kubelet: undefined };
      },
    },
    deps,
  );
  return {
    ...step,
    check: async (signal) => {
      try {
        return host.kind === 'copy' ? blockedOnCopy(input) : await step.check(signal);
      } catch (error) {
        return toErrorFinding(error, signal, isKnownWrong);
      }
    },
  };
}

function blockedOnCopy({ pods }: RestartStepInput): ControlPlaneFinding {
  return {
    status: 'blocked',
    summary: 'a copy of a node runs no pods',
    evidence: [],
    changes: [],
    code: 'HOST_UNSUPPORTED',
    subject: pods.map(({ manifest }) => manifest).join(', '),
    hint: 'restart pods on the node itself, without --root',
  };
}
