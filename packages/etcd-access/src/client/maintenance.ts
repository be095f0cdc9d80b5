import { type AlarmKind } from './member.ts';
import type { ClusterCalls } from '../transport/cluster-calls.ts';
import { ALARM_CORRUPT, ALARM_GET, ALARM_NO_SPACE } from './etcd-constants.ts';
import type { EtcdClient } from './etcd-client.ts';
import { Cluster, Maintenance } from '../generated/etcd_pb.ts';
import type { MemberCalls } from '../transport/member-calls.ts';
const ALARM_KINDS: Readonly<Record<number, AlarmKind>> = { [ALARM_NO_SPACE]: 'NOSPACE', [ALARM_CORRUPT]: 'CORRUPT' };

type MaintenanceCalls = Pick<
  EtcdClient,
  'serverIdentity' | 'members' | 'removeMember' | 'promoteMember' | 'moveLeader' | 'status' | 'alarms' | 'snapshot'
>;

/** Calls of etcd's Cluster and Maintenance services. */
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
    removeMember: async (endpoint, id, { signal } = {}) => {
      await calls.unary(endpoint, Cluster.method.memberRemove, { id: numberOf(id) }, { isWrite: true, signal });
    },
    promoteMember: async (endpoint, id, { signal } = {}) => {
      await calls.unary(endpoint, Cluster.method.memberPromote, { id: numberOf(id) }, { isWrite: true, signal });
    },
    moveLeader: async (endpoint, id, { signal } = {}) => {
      const request = { targetId: numberOf(id) };
      await calls.unary(endpoint, Maintenance.method.moveLeader, request, { isWrite: true, signal });
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

/** A member id as etcd counts it. */
function numberOf(id: string): bigint {
  return BigInt(`0x${id}`);
}
