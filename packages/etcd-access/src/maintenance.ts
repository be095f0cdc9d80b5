import type { ClusterCalls } from './cluster-calls.ts';
import { ALARM_CORRUPT, ALARM_GET, ALARM_NO_SPACE } from './etcd-constants.ts';
import type { EtcdClient } from './etcd-client.ts';
import { Cluster, Maintenance } from './generated/etcd_pb.ts';
import type { MemberCalls } from './member-calls.ts';

/** A member as the cluster knows it. */
export interface Member {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What a member says of itself. */
export interface MemberStatus {
  readonly id: string;
  readonly version: string;
  /** Id of the leader that it follows; `undefined` when it knows none. */
  readonly leader: string | undefined;
  readonly raftTerm: bigint;
  /** Last entry of the log that is committed, as far as it knows. */
  readonly raftIndex: bigint;
  /** Last entry that is in its database. 0n before etcd 3.4. */
  readonly raftAppliedIndex: bigint;
  /** Revision of its database. */
  readonly revision: bigint;
  /** Bytes of the file, free pages included. */
  readonly dbSize: number;
  /** Bytes in use. 0 before etcd 3.4. */
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  /** What it complains of, for example a missing leader or an alarm. */
  readonly errors: readonly string[];
}

export type AlarmKind = 'NOSPACE' | 'CORRUPT' | 'UNKNOWN';

export interface Alarm {
  /** Id of the member that it is about. */
  readonly member: string;
  readonly kind: AlarmKind;
}

const ALARM_KINDS: Readonly<Record<number, AlarmKind>> = { [ALARM_NO_SPACE]: 'NOSPACE', [ALARM_CORRUPT]: 'CORRUPT' };

type MaintenanceCalls = Pick<EtcdClient, 'serverIdentity' | 'members' | 'status' | 'alarms' | 'snapshot'>;

/** Questions to the cluster about itself. */
export function createMaintenance(deps: {
  readonly cluster: ClusterCalls;
  readonly members: MemberCalls;
}): MaintenanceCalls {
  const { cluster, members: calls } = deps;
  return {
    serverIdentity: async (endpoint, { signal } = {}) => (await calls.session(endpoint, signal)).server,
    members: async ({ signal } = {}) => {
      const { members } = await cluster.call({ isWrite: false, signal }, (endpoint) =>
        calls.unary(endpoint, Cluster.method.memberList, { linearizable: false }, { needsLeader: false, signal }),
      );
      return members.map(({ id, name, peerUrls, clientUrls, isLearner }) => {
        return { id: id.toString(16), name, peerUrls, clientUrls, isLearner };
      });
    },
    status: async (endpoint, { signal } = {}) => {
      const status = await calls.unary(endpoint, Maintenance.method.status, {}, { needsLeader: false, signal });
      const { version, leader, raftTerm, raftIndex, raftAppliedIndex, dbSize, dbSizeInUse, isLearner, errors } = status;
      return {
        id: (status.header?.memberId ?? 0n).toString(16),
        version,
        leader: leader === 0n ? undefined : leader.toString(16),
        ...{ raftTerm, raftIndex, raftAppliedIndex, revision: status.header?.revision ?? 0n },
        ...{ dbSize: Number(dbSize), dbSizeInUse: Number(dbSizeInUse), isLearner, errors },
      };
    },
    alarms: async ({ signal } = {}) => {
      const { alarms } = await cluster.call({ isWrite: false, signal }, (endpoint) =>
        calls.unary(endpoint, Maintenance.method.alarm, { action: ALARM_GET }, { signal }),
      );
      return alarms.map(({ memberId, alarm }) => {
        return { member: memberId.toString(16), kind: ALARM_KINDS[alarm] ?? 'UNKNOWN' };
      });
    },
    snapshot: async function* (endpoint, { signal } = {}) {
      const pieces = calls.serverStream(endpoint, Maintenance.method.snapshot, {}, { needsLeader: false, signal });
      for await (const { blob } of pieces) yield blob;
    },
  };
}
