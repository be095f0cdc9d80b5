import type { ObjectReference } from '../object-store.ts';
import type { ResourceKind } from './resource-kind.ts';

/** `/apis/apps/v1/namespaces/NS/deployments`, or without the namespace for all of them. */
export function collectionPath(kind: ResourceKind, namespace: string | undefined): string {
  const root = kind.group === '' ? '/api' : `/apis/${encodeURIComponent(kind.group)}`;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${encodeURIComponent(kind.version)}${within}/${encodeURIComponent(kind.resource)}`;
}

export function objectPath({ kind, namespace, name }: ObjectReference): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}
