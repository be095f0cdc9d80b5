import { isRecoveryError } from '@kube-rescue/errors';
import type { EtcdError, EtcdErrorCode } from '../errors.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Alarm, AlarmKind, Member, MemberStatus } from './member.ts';

/** Health of one member. */
export interface MemberHealth extends Member {
  /** Endpoint that responded, or was tried last. */
  readonly endpoint: string | undefined;
  /** `undefined` when the member did not respond. */
  readonly status: MemberStatus | undefined;
  /** Why it did not respond. */
  readonly problem: { readonly code: EtcdErrorCode; readonly message: string } | undefined;
  readonly isLeader: boolean;
  /** Raft log entries not yet applied, compared with the newest member; `undefined` when the member did not respond. */
  readonly lag: bigint | undefined;
  /** The member responds, but lags by more than a healthy follower. */
  readonly isBehind: boolean;
  /** Added to the cluster, but never started since: it has told neither its name nor its client URLs. */
  readonly isUnstarted: boolean;
}

export interface ClusterHealth {
  readonly members: readonly MemberHealth[];
  /** Id of the leader that a majority follows. */
  readonly leader: string | undefined;
  /** Proven by a linearizable read. */
  readonly hasQuorum: boolean;
  /**
   * Consistency of these results: `serializable` results come from single members and may be stale; base no write on
   * them.
   */
  readonly consistency: 'linearizable' | 'serializable';
  /** Members needed for a majority. */
  readonly quorum: number;
  readonly raftTerm: bigint;
  /** Bytes; the largest database of the responding members. */
  readonly dbSize: number;
  readonly alarms: readonly Alarm[];
  /** Quorum, every member responds, none is behind, no alarm. A learner that never started does not count: it has no vote. */
  readonly isHealthy: boolean;
}

export interface HealthRequest {
  readonly client: EtcdClient;
  /** For each member. Default: 3000. */
  readonly memberTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MEMBER_TIMEOUT_MS = 3000;
/** A follower is some entries behind at any moment of a busy cluster. */
const TOLERATED_LAG = 1000n;
const PROBE_KEY = new TextEncoder().encode('health');

/**
 * Inspects a cluster and each of its members, even when most of them are down.
 *
 * Queries the advertised client URLs and the endpoints of the client. Changes nothing. A responding member may be
 * unreachable for its peers, so quorum is tested with a linearizable read.
 *
 * @throws EtcdError when no member returns the member list
 */
export async function inspectEtcdCluster({ client, memberTimeoutMs, signal }: HealthRequest): Promise<ClusterHealth> {
  const timeoutMs = memberTimeoutMs ?? MEMBER_TIMEOUT_MS;
  const bounded = (): AbortSignal => {
    const timeout = AbortSignal.timeout(timeoutMs);
    return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  };
  const members = await client.members({ signal });
  const [answers, hasQuorum] = await Promise.all([askAll(client, members, bounded), hasMajority(client, bounded())]);
  signal?.throwIfAborted();
  const alarms = hasQuorum ? await client.alarms({ signal: bounded() }).catch(() => undefined) : undefined;
  return judgeCluster({ members, answers, hasQuorum, alarms });
}

/** Status or failure of one endpoint. */
interface MemberAnswer {
  readonly endpoint: string;
  /** The member that advertises the endpoint, if any. */
  readonly memberId: string | undefined;
  readonly status?: MemberStatus | undefined;
  readonly problem?: { readonly code: EtcdErrorCode; readonly message: string } | undefined;
}

interface ClusterObservation {
  readonly members: readonly Member[];
  readonly answers: readonly MemberAnswer[];
  readonly hasQuorum: boolean;
  /** As reported by the cluster; `undefined` when the request failed. */
  readonly alarms: readonly Alarm[] | undefined;
}

/** Derives the health of the cluster from the responses. Pure. */
export function judgeCluster({ members, answers, hasQuorum, alarms }: ClusterObservation): ClusterHealth {
  const statuses = answers.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const newest = statuses.reduce((most, { raftIndex }) => (raftIndex > most ? raftIndex : most), 0n);
  const voters = members.filter(({ isLearner }) => !isLearner).length;
  const leader = hasQuorum ? mostFollowed(statuses) : undefined;
  const health = members.map((member): MemberHealth => {
    const answer =
      answers.find(({ status }) => status?.id === member.id) ??
      answers.find(({ memberId, status }) => status === undefined && memberId === member.id);
    const { status, problem, endpoint } = answer ?? {};
    const lag = status === undefined ? undefined : newest - (appliedOf(status) ?? newest);
    const isBehind = lag !== undefined && lag > TOLERATED_LAG;
    const isUnstarted = status === undefined && member.name === '' && member.clientUrls.length === 0;
    return { ...member, endpoint, status, problem, isLeader: member.id === leader, lag, isBehind, isUnstarted };
  });
  const raised = alarms ?? uniqueAlarms(statuses.flatMap(({ errors }) => errors.flatMap(readAlarm)));
  return {
    members: health,
    leader,
    hasQuorum,
    consistency: hasQuorum ? 'linearizable' : 'serializable',
    quorum: Math.floor(voters / 2) + 1,
    raftTerm: statuses.reduce((most, { raftTerm }) => (raftTerm > most ? raftTerm : most), 0n),
    dbSize: Math.max(0, ...statuses.map(({ dbSize }) => dbSize)),
    alarms: raised,
    isHealthy:
      hasQuorum &&
      raised.length === 0 &&
      health.every(({ status, isBehind, isLearner, isUnstarted }) =>
        isUnstarted ? isLearner : status !== undefined && !isBehind,
      ),
  };
}

async function askAll(
  client: EtcdClient,
  members: readonly Member[],
  bounded: () => AbortSignal,
): Promise<readonly MemberAnswer[]> {
  const advertised = members.flatMap(({ id, clientUrls }) =>
    clientUrls.map((url) => ({ endpoint: url, memberId: id })),
  );
  const others = client.endpoints
    .filter((endpoint) => !advertised.some((each) => each.endpoint === endpoint))
    .map((endpoint) => ({ endpoint, memberId: undefined }));
  return Promise.all(
    [...advertised, ...others].map(async (target): Promise<MemberAnswer> => {
      const limit = bounded();
      try {
        return { ...target, status: await client.status(target.endpoint, { signal: limit }) };
      } catch (error) {
        return { ...target, problem: problemOf(error, limit) };
      }
    }),
  );
}

function problemOf(error: unknown, limit: AbortSignal): { readonly code: EtcdErrorCode; readonly message: string } {
  if (isRecoveryError(error)) return { code: (error as EtcdError).code, message: error.message };
  if (!limit.aborted) throw error;
  return { code: 'ETCD_TIMEOUT', message: 'timeout' };
}

async function hasMajority(client: EtcdClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.range({ start: PROBE_KEY, countOnly: true, signal });
    return true;
  } catch (error) {
    if (isRecoveryError(error) || signal.aborted) return false;
    throw error;
  }
}

/** etcd before 3.4 reports 0. */
function appliedOf({ raftAppliedIndex }: MemberStatus): bigint | undefined {
  return raftAppliedIndex === 0n ? undefined : raftAppliedIndex;
}

function mostFollowed(statuses: readonly MemberStatus[]): string | undefined {
  const inNewestTerm = statuses
    .toSorted((a, b) => (a.raftTerm < b.raftTerm ? 1 : -1))
    .find(({ leader }) => leader !== undefined);
  return inNewestTerm?.leader;
}

/** `memberID:10501334649042878790 alarm:NOSPACE `, in the errors of a status since etcd 3.4. */
function readAlarm(error: string): readonly Alarm[] {
  const [, id, kind] = /memberID:(\d+) alarm:(\w+)/.exec(error) ?? [];
  if (id === undefined || kind === undefined) return [];
  const known: readonly AlarmKind[] = ['NOSPACE', 'CORRUPT'];
  return [{ member: BigInt(id).toString(16), kind: known.find((each) => each === kind) ?? 'UNKNOWN' }];
}

function uniqueAlarms(alarms: readonly Alarm[]): readonly Alarm[] {
  return alarms.filter(
    ({ member, kind }, index) => alarms.findIndex((each) => each.member === member && each.kind === kind) === index,
  );
}
