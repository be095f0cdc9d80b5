import { fieldsAt, type KubernetesObject, listAt, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { plainName } from '../aws/record-set.ts';
import type { WantedName } from '../conditions/record-condition.ts';
import { type ClusterReading, INGRESS_ROUTES } from './cluster-reading.ts';

/** Annotations of external-dns, which other controllers understand as well. */
const HOSTNAME = 'external-dns.alpha.kubernetes.io/hostname';
const TARGET = 'external-dns.alpha.kubernetes.io/target';

/** The host names of Ingresses, Services and IngressRoutes, each once, with their targets. */
export async function findWantedNames(cluster: ClusterReading): Promise<readonly WantedName[]> {
  const [ingresses, services, ...routes] = await Promise.all([
    cluster.list(RESOURCE_KINDS.Ingress),
    cluster.list(RESOURCE_KINDS.Service),
    ...INGRESS_ROUTES.map((kind) => cluster.list(kind)),
  ]);
  const wanted = [
    ...ingresses.flatMap((object) => namesOf(object, [...ruleHosts(object), ...annotated(object, HOSTNAME)])),
    ...services.flatMap((object) => namesOf(object, annotated(object, HOSTNAME))),
    ...routes.flat().flatMap((object) => namesOf(object, [...matchedHosts(object), ...annotated(object, HOSTNAME)])),
  ];
  const byName = Map.groupBy(wanted, ({ name }) => name);
  return [...byName.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [{ ...first, targets: [...new Set([first, ...others].flatMap(({ targets }) => targets))] }],
  );
}

function namesOf(object: KubernetesObject, hosts: readonly string[]): readonly WantedName[] {
  const { name, namespace = 'default' } = object.metadata;
  const given = annotated(object, TARGET);
  const balancers = listAt(fieldsAt(object, 'status', 'loadBalancer'), 'ingress');
  const assigned = balancers.flatMap((each) => textAt(each, 'ip') ?? textAt(each, 'hostname') ?? []);
  const targets = (given.length > 0 ? given : assigned).map(plainName);
  return [...new Set(hosts.map(plainName))]
    .filter((host) => host.includes('.'))
    .map((host) => ({ name: host, targets, origin: `${object.kind} ${namespace}/${name}` }));
}

function ruleHosts(ingress: KubernetesObject): readonly string[] {
  return listAt(fieldsAt(ingress, 'spec'), 'rules').flatMap((rule) => textAt(rule, 'host') ?? []);
}

/** The literal names in rules such as ``Host(`a.test`) && PathPrefix(`/x`)``. */
function matchedHosts(route: KubernetesObject): readonly string[] {
  return listAt(fieldsAt(route, 'spec'), 'routes').flatMap((each) => {
    const calls = (textAt(each, 'match') ?? '').matchAll(/(?<!!)\bHost\(([^)]*)\)/g);
    return [...calls].flatMap(([, names = '']) =>
      [...names.matchAll(/[`"]([^`"]+)[`"]/g)].map(([, host = '']) => host),
    );
  });
}

function annotated({ metadata }: KubernetesObject, annotation: string): readonly string[] {
  const text = metadata.annotations?.[annotation] ?? '';
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
