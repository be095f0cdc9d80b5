import { fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, type HostFiles, joinPath, parentPath, POD_LOGS, readLogTail } from '@kube-rescue/host';
import { EVENT } from '../controllers/kinds.ts';
import { readNode } from '../pods/node-state.ts';
import type { Pod } from '../pods/pod.ts';
import type { PodObservations } from './pod-diagnosis.ts';
import { listReadable } from '../controllers/pod-context.ts';

/** Reads the end of a container's log, safe to print; empty when the log is missing or unreadable. */
export type ReadPodLog = (pod: Pod, container: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface ObservationDeps {
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly readLog: ReadPodLog;
}

const LOG_LINES = 20;

/** Reads the logs of the kubelet on this machine; other nodes' logs are not available. */
export function createNodeLogs({ host }: { readonly host: Pick<HostFiles, 'list' | 'readFile'> }): ReadPodLog {
  return async ({ namespace, name, uid }, container) => {
    const directory = joinPath(POD_LOGS, `${namespace}_${name}_${uid}`);
    // An object in etcd may have a name that the API server would reject.
    if (parentPath(directory) !== POD_LOGS || container.includes('/')) return [];
    try {
      return await readLogTail({ directory, container, lines: LOG_LINES }, { host });
    } catch (error) {
      // A log is evidence only: an unreadable one must not hide the rest.
      if (isRecoveryError(error)) return [];
      throw error;
    }
  };
}

/** Reads the node, the events and the ends of the logs of a pod. */
export async function readObservations(pod: Pod, deps: ObservationDeps, signal: AbortSignal): Promise<PodObservations> {
  const { store } = deps;
  const node = pod.node === undefined ? undefined : await readNode(pod.node, deps, signal);
  const logs = await Promise.all(pod.containers.map(({ name }) => deps.readLog(pod, name, signal)));
  return {
    pod,
    node,
    events: await readEvents(pod, store, signal),
    log: logs.flat(),
    apiService: await readApiService(store, signal),
  };
}

/** `ADDRESS:PORT` of the Service `default/kubernetes`. */
async function readApiService(store: Pick<ObjectStore, 'get'>, signal: AbortSignal): Promise<string | undefined> {
  const read = await store.get({ kind: RESOURCE_KINDS.Service, namespace: 'default', name: 'kubernetes' }, { signal });
  const spec = fieldsAt(read?.object, 'spec');
  const address = textAt(spec, 'clusterIP');
  const port = listAt(spec, 'ports')[0]?.['port'];
  if (address === undefined || typeof port !== 'number') return undefined;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

async function readEvents(
  pod: Pod,
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<PodObservations['events']> {
  const all = await listReadable(store, EVENT, { namespace: pod.namespace, signal });
  const timeOf = (event: unknown): string =>
    textAt(event, 'lastTimestamp') ??
    textAt(event, 'eventTime') ??
    textAt(fieldsAt(event, 'metadata'), 'creationTimestamp') ??
    '';
  return all
    .filter(
      (event) => textAt(fieldsAt(event, 'involvedObject'), 'uid') === pod.uid && textAt(event, 'type') === 'Warning',
    )
    .toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)))
    .map((event) => ({ reason: textAt(event, 'reason') ?? '', message: textAt(event, 'message') ?? '' }));
}
