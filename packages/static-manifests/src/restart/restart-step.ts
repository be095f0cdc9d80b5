import { isKnownWrong } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { type FileReplace, type Finding, type Step, toErrorFinding, type Verdict } from '@kube-rescue/workflow';
import { readStaticPod } from '@kube-rescue/node-config';
import {
  type PodBaseline,
  type PodWaitDeps,
  readPodBaseline,
  type Replacement,
  waitForNewPod,
} from './pod-replacement.ts';
import { planRestart, RESTART_ANNOTATION } from './restart.ts';

export interface RestartStepInput {
  /** Part of the step id: `static-pod/restart/COMPONENT`. */
  readonly component: string;
  readonly manifest: HostPath;
  /** Distinguishes this restart from the last one: a time or a run's name. The same for a resumed run. */
  readonly value: string;
  /** How long the new pod may take to be healthy. */
  readonly timeoutMs: number;
  /** Default: none. */
  readonly requires?: readonly string[] | undefined;
}

export type RestartHost = PodWaitDeps['host'] & Pick<Host, 'stat' | 'kind'>;

/** The finding of a restart, with its change. */
export interface RestartFinding extends Finding {
  readonly change?: FileReplace | undefined;
}

/**
 * Restarts one static pod by its manifest and proves that a healthy new pod has replaced it.
 *
 * `check` compares the annotation with the value of this restart. A rollback restores the bytes of the manifest, not the
 * old pod.
 */
export function createRestartStep(
  input: RestartStepInput,
  { host, clock }: { readonly host: RestartHost; readonly clock: PodWaitDeps['clock'] },
): Step<RestartFinding> {
  let baseline: PodBaseline | undefined;
  return {
    id: `static-pod/restart/${input.component}`,
    title: `restart the static pod of ${input.component}`,
    requires: input.requires ?? [],
    reversible: 'no',
    check: (signal) => check(input, host, signal),
    plan: ({ change }) => (change === undefined ? [] : [change]),
    apply: async (changes, journal) => {
      if (changes.length === 0) return;
      const pod = await readStaticPod(input.manifest, { host });
      const { material } = planRestart({ pod, value: input.value });
      baseline = await readPodBaseline({ pod }, { host });
      await journal.perform(changes.map((change) => ({ change, material })));
      journal.waitingFor(`the new ${input.component} pod to be healthy`);
    },
    verify: async (signal) => {
      const pod = await readStaticPod(input.manifest, { host });
      // A resumed run has no baseline: the log of the old pod began before the change of the manifest.
      const old = baseline ?? (await readPodBaseline({ pod, olderThan: pod.manifest.modifiedAt }, { host }));
      return verdictOf(
        await waitForNewPod({ pod, baseline: old, timeoutMs: input.timeoutMs, signal }, { host, clock }),
      );
    },
  };
}

/** The verdict for the outcome of a wait. */
export function verdictOf(replacement: Replacement): Verdict {
  if (replacement.state === 'replaced') return { verified: true, evidence: replacement.evidence };
  const { reason, evidence, hint, elapsedMs } = replacement;
  return {
    verified: false,
    reason: `after ${Math.round(elapsedMs / 1000)} s ${[reason, ...evidence].join('; ')}`,
    hint,
  };
}

async function check(input: RestartStepInput, host: RestartHost, signal: AbortSignal): Promise<RestartFinding> {
  if (host.kind === 'copy') {
    return {
      status: 'blocked',
      summary: 'a copy of a node runs no pods',
      evidence: [],
      code: 'HOST_UNSUPPORTED',
      subject: input.manifest,
      hint: 'restart pods on the node itself, without --root',
    };
  }
  try {
    const pod = await readStaticPod(input.manifest, { host });
    const evidence = [`${input.manifest} is ${pod.namespace}/${pod.name}, ${pod.main.image}`];
    if (pod.annotations.get(RESTART_ANNOTATION) === input.value) {
      return { status: 'ok', summary: 'the manifest already requests this restart', evidence };
    }
    const { change } = planRestart({ pod, value: input.value });
    return { status: 'needed', summary: `${input.component} needs a restart`, evidence, change };
  } catch (error) {
    return toErrorFinding(error, signal, isKnownWrong);
  }
}
