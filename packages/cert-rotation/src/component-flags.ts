import type { HostPath } from '@kube-rescue/host';

export type ComponentName = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'etcd' | 'kubelet';

/** One control-plane component, or the kubelet, as it is configured on this node. */
export interface ComponentFlags {
  readonly component: ComponentName;
  /** The manifest or unit that the flags were read from. */
  readonly source: HostPath;
  /** Without leading dashes. Paths are paths of the host: the caller has mapped a container's mounts. */
  readonly flags: ReadonlyMap<string, string>;
}

/** A flag of a component, for example the API server's `--client-ca-file`. */
export interface FlagReference {
  readonly component: ComponentName;
  readonly flag: string;
}

/** The flag's value, or `undefined` when the component is not there or the flag is not set. */
export function findFlag(components: readonly ComponentFlags[], reference: FlagReference): string | undefined {
  const value = findComponent(components, reference.component)?.flags.get(reference.flag);
  return value === '' ? undefined : value;
}

/** The component as it is configured here, or `undefined`. */
export function findComponent(components: readonly ComponentFlags[], name: ComponentName): ComponentFlags | undefined {
  return components.find(({ component }) => component === name);
}
