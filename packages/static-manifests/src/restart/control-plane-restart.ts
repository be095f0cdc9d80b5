import type { Clock, Host } from '@kube-rescue/host';
import type { Change, Edit, Finding, Step, StepId, Verdict } from '@kube-rescue/workflow';
import { readStaticPod, type StaticPod } from '@kube-rescue/node-config';
import { type Bystander, readBystanders, waitForBystanders } from './bystanders.ts';
import { handOver, waitForClosedApi } from './handover.ts';
import { chooseKubeletRestart, type KubeletChoice, type RestartableKubelet } from './kubelet-choice.ts';
import type { KubeletRestart } from './kubelet-restart-kind.ts';
import { isOf, OldPod } from './old-pods.ts';
import { listListeners } from '../running/tcp-listeners.ts';
import { type FindObstacle, type PodBaseline, readPodBaseline, waitForNewPod } from './pod-replacement.ts';
import { type FlagEdit, planRestart } from './restart.ts';
import { verdictOf } from './replacement-verdict.ts';

/** A static pod, and why it needs a restart; `undefined` when it does not. */
export interface RestartNeed {
  readonly pod: StaticPod;
  readonly reason: string | undefined;
  /** New flag values. Default: none. */
  readonly flags?: readonly FlagEdit[] | undefined;
}

export interface ControlPlaneRestartInput {
  readonly id: StepId;
  /** Default: `restart the control plane with its new files`. */
  readonly title?: string | undefined;
  readonly requires: readonly StepId[];
  /** Reads the current state at each call. */
  readonly findNeeds: () => Promise<{
    readonly pods: readonly RestartNeed[];
    readonly kubelet: string | undefined;
    /** Why a pod keeps running although its files changed, a line each. Default: none. */
    readonly kept?: readonly string[] | undefined;
  }>;
  /** Name of the kubelet's service. */
  readonly kubeletService: string;
  /** The kubelet, where it may be restarted only to replace pods sooner. Default: it is not. */
  readonly findKubelet?: (() => Promise<Omit<RestartableKubelet, 'service'>>) | undefined;
  /** Distinguishes this restart from the last one. */
  readonly value: string;
  /** How long all pods together may take to become healthy. */
  readonly timeoutMs: number;
  /** Called before the first change where etcd restarts with the others; what it cannot do is no failure. Default: nothing. */
  readonly beforeEtcdRestarts?: (() => Promise<void>) | undefined;
  /** See `waitForNewPod`; asked for every pod. */
  readonly findObstacle?: FindObstacle | undefined;
}

/** The finding of a restart, with its changes. */
export interface ControlPlaneFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * Restarts every control-plane component that must reread its files, all at once: changes the manifests, then restarts the
 * kubelet, so that a stopped kubelet starts every pod once, with the new files. With a kubelet that must restart, the step ends the
 * old pods, because the kubelet would not do so without the API server. With one that need not, it restarts the kubelet where that
 * replaces the pods sooner: see `chooseKubeletRestart` and `handOver`.
 *
 * Verified when each pod was replaced by a healthy one, and the other static pods run: controllers may have ended during the
 * outage. Does not prove that they stay healthy.
 */
export function createControlPlaneRestartStep(
  input: ControlPlaneRestartInput,
  { host, clock }: { readonly host: Host; readonly clock: Clock },
): Step<ControlPlaneFinding> {
  const baselines = new Map<string, PodBaseline>();
  let waitFor: readonly StaticPod[] = [];
  let bystanders: readonly Bystander[] = [];
  let waiting = (_reason: string): void => undefined;
  return {
    id: input.id,
    title: input.title ?? 'restart the control plane with its new files',
    requires: input.requires,
    reversible: 'no',
    check: async () => {
      const { pods, kubelet, kept = [] } = await input.findNeeds();
      const needs = pods.filter(({ reason }) => reason !== undefined);
      const reasons = [...needs.map(({ reason }) => reason ?? ''), ...(kubelet === undefined ? [] : [kubelet])];
      if (reasons.length === 0) {
        return { status: 'ok', summary: 'every component runs with the current files', evidence: kept, changes: [] };
      }
      if (kubelet !== undefined && (await host.services.status(input.kubeletService)) === 'unknown') {
        return unknownService(input.kubeletService, reasons);
      }
      const manifests = needs.map(({ pod, flags }) => planRestart({ pod, value: input.value, flags }).change);
      const choice = kubelet === undefined ? await choose(needs.map(({ pod }) => pod)) : undefined;
      const restarts = kubelet !== undefined || choice?.restarts === true;
      const restart: KubeletRestart = {
        kind: 'kubelet.restart',
        target: input.kubeletService,
        manifests: needs.map(({ pod }) => pod.manifest.path),
      };
      const changes: readonly Change[] = restarts ? [...manifests, restart] : manifests;
      const restarted = [...needs.map(({ pod }) => pod.component), ...(kubelet === undefined ? [] : ['the kubelet'])];
      const summary = `restart needed: ${restarted.join(', ')}`;
      const evidence = [...reasons, ...kept, ...(choice === undefined ? [] : [choice.reason])];
      return { status: 'needed', summary, evidence, restarts: restarted, changes };
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      waiting = (reason) => journal.waitingFor(reason);
      const { pods, kubelet } = await input.findNeeds();
      waitFor = pods
        .filter(({ pod }) => changes.some(({ target }) => target === pod.manifest.path))
        .map(({ pod }) => pod);
      for (const pod of waitFor) baselines.set(pod.manifest.path, await readPodBaseline({ pod }, { host }));
      const others = pods.map(({ pod }) => pod).filter((pod) => !waitFor.includes(pod));
      bystanders = await readBystanders(others, { host });
      const edits = changes.map((change): Edit => {
        const need = pods.find(({ pod }) => pod.manifest.path === change.target);
        return need === undefined
          ? { change }
          : { change, material: planRestart({ ...need, value: input.value }).material };
      });
      const isService = ({ change }: Edit): boolean => change.kind === 'kubelet.restart';
      const services = edits.filter(isService);
      const isForced = kubelet !== undefined;
      const listeners = await listListeners({ host });
      const old: OldPod[] = [];
      for (const pod of waitFor) old.push(await OldPod.read(pod, listeners, { host }));
      const apiServer = old.find(({ pod, processes }) => isOf(pod, 'kube-apiserver') && processes.length > 0);
      const etcd = waitFor.find((pod) => isOf(pod, 'etcd'))?.manifest.path;
      if (etcd !== undefined) await input.beforeEtcdRestarts?.();
      const manifests = edits.filter((edit) => !isService(edit));
      const last = apiServer === undefined ? [] : manifests.filter(({ change }) => change.target === etcd);
      await journal.perform(manifests.filter((edit) => !last.includes(edit)));
      if (apiServer !== undefined && last.length > 0) {
        await waitForClosedApi({ apiServer, isForced }, journal, { host, clock });
        await journal.perform(last);
      }
      if (services.length === 0) return;
      await handOver({ old, services, isForced }, journal, { host, clock });
    },
    verify: async (signal) => {
      const pods = waitFor.length > 0 ? waitFor : (await input.findNeeds()).pods.map(({ pod }) => pod);
      const pending = new Map(
        pods.map(({ component }) => [component, `the kubelet to start the new ${component} pod`]),
      );
      let lastReason = '';
      const report = (): void => {
        const text = summarise(pending);
        if (text !== lastReason && text !== '') waiting(text);
        lastReason = text;
      };
      report();
      const verdicts = await Promise.all(
        pods.map(async ({ component, manifest }) => {
          const pod = await readStaticPod(manifest.path, { host });
          const baseline =
            baselines.get(manifest.path) ??
            (await readPodBaseline({ pod, olderThan: pod.manifest.modifiedAt }, { host }));
          const onProgress = (reason: string): void => {
            pending.set(component, reason);
            report();
          };
          const { timeoutMs, findObstacle } = input;
          const verdict = verdictOf(
            await waitForNewPod({ pod, baseline, timeoutMs, signal, onProgress, findObstacle }, { host, clock }),
          );
          pending.delete(component);
          report();
          return { component, verdict };
        }),
      );
      const verdict = combine(verdicts);
      if (!verdict.verified || bystanders.length === 0) return verdict;
      const { timeoutMs } = input;
      const seen = await waitForBystanders({ bystanders, timeoutMs, signal, onProgress: waiting }, { host, clock });
      return seen.verified ? { verified: true, evidence: [...verdict.evidence, ...seen.evidence] } : seen;
    },
  };

  async function choose(pods: readonly StaticPod[]): Promise<KubeletChoice | undefined> {
    const found = await input.findKubelet?.();
    if (found === undefined) return undefined;
    return chooseKubeletRestart({ pods, kubelet: { ...found, service: input.kubeletService } }, { host });
  }
}

/** What the step waits for, grouped by reason. */
function summarise(pending: ReadonlyMap<string, string>): string {
  const groups = Map.groupBy(pending, ([component, reason]) => reason.replace(component, '%'));
  return [...groups]
    .map(([reason, members]) => reason.replace('%', members.map(([name]) => name).join(', ')))
    .join('; ');
}

function combine(verdicts: readonly { readonly component: string; readonly verdict: Verdict }[]): Verdict {
  const stuck = verdicts.flatMap(({ verdict }) => (verdict.verified ? [] : [verdict]));
  const [first] = stuck;
  if (first !== undefined) {
    // One obstacle may stop them all.
    const reasons = [...new Set(stuck.map(({ reason }) => reason))];
    const isOnlyWaiting = stuck.every(({ awaits }) => awaits !== undefined);
    return {
      verified: false,
      reason: reasons.join('; '),
      hint: first.hint,
      awaits: isOnlyWaiting ? first.awaits : undefined,
    };
  }
  const evidence = verdicts.flatMap(({ component, verdict }) =>
    verdict.verified ? verdict.evidence.map((line) => `${component}: ${line}`) : [],
  );
  return { verified: true, evidence };
}

function unknownService(service: string, reasons: readonly string[]): ControlPlaneFinding {
  return {
    status: 'blocked',
    summary: `the service ${service} cannot be restarted on this machine`,
    evidence: reasons,
    changes: [],
    code: 'HOST_SERVICE_UNKNOWN',
    subject: service,
    hint: 'give a program that starts and stops the service with --service-command, or the service name with --kubelet-service',
  };
}
