import { type Fields, fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host } from '@kube-rescue/host';
import { componentFlag, type ControlPlaneComponent } from '../controllers/component.ts';
import { findLeaderLock, isHeldBy, readLeader } from '../leases/leader-election.ts';
import { fullName, type Pod } from './pod.ts';

/** Whether a pod does its work, proven by an effect. */
export type PodWork =
  | { readonly works: true; readonly evidence: readonly string[]; readonly reason?: undefined }
  | { readonly works: false; readonly reason: string; readonly evidence?: undefined };

export interface PodWorkDeps {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Queries the DNS pod over UDP, from this machine. */
  readonly host: Pick<Host, 'resolveDns'>;
}

export interface PodWorkOptions {
  /** The cluster's DNS domain. Default: from the flags or the Corefile of the DNS server, else `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Ignores lock renewals before this time. Default: the start of the pod. */
  readonly since?: Date | undefined;
}

const DNS_TIMEOUT_MS = 3_000;
const DEFAULT_DOMAIN = 'cluster.local';

/**
 * Checks whether a pod does its work: kube-controller-manager and kube-scheduler hold their leader lock and have renewed it
 * since the pod started; a DNS server answers over UDP with the address of the Service `default/kubernetes`; any other
 * pod is Ready.
 *
 * A Ready standby replica that waits for the lock does not work.
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
    if (leader === undefined) return { works: false, reason: `the lock ${lock.namespace}/${lock.name} has no holder` };
    const since = leader.renewedAt.toISOString();
    // Host-network pods share the node's name, also with an earlier pod that held the lock.
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
    const answered = values.length > 0 ? values.join(', ') : answer.code;
    if (wanted === undefined ? values.length > 0 : values.includes(wanted)) {
      return { works: true, evidence: [`${fullName(pod)} answers at ${answer.server}: ${name} is ${answered}`] };
    }
    return { works: false, reason: `${fullName(pod)} answers ${answered} for ${name}, not ${wanted ?? 'an address'}` };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { works: false, reason: `${fullName(pod)} does not answer DNS queries: ${describeError(error)}` };
  }
}

/** The domain from the flag of kube-dns, or from the Corefile in a ConfigMap of the pod. */
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
