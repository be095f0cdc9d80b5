const SHOULD_CHECKPOINT = 'checkpointer.alpha.coreos.com/checkpoint';
export const CHECKPOINT_OF = 'checkpointer.alpha.coreos.com/checkpoint-of';
const SOURCE = 'kubernetes.io/config.source';

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string };
  readonly configMap?: { readonly name: string };
  readonly [other: string]: unknown;
}

interface Container {
  readonly securityContext?: { readonly runAsUser?: number };
  readonly [other: string]: unknown;
}

/** The fields of a pod that the checkpointer reads; other fields are kept. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly volumes?: readonly Volume[];
    readonly initContainers?: readonly Container[];
    readonly containers?: readonly Container[];
    readonly securityContext?: { readonly runAsUser?: number; readonly fsGroup?: number };
    readonly [other: string]: unknown;
  };
}

/** The name by which the checkpointer knows a pod: `namespace/name`. */
export function podId({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Whether `pod` is a checkpoint. */
export function isCheckpoint({ metadata }: Pod): boolean {
  return metadata.annotations?.[CHECKPOINT_OF] !== undefined;
}

/**
 * Whether `pod` is annotated to be checkpointed. Static pods, such as the mirror pod of a checkpoint, and checkpoints
 * themselves are not parents.
 */
export function isParent(pod: Pod): boolean {
  const annotations = pod.metadata.annotations ?? {};
  return annotations[SHOULD_CHECKPOINT] === 'true' && annotations[SOURCE] !== 'file' && !isCheckpoint(pod);
}

/** The parents among `pods`, by their ids. */
export function parentsOf(pods: readonly Pod[]): ReadonlyMap<string, Pod> {
  return new Map(pods.filter(isParent).map((pod) => [podId(pod), pod]));
}

/** The owner of a pod's files: its user and fsGroup. Default: root. */
export function fileOwner({ spec }: Pod): { readonly uid: number; readonly gid: number } {
  let uid = spec.securityContext?.runAsUser;
  for (const { securityContext } of spec.containers ?? []) {
    const own = securityContext?.runAsUser;
    if (own === undefined) continue;
    if (uid !== undefined && uid !== own) {
      throw new Error('pod and/or container(s) have conflicting SecurityContext.RunAsUser values');
    }
    uid = own;
  }
  return { uid: uid ?? 0, gid: spec.securityContext?.fsGroup ?? 0 };
}
