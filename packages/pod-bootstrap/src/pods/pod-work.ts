import { type Fields, fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host } from '@kube-rescue/host';
import { componentFlag, type ControlPlaneComponent } from '../controllers/component.ts';
import { findLeaderLock, isHeldBy, readLeader } from './leader-election.ts';
import { fullName, type Pod } from './pod.ts';

/** Whether a pod does its work, by an effect and not by its own word. */
export type PodWork =
  | { readonly works: true; readonly evidence: readonly string[]; readonly reason?: undefined }
  | { readonly works: false; readonly reason: string; readonly evidence?: undefined };

export interface PodWorkDeps {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Asks the DNS pod over UDP, from this machine. */
  readonly host: Pick<Host, 'resolveDns'>;
}

export interface PodWorkOptions {
  /** The cluster's DNS domain. Default: from the flags or the Corefile of the DNS server, else `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** A lock that was not renewed since then proves nothing. Default: since the pod runs. */
  readonly since?: Date | undefined;
}

const DNS_TIMEOUT_MS = 3_000;
const DEFAULT_DOMAIN = 'cluster.local';

/**
 * Looks whether a pod does its work: kube-controller-manager and kube-scheduler hold their leader lock and have renewed it
 * since the pod runs; a DNS server answers over UDP with the address of the Service `default/kubernetes`; of anything
 * else its kubelet says that it is Ready.
 *
 * A copy that is Ready and waits for the lock of another does not work.
 */
export async function inspectPodWork(
  {
    pod,
    component,
    options = {},
  }: { readonly pod: Pod; readonly component: ControlPlaneComponent | undefined; readonly options?: PodWorkOptions },
  deps: PodWorkDeps,
  signal: AbortSignal,
): Promise<PodWork> {
  if (!pod.isReady) return { works: false, reason: `${fullName(pod)} is not Ready` };
  const lock = findLeaderLock(component, pod.specified);
  if (lock !== undefined) {
    const leader = await readLeader(lock, deps, signal);
    if (leader === undefined) return { works: false, reason: `nobody holds the lock ${lock.namespace}/${lock.name}` };
    const since = leader.renewedAt.toISOString();
    // On the network of a node every pod has the node's name, the dead one that held the lock before as well.
    const starts = [options.since, ...pod.containers.map(({ runningSince }) => runningSince)];
    const start = Math.max(...starts.map((time) => time?.getTime() ?? 0));
    if (!isHeldBy(leader, pod) || !leader.isFresh || leader.renewedAt.getTime() < start) {
      return { works: false, reason: `${leader.lock} is held by ${leader.holder}, renewed ${since}` };
    }
    return { works: true, evidence: [`${fullName(pod)} holds ${leader.lock} and renewed it at ${since}`] };
  }
  if (component === 'cluster-dns') return askDns(pod, options, deps, signal);
  return { works: true, evidence: [`${fullName(pod)} is Ready`] };
}

async function askDns(pod: Pod, options: PodWorkOptions, deps: PodWorkDeps, signal: AbortSignal): Promise<PodWork> {
  if (pod.address === undefined) return { works: false, reason: `${fullName(pod)} has no address` };
  const domain = options.clusterDomain ?? (await findClusterDomain(pod, deps.store, signal)) ?? DEFAULT_DOMAIN;
  const name = `kubernetes.default.svc.${domain}`;
  const server = { address: pod.address, port: dnsPort(pod.specified) };
  const read = await deps.store.get(
    { kind: RESOURCE_KINDS.Service, namespace: 'default', name: 'kubernetes' },
    { signal },
  );
  const wanted = textAt(fieldsAt(read?.object, 'spec'), 'clusterIP');
  try {
    const type = wanted?.includes(':') === true ? ('AAAA' as const) : ('A' as const);
    const answer = await deps.host.resolveDns({ name, type, server, timeoutMs: DNS_TIMEOUT_MS, signal });
    const values = answer.records.map(({ value }) => value);
    const said = values.length > 0 ? values.join(', ') : answer.code;
    if (wanted === undefined ? values.length > 0 : values.includes(wanted)) {
      return { works: true, evidence: [`${fullName(pod)} answers at ${answer.server}: ${name} is ${said}`] };
    }
    return { works: false, reason: `${fullName(pod)} answers ${said} for ${name}, not ${wanted ?? 'an address'}` };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { works: false, reason: `${fullName(pod)} does not answer over DNS: ${describeError(error)}` };
  }
}

/** By kube-dns's flag, or by the Corefile that the pod mounts from a ConfigMap. */
async function findClusterDomain(
  { namespace, specified, configMaps }: Pod,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const flag = componentFlag(specified, 'domain');
  if (flag !== undefined) return flag.replace(/\.$/, '');
  for (const name of configMaps) {
    const read = await store.get({ kind: RESOURCE_KINDS.ConfigMap, namespace, name }, { signal });
    for (const text of Object.values(fieldsAt(read?.object, 'data'))) {
      const domain = typeof text === 'string' ? /^\s*kubernetes\s+(?!\{)(\S+)/m.exec(text)?.[1] : undefined;
      if (domain !== undefined) return domain.replace(/\.$/, '');
    }
  }
  return undefined;
}

function dnsPort(containers: readonly Fields[]): number {
  const ports = containers.flatMap((container) => listAt(container, 'ports'));
  const udp = ports.filter((port) => port['protocol'] === 'UDP').map((port) => port['containerPort']);
  const found = udp.find((port) => port === DNS_PORT) ?? udp[0];
  return typeof found === 'number' ? found : DNS_PORT;
}

const DNS_PORT = 53;
