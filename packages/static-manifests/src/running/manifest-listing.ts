import type { Clock, Host, HostPath } from '@kube-rescue/host';
import type { StaticPods } from '@kube-rescue/node-config';
import { askHealth, type Health } from './component-health.ts';
import { type RunningPod, findRunningPod } from './running-pod.ts';
import { readBootTime, startOf } from './process-age.ts';

/** One static pod for a table. */
export interface ManifestRow {
  readonly component: string;
  readonly path: HostPath;
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** `undefined` when no process is running. */
  readonly running: (RunningPod & { readonly since: Date | undefined }) | undefined;
  /** `undefined` when it does not run: another process may answer on its port. */
  readonly health: Health | undefined;
}

/** Lists every pod of a manifest directory with its process and its health. Writes nothing. */
export async function listManifests(
  { pods }: Pick<StaticPods, 'pods'>,
  { host, clock }: { readonly host: Pick<Host, 'processes' | 'list' | 'readFile' | 'request'>; readonly clock: Clock },
): Promise<readonly ManifestRow[]> {
  const bootedAt = await readBootTime(host, clock);
  return Promise.all(
    pods.map(async (pod) => {
      const running = await findRunningPod(pod, { host });
      return {
        component: pod.component,
        path: pod.manifest.path,
        namespace: pod.namespace,
        name: pod.name,
        image: pod.main.image,
        running: running && { ...running, since: bootedAt && startOf(running, bootedAt) },
        health: running && (await askHealth({ pod }, { host })),
      };
    }),
  );
}
