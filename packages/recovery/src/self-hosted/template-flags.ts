import {
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  RESOURCE_KINDS,
  textAt,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { type ComponentFlags, componentFlags, readStaticPod } from '@kube-rescue/node-config';

/** A control-plane component that runs as a workload, with the Secrets that hold the files of its flags. */
export interface WorkloadComponent {
  readonly workload: KubernetesObject;
  /** Files in Secrets have paths below {@link secretDirectory}. */
  readonly component: ComponentFlags;
  readonly secrets: readonly { readonly namespace: string; readonly name: string }[];
}

/** In the names of workloads of self-hosted control planes. */
const COMPONENT = /apiserver|controller-manager|scheduler|etcd/;

/** A virtual directory with the keys of a Secret as files; it is on no disk. */
export function secretDirectory(namespace: string, name: string): HostPath {
  // Any name may be in etcd: it stays one segment.
  return joinPath(hostPath('/secrets'), encodeURIComponent(namespace), `./${encodeURIComponent(name)}`);
}

/**
 * Finds the control-plane components among the workloads of a namespace, and reads the flags in their pod templates.
 * An unreadable workload is passed over, unless it has the name of a component: its Secrets would be forgotten.
 * @throws ObjectError when they cannot be listed, or a component is unreadable
 */
export async function findWorkloadComponents(
  store: Pick<ObjectStore, 'list'>,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly WorkloadComponent[]> {
  const found: WorkloadComponent[] = [];
  const onUnreadable = (failure: Error): void => {
    if (!isRecoveryError(failure) || COMPONENT.test(failure.subject ?? '')) throw failure;
  };
  for (const kind of [RESOURCE_KINDS.DaemonSet, RESOURCE_KINDS.Deployment]) {
    for await (const { object } of store.list(kind, { namespace, signal, onUnreadable })) {
      const component = await readTemplateFlags(object);
      if (component !== undefined) found.push({ workload: object, component, secrets: secretsOf(object) });
    }
  }
  return found;
}

/** `undefined` when the workload is not a known component. */
async function readTemplateFlags(workload: KubernetesObject): Promise<ComponentFlags | undefined> {
  const { name, namespace = '' } = workload.metadata;
  const path = hostPath(`/${workload.kind}/${namespace}/${name}`);
  const spec = fieldsAt(workload, 'spec', 'template', 'spec');
  const volumes = listAt(spec, 'volumes').map((volume) => {
    const secret = textAt(fieldsAt(volume, 'secret'), 'secretName');
    return secret === undefined
      ? volume
      : { name: volume['name'], hostPath: { path: secretDirectory(namespace, secret) } };
  });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { ...spec, volumes } };
  const bytes = Buffer.from(JSON.stringify(pod));
  const stat = { kind: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, modifiedAt: new Date(0) } as const;
  const file = { readFile: async () => bytes, stat: async () => stat, list: async () => undefined };
  try {
    return componentFlags(await readStaticPod(path, { host: file }));
  } catch (error) {
    // A workload whose template cannot be read as a pod is not one of the control plane.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

function secretsOf(workload: KubernetesObject): WorkloadComponent['secrets'] {
  const { namespace = '' } = workload.metadata;
  return listAt(fieldsAt(workload, 'spec', 'template', 'spec'), 'volumes').flatMap((volume) => {
    const name = textAt(fieldsAt(volume, 'secret'), 'secretName');
    return name === undefined ? [] : [{ namespace, name }];
  });
}
