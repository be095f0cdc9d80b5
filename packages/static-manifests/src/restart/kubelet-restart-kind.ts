import { isKnownWrong } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { readStaticPod, type StaticPod } from '@kube-rescue/node-config';
import type { Change, ChangeKind, StepJournal } from '@kube-rescue/workflow';
import { readBootTime, ticksAt } from '../running/process-age.ts';
import { listListeners } from '../running/tcp-listeners.ts';
import { handOver, waitForClosedApi } from './handover.ts';
import { isOf, OldPod, type OldPodHost } from './old-pods.ts';
import { createPodEndKind, type PodEnd } from './pod-end-kind.ts';

/** Restarts the kubelet after manifests of static pods have changed. */
export interface KubeletRestart extends Change {
  readonly kind: 'kubelet.restart';
  /** Name of the service. */
  readonly target: string;
  /** The manifests that changed. */
  readonly manifests: readonly HostPath[];
}

type RestartDeps = {
  readonly host: OldPodHost & Pick<Host, 'stat' | 'services' | 'exec'>;
  readonly clock: Clock;
};

/** The change kinds of {@link createControlPlaneRestartStep}: `kubelet.restart` and `static-pod.end`. */
export function createRestartKinds(deps: RestartDeps): readonly ChangeKind[] {
  return [createKubeletRestartKind(deps), createPodEndKind(deps)] as readonly ChangeKind[];
}

/**
 * `kubelet.restart`: undone after all files are restored. A kubelet that was stopped is stopped again. Any other is restarted, after the
 * pods that are older than their restored manifests were asked to end.
 *
 * A kubelet alone would not end them: one that has not reached the API server since its start deletes no pod (Kubernetes
 * `pkg/kubelet/kubelet.go` deletePod), starts no static pod beside another one of the same name (`pod_workers.go` allowStaticPodStart),
 * and after a restart it leaves the pods of earlier manifests on their ports (`kubelet_pods.go` HandlePodCleanups). With an API server
 * that starts but cannot be used, the cluster would stay down.
 */
function createKubeletRestartKind(deps: RestartDeps): ChangeKind<KubeletRestart> {
  const { services } = deps.host;
  return {
    kind: 'kubelet.restart',
    undoOrder: 'last',
    describe: ({ target }) => `restart the service ${target}`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async ({ target }) => ({ was: await services.status(target) }),
    apply: async ({ target }) => services.act('restart', target),
    undo: async (change, captured) => {
      const { was } = captured as { readonly was: string };
      await (was === 'stopped' ? services.act('stop', change.target) : restartForRestored(change, deps));
      return { state: 'undone' };
    },
  };
}

/** The kubelet stops first: while it keeps the pods of earlier manifests, it would start their processes again. */
async function restartForRestored({ target, manifests }: KubeletRestart, deps: RestartDeps): Promise<void> {
  const { host } = deps;
  await host.services.act('stop', target);
  let isStarted = false;
  const start = async (): Promise<void> => {
    if (!isStarted) await host.services.act('start', target);
    isStarted = true;
  };
  try {
    await endOldPods(manifests, start, deps);
  } finally {
    await start();
  }
}

async function endOldPods(
  manifests: readonly HostPath[],
  startKubelet: () => Promise<void>,
  deps: RestartDeps,
): Promise<void> {
  const { host, clock } = deps;
  const bootedAt = await readBootTime(host, clock);
  if (bootedAt === undefined) return;
  const listeners = await listListeners({ host });
  const old: OldPod[] = [];
  for (const path of manifests) {
    const pod = await readPod(path, host);
    if (pod === undefined) continue;
    old.push(await OldPod.read(pod, listeners, { host }, ticksAt(pod.manifest.modifiedAt, bootedAt)));
  }
  const podEnd = createPodEndKind(deps);
  const journal: StepJournal = {
    perform: async (edits) => {
      for (const { change } of edits) {
        await (change.kind === podEnd.kind ? podEnd.apply(change as PodEnd, undefined) : startKubelet());
      }
    },
    waitingFor: () => undefined,
  };
  const apiServer = old.find(({ pod, processes }) => isOf(pod, 'kube-apiserver') && processes.length > 0);
  if (apiServer !== undefined && old.some(({ mayBeKilled }) => !mayBeKilled)) {
    await waitForClosedApi({ apiServer, isForced: true }, journal, deps);
  }
  const services = [{ change: { kind: 'service.restart', target: 'kubelet' } }];
  await handOver({ old, services, isForced: true }, journal, deps);
}

/** `undefined` for a manifest that another program has removed or broken since: no pod is judged by it. */
async function readPod(path: HostPath, host: RestartDeps['host']): Promise<StaticPod | undefined> {
  try {
    return await readStaticPod(path, { host });
  } catch (error) {
    if (!isKnownWrong(error)) throw error;
    return undefined;
  }
}
