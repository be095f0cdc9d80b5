import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  meetsLabelExpression,
  textAt,
  textsAt,
} from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** One container of a pod template, init containers among them. */
export interface TemplateContainer {
  readonly name: string;
  readonly image: string;
  /** Command and arguments in one. */
  readonly words: readonly string[];
  /** Variables with a literal value. */
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly { readonly path: string; readonly volume: string; readonly subPath: string | undefined }[];
}

/** The pod template of a DaemonSet, as far as a network plugin needs it. */
export interface PodTemplate {
  readonly containers: readonly TemplateContainer[];
  /** Volumes by name. */
  readonly volumes: ReadonlyMap<string, Fields>;
}

/** Reads the pod template of a DaemonSet; invalid fields are ignored. */
export function readPodTemplate(daemonSet: KubernetesObject): PodTemplate {
  const spec = fieldsAt(daemonSet, 'spec', 'template', 'spec');
  const containers = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')];
  const volumes = listAt(spec, 'volumes').map((volume) => [textAt(volume, 'name') ?? '', volume] as const);
  return { containers: containers.map(readContainer), volumes: new Map(volumes) };
}

/** The path on the host of a path in a container; `undefined` when it is in the container only, or leads out of its volume. */
export function hostPathIn(template: PodTemplate, container: TemplateContainer, path: string): HostPath | undefined {
  const mount = mountOf(container, path);
  const source = mount && textAt(fieldsAt(template.volumes.get(mount.volume), 'hostPath'), 'path');
  if (mount === undefined || source === undefined || !source.startsWith('/')) return undefined;
  const rest = path.slice(mount.path.length).replace(/^\/+/, '');
  const volume = hostPath(source);
  const onHost = joinPath(volume, `./${mount.subPath ?? ''}`, `./${rest}`);
  return onHost === volume || onHost.startsWith(volume === '/' ? '/' : `${volume}/`) ? onHost : undefined;
}

/** The ConfigMap and key of a file in a container. */
export function configMapIn(
  template: PodTemplate,
  container: TemplateContainer,
  path: string,
): { readonly name: string; readonly key: string } | undefined {
  const mount = mountOf(container, path);
  const volume = mount && template.volumes.get(mount.volume);
  const name = textAt(fieldsAt(volume, 'configMap'), 'name');
  if (mount === undefined || name === undefined) return undefined;
  const file = mount.subPath ?? path.slice(mount.path.length).replace(/^\/+/, '');
  const item = listAt(fieldsAt(volume, 'configMap'), 'items').find((each) => textAt(each, 'path') === file);
  return { name, key: textAt(item, 'key') ?? file };
}

function mountOf(container: TemplateContainer, path: string): TemplateContainer['mounts'][number] | undefined {
  const isBelow = (directory: string): boolean =>
    path === directory || path.startsWith(`${directory.replace(/\/$/, '')}/`);
  return container.mounts
    .filter((mount) => isBelow(mount.path))
    .toSorted((a, b) => b.path.length - a.path.length)
    .at(0);
}

function readContainer(container: Fields): TemplateContainer {
  const variables = listAt(container, 'env').flatMap((variable) => {
    const [name, value] = [textAt(variable, 'name'), textAt(variable, 'value')];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const mounts = listAt(container, 'volumeMounts').flatMap((mount) => {
    const path = textAt(mount, 'mountPath');
    const volume = textAt(mount, 'name');
    if (path === undefined || volume === undefined) return [];
    const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path;
    return [{ path: trimmed, volume, subPath: textAt(mount, 'subPath') }];
  });
  return {
    name: textAt(container, 'name') ?? '',
    image: textAt(container, 'image') ?? '',
    words: [...textsAt(container, 'command'), ...textsAt(container, 'args')],
    environment: new Map(variables),
    mounts,
  };
}

/** Whether a DaemonSet runs on a node, by its node selector and required node affinity. */
export function isScheduledOn(daemonSet: KubernetesObject, node: KubernetesObject): boolean {
  const spec = fieldsAt(daemonSet, 'spec', 'template', 'spec');
  const labels = node.metadata.labels ?? {};
  const selector = fieldsAt(spec, 'nodeSelector');
  if (!Object.entries(selector).every(([name, value]) => labels[name] === value)) return false;
  const required = fieldsAt(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const terms = listAt(required, 'nodeSelectorTerms');
  const expressions = (term: Fields): readonly Fields[] => listAt(term, 'matchExpressions');
  return (
    terms.length === 0 ||
    terms.some((term) => expressions(term).every((each) => meetsLabelExpression(each, labels) ?? true))
  );
}
