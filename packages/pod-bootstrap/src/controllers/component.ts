import { type Fields, fieldsAt, type KubernetesObject, listAt, textAt, textsAt } from '@kube-rescue/cluster-objects';
import { labelsAt } from './label-selector.ts';

/** The control-plane components that run as pods and that others depend on. */
export const CONTROL_PLANE_COMPONENTS = [
  'kube-controller-manager',
  'kube-proxy',
  'cluster-dns',
  'kube-scheduler',
] as const;

export type ControlPlaneComponent = (typeof CONTROL_PLANE_COMPONENTS)[number];

/** Programs by base name. `hyperkube` runs the program that its first argument names. */
const PROGRAMS: Readonly<Record<string, ControlPlaneComponent>> = {
  'kube-controller-manager': 'kube-controller-manager',
  'kube-scheduler': 'kube-scheduler',
  'kube-proxy': 'kube-proxy',
  coredns: 'cluster-dns',
  'kube-dns': 'cluster-dns',
};

const HYPERKUBE: Readonly<Record<string, ControlPlaneComponent>> = {
  'controller-manager': 'kube-controller-manager',
  scheduler: 'kube-scheduler',
  proxy: 'kube-proxy',
};

/** The label keys that bootkube, kubeadm and newer manifests use for the component. */
const LABELS = ['k8s-app', 'component', 'app.kubernetes.io/name', 'app'];

/**
 * Identifies the control-plane component of an object: by the program of its containers, else by its labels, else
 * by its image.
 *
 * @param object a pod, or an object with a pod template
 */
export function identifyComponent(object: KubernetesObject): ControlPlaneComponent | undefined {
  const template = object.kind === 'Pod' ? object : fieldsAt(object, 'spec', 'template');
  const containers = listAt(fieldsAt(template, 'spec'), 'containers');
  const programs = containers.flatMap(wordsOf);
  const byProgram = programs.map((word, at) => programOf(word, programs[at + 1])).find((each) => each !== undefined);
  if (byProgram !== undefined) return byProgram;
  const all = [labelsAt(template, 'metadata', 'labels'), labelsAt(object, 'metadata', 'labels')];
  const texts = [
    ...all.flatMap((labels) => LABELS.flatMap((key) => labels[key] ?? [])),
    ...containers.flatMap((container) => lastPart(textAt(container, 'image') ?? '').split(/[:@]/)[0] ?? []),
  ];
  return texts.map((text) => findEntry(PROGRAMS, text)).find((each) => each !== undefined);
}

/** The component that a process runs, by its command line, also through a wrapper or a shell. */
export function componentOfProcess(argv: readonly string[]): ControlPlaneComponent | undefined {
  const words = argv.flatMap((word) => word.split(/\s+/).filter((each) => each !== ''));
  return words.map((word, at) => programOf(word, words[at + 1])).find((each) => each !== undefined);
}

/**
 * Whether a pod belongs to the API server, its etcd or the pod checkpointer, without which no pod is replaced.
 *
 * @param pod as the API server shows it
 */
export function isApiServerPart(pod: KubernetesObject): boolean {
  const words = listAt(fieldsAt(pod, 'spec'), 'containers').flatMap(wordsOf);
  const programs = words.map((word, at) => (lastPart(word) === 'hyperkube' ? (words[at + 1] ?? '') : lastPart(word)));
  const labels = labelsAt(pod, 'metadata', 'labels');
  const names = [...programs, ...LABELS.flatMap((key) => labels[key] ?? [])];
  return (
    labelsAt(pod, 'metadata', 'annotations')[CHECKPOINT] !== undefined || names.some((name) => VITAL.includes(name))
  );
}

/** The pod checkpointer keeps a copy of every pod with this annotation (bootkube `pkg/checkpoint/pod.go` isValidParent). */
export const CHECKPOINT = 'checkpointer.alpha.coreos.com/checkpoint';

const VITAL = ['kube-apiserver', 'apiserver', 'etcd', 'kube-etcd', 'checkpoint', 'pod-checkpointer'];

/** The value of a flag of a component, given as `--name=value`, `--name value`, or `--name` alone (`true`). */
export function componentFlag(containers: readonly Fields[], name: string): string | undefined {
  for (const words of containers.map(wordsOf)) {
    const at = words.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
    const word = words[at];
    if (word === undefined) continue;
    if (word.includes('=')) return word.slice(word.indexOf('=') + 1);
    const next = words[at + 1];
    return next === undefined || next.startsWith('-') ? 'true' : next;
  }
  return undefined;
}

/** The words of a container's command line; the arguments of a shell are split at blanks. */
function wordsOf(container: Fields): readonly string[] {
  return [...textsAt(container, 'command'), ...textsAt(container, 'args')].flatMap((word) =>
    word.split(/\s+/).filter((each) => each !== ''),
  );
}

function programOf(word: string, next: string | undefined): ControlPlaneComponent | undefined {
  const program = lastPart(word);
  if (word.startsWith('-')) return undefined;
  return program === 'hyperkube'
    ? (findEntry(HYPERKUBE, next ?? '') ?? findEntry(PROGRAMS, next ?? ''))
    : findEntry(PROGRAMS, program);
}

function findEntry(
  table: Readonly<Record<string, ControlPlaneComponent>>,
  key: string,
): ControlPlaneComponent | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
