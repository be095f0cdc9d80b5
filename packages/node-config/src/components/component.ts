/** The control-plane components that this project can read. */
export const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd', 'kubelet'] as const;

export type Component = (typeof COMPONENTS)[number];

export function isComponent(name: string): name is Component {
  return (COMPONENTS as readonly string[]).includes(name);
}

/** The last segment of a program's path as a command line names it. */
export function programName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}
