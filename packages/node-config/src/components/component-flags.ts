import { hostPath, type HostPath } from '@kube-rescue/host';
import { type Component, isComponent } from './component.ts';
import { hostPathOf, type StaticPod } from '../static-pods/static-pod.ts';

/** The command-line flags of a component, with file paths on the host. */
export interface ComponentFlags {
  readonly component: Component;
  /** The manifest or unit that the flags were read from. */
  readonly source: HostPath;
  /** Flag name without its dashes to value. */
  readonly flags: ReadonlyMap<string, string>;
  /** Flags that name a file inside the container only; they keep the container's path. */
  readonly unmapped?: readonly string[];
}

/** `etcd-prefix=/registry` looks like a path, but is not one. */
const NOT_A_FILE = ['etcd-prefix'];
const FILE_FLAG =
  /(^|-)(file|kubeconfig|cafile|certfile|keyfile|config|dir|path|certificate|certificate-authority|client-key|cert-key)$/;

/**
 * The flags of a control-plane component; file paths are those of the host.
 *
 * @returns `undefined` when the pod is not a known component
 */
export function componentFlags(pod: StaticPod): ComponentFlags | undefined {
  const component = [pod.main.program, pod.component].find((name) => name !== undefined && isComponent(name));
  if (component === undefined || !isComponent(component)) return undefined;
  const unmapped: string[] = [];
  const flags = new Map(
    [...pod.main.flags].map(([name, value]) => {
      if (NOT_A_FILE.includes(name) || !FILE_FLAG.test(name)) return [name, value];
      const mapped = mapPaths(value, (path) => hostPathOf(pod.main, path));
      if (mapped === undefined) unmapped.push(name);
      return [name, mapped ?? value];
    }),
  );
  return { component, source: pod.manifest.path, flags, unmapped };
}

/** A value is one path, or several with commas between them and names after a colon (`tls-sni-cert-key`). */
function mapPaths(value: string, map: (path: HostPath) => HostPath | undefined): string | undefined {
  const parts = value.split(',').map((part) => {
    const [path = '', ...names] = part.split(':');
    if (!path.startsWith('/')) return undefined;
    const mapped = map(hostPath(path));
    return mapped === undefined ? undefined : [mapped, ...names].join(':');
  });
  return parts.every((part) => part !== undefined) ? parts.join(',') : undefined;
}

/** A flag of a component, for example the API server's `--client-ca-file`. */
export interface FlagReference {
  readonly component: Component;
  readonly flag: string;
}

/** The flag's value, or `undefined` when the component is missing or the flag is not set. */
export function findFlag(components: readonly ComponentFlags[], reference: FlagReference): string | undefined {
  const value = findComponent(components, reference.component)?.flags.get(reference.flag);
  return value === '' ? undefined : value;
}

/** The component as configured here, or `undefined`. */
export function findComponent(components: readonly ComponentFlags[], name: Component): ComponentFlags | undefined {
  return components.find(({ component }) => component === name);
}
