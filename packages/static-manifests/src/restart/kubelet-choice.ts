import type { Host } from '@kube-rescue/host';
import { hostPath } from '@kube-rescue/host';
import { findKubelets, type KubeletConfiguration, readKubeletVersion, type StaticPod } from '@kube-rescue/node-config';
import { CHECKPOINT_OF } from '../pod-checkpointer/checkpoint-directories.ts';

/** This node's kubelet, where its restart may replace static pods sooner than it does itself. */
export interface RestartableKubelet {
  readonly configuration: Pick<KubeletConfiguration, 'program'>;
  /** Name of its service. */
  readonly service: string;
  /** Why it might not start again, for example an expired client certificate; `undefined` when nothing is known against it. */
  readonly obstacle: string | undefined;
}

/** Whether to restart the kubelet for changed static pods, and why. */
export interface KubeletChoice {
  readonly restarts: boolean;
  /** For the operator: one line. */
  readonly reason: string;
}

type ChoiceHost = Pick<Host, 'kind' | 'stat' | 'exec' | 'readFile' | 'readLink' | 'processes' | 'services'>;

/**
 * The first version whose kubelet starts a changed static pod only after the end of the old one: kubernetes/kubernetes#104743,
 * in 1.23.0, and its backport #106394, in 1.22.5. In the sources since then: `pkg/kubelet/pod_workers.go` allowPodStart and
 * allowStaticPodStart; a pod that may not start yet waits for `backOffPeriod` (`kubelet.go`: 10 s, and up to half as much again).
 */
const WAITS_SINCE = { minor: 22, patch: 5 };

/**
 * Whether a restart of the kubelet replaces changed static pods sooner, and safely. A kubelet that waits for the old pod does so for
 * the 30 s of its grace period and for a back-off of 10 to 15 s, which a restart ends; an older one starts the new pod at once.
 *
 * Never with a pod that a checkpointer guards, a pod whose sockets cannot be observed, a kubelet that another program has replaced
 * on disk since its start (the restart would be an upgrade), or one whose version is unknown.
 */
export async function chooseKubeletRestart(
  { pods, kubelet }: { readonly pods: readonly StaticPod[]; readonly kubelet: RestartableKubelet },
  { host }: { readonly host: ChoiceHost },
): Promise<KubeletChoice> {
  const keep = (reason: string): KubeletChoice => ({
    restarts: false,
    reason: `the kubelet is not restarted: ${reason}`,
  });
  const guarded = pods.find(({ annotations }) => annotations.has(CHECKPOINT_OF));
  if (guarded !== undefined) return keep(`a checkpointer guards ${guarded.component}`);
  const hidden = pods.find(({ hostNetwork }) => !hostNetwork);
  if (hidden !== undefined) return keep(`${hidden.component} does not use the network of the node`);
  if (host.kind !== 'live') return keep('this is a copy of a node');
  const [running, ...others] = await findKubelets({ host });
  if (running === undefined || others.length > 0) return keep('there is not exactly one running kubelet');
  if (kubelet.obstacle !== undefined) return keep(kubelet.obstacle);
  if ((await host.services.status(kubelet.service)) !== 'running') {
    return keep(`the service ${kubelet.service} does not run here`);
  }
  // proc_pid_exe(5): the kernel marks a program whose file was removed or replaced.
  const program = await host.readLink(hostPath(`/proc/${running.pid}/exe`));
  if (program?.endsWith(' (deleted)') === true) return keep('its program on disk is not the one that runs');
  const version = await readKubeletVersion(kubelet.configuration, { host });
  if (version === undefined) return keep('its version is unknown');
  const { minor, patch, text } = version;
  const waits = minor > WAITS_SINCE.minor || (minor === WAITS_SINCE.minor && patch >= WAITS_SINCE.patch);
  if (!waits) return keep(`version ${text} starts a changed static pod beside the old one`);
  return {
    restarts: true,
    reason: `kubelet ${text} starts a changed static pod 10 to 15 s after the end of the old one, unless it is restarted`,
  };
}
