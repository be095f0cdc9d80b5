/** The control-plane components that this project supports. */
export const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd', 'kubelet'] as const;

export type Component = (typeof COMPONENTS)[number];

export function isComponent(name: string): name is Component {
  return (COMPONENTS as readonly string[]).includes(name);
}

/** The last segment of a program's path in a command line. */
export function programName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}
