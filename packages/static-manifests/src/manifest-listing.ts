import { type Clock, type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { askHealth, type Health } from './component-health.ts';
import type { StaticPods } from './manifest-folder.ts';
import { type PodSighting, sightPod } from './pod-sighting.ts';

/** One static pod for a table. */
export interface ManifestRow {
  readonly component: string;
  readonly path: HostPath;
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** `undefined` when no process of it is to be seen. */
  readonly running: (PodSighting & { readonly since: Date | undefined }) | undefined;
  /** `undefined` when it does not run, so that nothing else that answers on its port is taken for it. */
  readonly health: Health | undefined;
}

/** Ticks of `startTicks`: the kernel shows user space 100 a second, whatever it counts itself. */
const TICKS_PER_SECOND = 100;

/** Looks at every pod of a manifest folder: what it is, whether it runs, whether it is well. Writes nothing. */
export async function listManifests(
  { pods }: Pick<StaticPods, 'pods'>,
  { host, clock }: { readonly host: Pick<Host, 'processes' | 'list' | 'readFile' | 'request'>; readonly clock: Clock },
): Promise<readonly ManifestRow[]> {
  const bootedAt = await readBootTime(host, clock);
  return Promise.all(
    pods.map(async (pod) => {
      const sighting = await sightPod(pod, { host });
      return {
        component: pod.component,
        path: pod.manifest.path,
        namespace: pod.namespace,
        name: pod.name,
        image: pod.main.image,
        running: sighting && { ...sighting, since: startOf(sighting, bootedAt) },
        health: sighting && (await askHealth({ pod }, { host })),
      };
    }),
  );
}

async function readBootTime(host: Pick<Host, 'readFile'>, clock: Clock): Promise<Date | undefined> {
  const uptime = await host.readFile(hostPath('/proc/uptime'));
  const seconds = uptime === undefined ? Number.NaN : Number.parseFloat(new TextDecoder().decode(uptime));
  return Number.isNaN(seconds) ? undefined : new Date(clock.now().getTime() - seconds * 1000);
}

function startOf({ startTicks }: PodSighting, bootedAt: Date | undefined): Date | undefined {
  return bootedAt && new Date(bootedAt.getTime() + (startTicks * 1000) / TICKS_PER_SECOND);
}
