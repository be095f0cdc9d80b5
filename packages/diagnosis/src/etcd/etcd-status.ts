import type { ClusterHealth, EtcdProbe, MemberHealth, ProbeAttempt } from '@kube-rescue/etcd-access';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Finding } from '../cause.ts';
import { findWaiting } from './majority.ts';
import {
  describeFailures,
  type EtcdSearch,
  findEtcdVersion,
  inspectPeers,
  type Node,
  type PeerList,
  readDataMembers,
} from '@kube-rescue/node';

/** One combination of endpoint and credentials that was tried or ruled out. */
export interface EtcdAttemptRow {
  readonly endpoint: string | null;
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly serverName: string | null;
  readonly outcome: ProbeAttempt['outcome'];
  readonly code: string | null;
  readonly message: string;
}

/** One member of etcd, as plain data. */
export interface EtcdMemberRow {
  readonly id: string;
  readonly name: string;
  readonly endpoint: string | null;
  readonly answers: boolean;
  /** Why it does not answer. */
  readonly problem: string | null;
  readonly isLeader: boolean;
  readonly isLearner: boolean;
  /** It answers, but lags by more than a healthy member. */
  readonly isBehind: boolean;
  /** Added to the cluster, but never started since. */
  readonly isUnstarted: boolean;
  /** Where the other members look for it. */
  readonly peerUrls: readonly string[];
  /** Where its clients reach it. */
  readonly clientUrls: readonly string[];
  /** Raft log entries not yet applied. */
  readonly lag: number | null;
  readonly version: string | null;
  readonly raftTerm: number | null;
  readonly raftIndex: number | null;
  readonly raftAppliedIndex: number | null;
  readonly revision: number | null;
  /** Bytes. */
  readonly dbSize: number | null;
  readonly dbSizeInUse: number | null;
}

/** An etcd cluster, as plain data. */
export interface EtcdClusterRow {
  readonly healthy: boolean;
  readonly hasQuorum: boolean;
  /** Members that must answer for a majority. */
  readonly quorum: number;
  /** `serializable`: reads from single members, possibly stale. */
  readonly consistency: ClusterHealth['consistency'];
  readonly leader: string | null;
  readonly raftTerm: number;
  /** Bytes. */
  readonly dbSize: number;
  readonly alarms: readonly { readonly member: string; readonly kind: string }[];
  readonly members: readonly EtcdMemberRow[];
}

/** The status of etcd as this node reaches it. */
export interface EtcdReport {
  /** The working connection; `null` when no combination works. */
  readonly connection: {
    readonly endpoint: string;
    readonly hasQuorum: boolean;
    readonly isServerExpired: boolean;
    /** A shell line; append the subcommand. */
    readonly etcdctl: string;
    /** Preconditions of that line. */
    readonly notes: readonly string[];
  } | null;
  readonly attempts: readonly EtcdAttemptRow[];
  /** Why the status is unknown; `null` when it is known. */
  readonly problem: string | null;
  readonly cluster: EtcdClusterRow | null;
  /**
   * Several members as this node's member lists them, each with what it shows on its peer port, from the client port of `connection`,
   * without one from the peer port, and with both silent from the database on the disk (`url` is its path); `null` for a single
   * member, and when none of them tells.
   */
  readonly peers: PeerList | null;
  /** etcd waits for a majority of `peers`. */
  readonly waiting: Finding | null;
}

/** Probes the node's etcd. Changes nothing. @throws NodeError `NODE_NOT_FOUND` `NODE_NOT_LIVE` */
export async function probeEtcd(node: Node, search: EtcdSearch, signal: AbortSignal): Promise<EtcdReport> {
  const probe = await node.probeEtcd(search, signal);
  return reportOf(probe, probe.working === undefined ? await observePeers(node, signal) : {});
}

/** Probes the node's etcd and inspects every member. Changes nothing. @throws as {@link probeEtcd} */
export async function inspectEtcd(node: Node, search: EtcdSearch, signal: AbortSignal): Promise<EtcdReport> {
  const probe = await node.probeEtcd(search, signal);
  if (probe.working === undefined) return reportOf(probe, await observePeers(node, signal));
  const { inspectEtcdCluster } = await import('@kube-rescue/etcd-access');
  try {
    const { client } = await node.connectEtcd(probe, signal, search.timeoutMs);
    try {
      const health = await inspectEtcdCluster({ client, memberTimeoutMs: search.timeoutMs, signal });
      const isAlone = health.members.filter(({ isLearner }) => !isLearner).length <= 1;
      const url = probe.working.endpoint;
      const peers = isAlone
        ? undefined
        : { url, members: await inspectPeers(health.members, await node.describe(), node, signal) };
      return reportOf(probe, { health, peers });
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return reportOf(probe, { problem: error.message });
  }
}

interface Observed {
  readonly health?: ClusterHealth;
  readonly problem?: string;
  readonly peers?: PeerList | undefined;
  /** The peer port lists `peers`: the member runs. */
  readonly isRunning?: boolean | undefined;
  /** By the image; for hints. */
  readonly version?: string | undefined;
}

async function observePeers(node: Node, signal: AbortSignal): Promise<Observed> {
  const peers = await node.etcdPeers(signal);
  if (peers !== undefined) return { peers, isRunning: true, version: findEtcdVersion(await node.describe()) };
  const data = await readDataMembers(node);
  if (data === undefined || data.members.length <= 1) return {};
  return {
    peers: { url: data.location, members: await inspectPeers(data.members, await node.describe(), node, signal) },
  };
}

function reportOf(probe: EtcdProbe, { health, problem, peers, isRunning, version }: Observed): EtcdReport {
  const { working } = probe;
  const waiting =
    peers === undefined || isRunning !== true || working !== undefined ? undefined : findWaiting(peers, version);
  return {
    connection:
      working === undefined
        ? null
        : {
            endpoint: working.endpoint,
            hasQuorum: working.hasQuorum,
            isServerExpired: working.isServerExpired,
            etcdctl: working.etcdctl.line,
            notes: working.etcdctl.notes,
          },
    attempts: probe.attempts.map(attemptRow),
    problem: working === undefined ? describeFailures(probe) : (problem ?? null),
    cluster: health === undefined ? null : clusterRow(health),
    peers: peers ?? null,
    waiting: waiting ?? null,
  };
}

function attemptRow({ endpoint, ca, client, serverName, outcome, code, message }: ProbeAttempt): EtcdAttemptRow {
  return {
    endpoint: endpoint ?? null,
    ca: ca ?? null,
    certificate: client?.certificate ?? null,
    serverName: serverName ?? null,
    outcome,
    code: code ?? null,
    message,
  };
}

function clusterRow(health: ClusterHealth): EtcdClusterRow {
  const { isHealthy, hasQuorum, quorum, consistency, leader, raftTerm, dbSize, alarms, members } = health;
  return {
    healthy: isHealthy,
    ...{ hasQuorum, quorum, consistency, leader: leader ?? null, raftTerm: Number(raftTerm), dbSize, alarms },
    members: members.map(memberRow),
  };
}

function memberRow({
  id,
  name,
  endpoint,
  status,
  problem,
  isLeader,
  isLearner,
  isBehind,
  isUnstarted,
  peerUrls,
  clientUrls,
  lag,
}: MemberHealth): EtcdMemberRow {
  const numberOf = (value: bigint | undefined): number | null => (value === undefined ? null : Number(value));
  return {
    ...{ id, name, endpoint: endpoint ?? null, answers: status !== undefined, problem: problem?.message ?? null },
    ...{
      isLeader,
      isLearner,
      isBehind,
      isUnstarted,
      peerUrls,
      clientUrls,
      lag: numberOf(lag),
      version: status?.version ?? null,
    },
    raftTerm: numberOf(status?.raftTerm),
    raftIndex: numberOf(status?.raftIndex),
    raftAppliedIndex: numberOf(status?.raftAppliedIndex),
    revision: numberOf(status?.revision),
    dbSize: status?.dbSize ?? null,
    dbSizeInUse: status?.dbSizeInUse ?? null,
  };
}
