import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  RESOURCE_KINDS,
  textAt,
  textsAt,
} from '@kube-rescue/cluster-objects';
import type { ClusterReading } from './cluster-reading.ts';

/** Programs that manage DNS records or answer DNS challenges in Route 53. */
type ControllerSoftware = 'Traefik' | 'external-dns' | 'cert-manager' | 'other';

/** A workload that may use AWS. */
export interface Controller {
  readonly kind: 'Deployment' | 'DaemonSet';
  readonly namespace: string;
  readonly name: string;
  readonly software: ControllerSoftware;
}

/** A container of such a workload. */
export interface ControllerContainer {
  readonly controller: Controller;
  readonly pod: Fields;
  readonly container: Fields;
  /** Command line without the program. */
  readonly arguments: readonly string[];
}

const SOFTWARE: readonly (readonly [RegExp, ControllerSoftware])[] = [
  [/(^|\/)traefik([:@-]|$)/, 'Traefik'],
  [/external-dns/, 'external-dns'],
  [/cert-manager-controller/, 'cert-manager'],
];

/** Lists every container of every Deployment and DaemonSet. */
export async function listContainers(cluster: ClusterReading): Promise<readonly ControllerContainer[]> {
  const lists = await Promise.all(
    (['Deployment', 'DaemonSet'] as const).map((kind) => cluster.list(RESOURCE_KINDS[kind])),
  );
  return lists.flat().flatMap(containersOf);
}

function containersOf(workload: KubernetesObject): readonly ControllerContainer[] {
  const pod = fieldsAt(workload, 'spec', 'template', 'spec');
  const { name, namespace = 'default' } = workload.metadata;
  return listAt(pod, 'containers').map((container) => {
    const image = textAt(container, 'image') ?? '';
    const software = SOFTWARE.find(([pattern]) => pattern.test(image))?.[1] ?? 'other';
    const kind = workload.kind === 'DaemonSet' ? 'DaemonSet' : 'Deployment';
    const words = [...textsAt(container, 'command').slice(1), ...textsAt(container, 'args')];
    return { controller: { kind, namespace, name, software }, pod, container, arguments: words };
  });
}

/** The value of `--name=value` or `--name value`. */
export function argumentOf(container: ControllerContainer, name: string): string | undefined {
  return argumentsOf(container, name)[0];
}

/** The values of a repeated argument. */
export function argumentsOf({ arguments: words }: ControllerContainer, name: string): readonly string[] {
  return words.flatMap((word, at) => {
    if (word.startsWith(`--${name}=`)) return [word.slice(word.indexOf('=') + 1)];
    return word === `--${name}` ? (words[at + 1] ?? []) : [];
  });
}

/** `Deployment dns/external-dns`. */
export function describeController({ kind, namespace, name }: Controller): string {
  return `${kind} ${namespace}/${name}`;
}
