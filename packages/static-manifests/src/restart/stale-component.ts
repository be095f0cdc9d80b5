import { type Clock, type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { type ComponentFlags, findKubelets, type KubeletConfiguration, type StaticPod } from '@kube-rescue/node-config';
import { findRunningPod } from '../running/running-pod.ts';
import { findNewerFiles, readBootTime, startOf } from '../running/process-age.ts';

type AgeHost = Pick<Host, 'processes' | 'list' | 'readFile' | 'readLink' | 'stat'>;

/**
 * Why a component needs a restart: it does not run, or one of its files changed after its start.
 *
 * @returns `undefined` when it runs with the current files
 */
export async function findPodStaleness(
  input: { readonly pod: StaticPod; readonly flags: Pick<ComponentFlags, 'flags'> },
  deps: { readonly host: AgeHost; readonly clock: Clock },
): Promise<string | undefined> {
  const { pod, flags } = input;
  const running = await findRunningPod(pod, { host: deps.host });
  if (running === undefined) return `${pod.component} is not running`;
  return findStaleness(pod.component, running.startTicks, [pod.manifest.path, ...filesOf(flags)], deps);
}

/** The same for the kubelet: its configuration, its kubeconfig and its client certificate. */
export async function findKubeletStaleness(
  kubelet: KubeletConfiguration,
  deps: { readonly host: AgeHost; readonly clock: Clock },
): Promise<string | undefined> {
  const [running] = await findKubelets({ host: deps.host });
  if (running === undefined) return 'the kubelet is not running';
  const current = hostPath(`${kubelet.certDirectory}/kubelet-client-current.pem`);
  const files = [kubelet.configFile, kubelet.kubeconfig, kubelet.clientCaFile, current].filter(
    (file) => file !== undefined,
  );
  return findStaleness('the kubelet', running.startTicks, files, deps);
}

/** When the main process of a pod started; `undefined` when none runs. */
export async function findPodStart(
  pod: StaticPod,
  { host, clock }: { readonly host: AgeHost; readonly clock: Clock },
): Promise<Date | undefined> {
  return startedAt(await findRunningPod(pod, { host }), { host, clock });
}

/** When this node's kubelet started; `undefined` when none runs. */
export async function findKubeletStart(deps: {
  readonly host: AgeHost;
  readonly clock: Clock;
}): Promise<Date | undefined> {
  return startedAt((await findKubelets(deps))[0], deps);
}

async function startedAt(
  running: { readonly startTicks: number } | undefined,
  { host, clock }: { readonly host: AgeHost; readonly clock: Clock },
): Promise<Date | undefined> {
  const bootedAt = await readBootTime(host, clock);
  return running && bootedAt && startOf(running, bootedAt);
}

async function findStaleness(
  name: string,
  startTicks: number,
  files: readonly HostPath[],
  { host, clock }: { readonly host: AgeHost; readonly clock: Clock },
): Promise<string | undefined> {
  const bootedAt = await readBootTime(host, clock);
  if (bootedAt === undefined) return undefined;
  const newer = await findNewerFiles({ startedAt: startOf({ startTicks }, bootedAt), files }, { host });
  return newer.length === 0 ? undefined : `${name} started before ${newer.join(', ')} changed`;
}

/** Every absolute path among the flag values; directories and missing files are harmless. */
function filesOf({ flags }: Pick<ComponentFlags, 'flags'>): readonly HostPath[] {
  return [...flags]
    .filter(
      ([flag, value]) =>
        value.startsWith('/') && !value.includes(',') && !flag.endsWith('-dir') && flag !== 'etcd-prefix',
    )
    .map(([, value]) => hostPath(value));
}
