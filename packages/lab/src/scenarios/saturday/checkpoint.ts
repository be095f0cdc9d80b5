import { type HostPath, joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { LabError } from '../../errors.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';

const CACHED_SECRETS = '/etc/kubernetes/checkpoint-secrets/kube-system';

/** The checkpoint of an application's pod on the control-plane node. */
export interface Checkpoint {
  /** For example `kube-apiserver-2rdtv`. */
  readonly pod: string;
  /** The directory of its Secrets on the node. */
  readonly secrets: string;
}

/** Finds the checkpoint of a DaemonSet's pod by the name of the DaemonSet. */
export async function findCheckpoint(
  { node }: SelfHostedCluster,
  application: string,
  deps: LabDeps,
): Promise<Checkpoint> {
  const pods = (await deps.host.list(nodeFile(node, CACHED_SECRETS))) ?? [];
  const pod = pods.find((name) => name.startsWith(`${application}-`));
  if (pod !== undefined) return { pod, secrets: `${CACHED_SECRETS}/${pod}` };
  throw new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: `no pod of ${application} has been checkpointed`,
    subject: CACHED_SECRETS,
    hint: 'read the log of the pod checkpointer',
  });
}

/** The path of a checkpoint's active manifest; the file exists while the checkpoint is active. */
export function activeManifest({ node }: SelfHostedCluster, { pod }: Checkpoint): HostPath {
  return joinPath(nodeFile(node, '/etc/kubernetes/manifests'), `kube-system-${pod}.json`);
}
