import type { StaticPod } from '@kube-rescue/node-config';
import type { Verdict } from '@kube-rescue/workflow';
import { askHealth } from '../running/component-health.ts';
import { findRunningPod, isSameProcess, type RunningPod } from '../running/running-pod.ts';
import type { PodWaitDeps } from './pod-replacement.ts';

/** A static pod that is not restarted, and its process before the restart of others. */
export interface Bystander {
  readonly pod: StaticPod;
  readonly running: RunningPod;
}

const INTERVAL_MS = 250;

/** Those of these pods that run and are healthy. */
export async function readBystanders(
  pods: readonly StaticPod[],
  { host }: Pick<PodWaitDeps, 'host'>,
): Promise<readonly Bystander[]> {
  const found: Bystander[] = [];
  for (const pod of pods) {
    const running = await findRunningPod(pod, { host });
    if (running === undefined || (await askHealth({ pod }, { host })).state === 'unhealthy') continue;
    found.push({ pod, running });
  }
  return found;
}

/**
 * Waits until each runs and is healthy. Controllers end when they cannot renew their lease for 10 s (k8s.io/component-base
 * `config/v1alpha1` RenewDeadline), so an outage of the API server that lasts longer ends them too, and the kubelet restarts them
 * after a back-off.
 */
export async function waitForBystanders(
  input: {
    readonly bystanders: readonly Bystander[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly onProgress: (waitingFor: string) => void;
  },
  { host, clock }: PodWaitDeps,
): Promise<Verdict> {
  const { signal } = input;
  const start = clock.now().getTime();
  const evidence: string[] = [];
  let pending = input.bystanders;
  let announced = '';
  for (;;) {
    const late: Bystander[] = [];
    for (const each of pending) {
      const found = await findRunningPod(each.pod, { host });
      const health = found === undefined ? undefined : await askHealth({ pod: each.pod, signal }, { host });
      if (found === undefined || health?.state === 'unhealthy') late.push(each);
      else if (!isSameProcess(found, each.running)) {
        evidence.push(`${each.pod.component} ended meanwhile and runs again: process ${found.pid}`);
      }
    }
    pending = late;
    if (pending.length === 0) return { verified: true, evidence };
    const names = pending.map(({ pod }) => pod.component).join(', ');
    if (clock.now().getTime() - start >= input.timeoutMs) {
      return {
        verified: false,
        reason: `${names} ended while other pods were restarted, and does not run again`,
        hint: 'check the last lines of its log: `kube-rescue triage`',
      };
    }
    const waitingFor = `${names} to run again`;
    if (waitingFor !== announced) input.onProgress(waitingFor);
    announced = waitingFor;
    await clock.sleep(INTERVAL_MS, signal);
  }
}
