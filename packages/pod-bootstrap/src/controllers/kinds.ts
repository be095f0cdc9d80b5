import { RESOURCE_KINDS, type ResourceKind } from '@kube-rescue/cluster-objects';

/** Controllers that create pods from a template. */
export const CONTROLLER_KINDS = ['Deployment', 'DaemonSet', 'StatefulSet'] as const;

export type ControllerKind = (typeof CONTROLLER_KINDS)[number];

function ofApi(kind: string, group: string, resource: string, hasGeneration = false): ResourceKind {
  return {
    ...{ kind, group, version: 'v1', resource, namespaced: true },
    ...{ etcdSegment: resource, storage: 'protobuf', hasGeneration },
  };
}

/** Kinds that are read through the API server only: their encoding in etcd is not decoded. */
export const EVENT: ResourceKind = ofApi('Event', '', 'events');
export const STATEFUL_SET: ResourceKind = ofApi('StatefulSet', 'apps', 'statefulsets', true);
export const PERSISTENT_VOLUME_CLAIM: ResourceKind = ofApi('PersistentVolumeClaim', '', 'persistentvolumeclaims');

export function controllerKind(kind: ControllerKind): ResourceKind {
  return kind === 'StatefulSet' ? STATEFUL_SET : RESOURCE_KINDS[kind];
}
