import { hostPath, type HostPath } from '@kube-rescue/host';
import { type Component, isComponent } from './component.ts';
import { findMount, hostPathOf, type StaticContainer, type StaticPod } from '../static-pods/static-pod.ts';

/** The command-line flags of a component, with file paths on the host. */
export interface ComponentFlags {
  readonly component: Component;
  /** The manifest or unit that the flags were read from. */
  readonly source: HostPath;
  /** Flag name without its dashes to value. */
  readonly flags: ReadonlyMap<string, string>;
  /** Flags that name a file inside the container only; they keep the container's path. */
  readonly unmapped?: readonly string[];
  /** Those of `unmapped` whose file no volume of the pod mounts: only the image could provide it. */
  readonly unmounted?: readonly string[];
  /** The container's mounts, for paths inside the files that its flags name. Default: none, the paths are the host's. */
  readonly mounts?: StaticContainer['mounts'];
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
  const unmounted: string[] = [];
  const flags = new Map(
    [...pod.main.flags].map(([name, value]) => {
      if (NOT_A_FILE.includes(name) || !FILE_FLAG.test(name)) return [name, value];
      const mapped = mapPaths(value, (path) => hostPathOf(pod.main, path));
      if (mapped === undefined) unmapped.push(name);
      if (namedPaths(value).some((path) => findMount(pod.main, path) === undefined)) unmounted.push(name);
      return [name, mapped ?? value];
    }),
  );
  return { component, source: pod.manifest.path, flags, unmapped, unmounted, mounts: pod.main.mounts };
}

/**
 * The absolute paths in a flag's value: one, several with commas between them, or pairs with server names after a colon
 * (`--tls-sni-cert-key=a.crt,a.key:a.example,b.example`).
 */
export function namedPaths(value: string): readonly HostPath[] {
  return value.split(/[,:]/).flatMap((word) => (word.startsWith('/') ? [hostPath(word)] : []));
}

/** @returns `undefined` when the value has no path, or one that is not on the host */
function mapPaths(value: string, map: (path: HostPath) => HostPath | undefined): string | undefined {
  const paths = namedPaths(value);
  const mapped = paths.map(map);
  if (paths.length === 0 || mapped.includes(undefined)) return undefined;
  let next = 0;
  return value
    .split(/([,:])/)
    .map((word) => (word.startsWith('/') ? mapped[next++] : word))
    .join('');
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
