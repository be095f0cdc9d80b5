export { type Node, type NodePhase, openNode } from './node.ts';
export { assertClock, checkClock, SET_CLOCK } from './clock/clock-check.ts';
export type { ClockJudgement } from './clock/clock-judgement.ts';
export type { ApiReading, NodeApi } from './api/node-api.ts';
export { describeFailures, type EtcdSearch, type NodeEtcd } from './etcd/etcd-connection.ts';
export { openMembers } from './etcd/open-members.ts';
export { toRecordedSearch } from './etcd/recorded-search.ts';
export { assertKubeadmNode, assertRecoverable, assertSingleKubeadmNode, CONTROL_PLANE, isWorker } from './layout.ts';
export { findPod, type Layout, type NodeDeps, type NodeDescription, type NodeOptions } from './node-description.ts';
export {
  findNetworkOfNode,
  findCertifiedNodeName,
  findNodeName,
  servingCertificate,
  servingSerial,
} from './node-identity.ts';
export { findScratchFacts } from './scratch-facts.ts';
export {
  chooseObjectsVia,
  ENCRYPTION_FLAGS,
  type NodeObjects,
  type ObjectPath,
  type ObjectsVia,
} from './objects/node-objects.ts';
export { type ObjectReading, type ObjectReadingInput, readObjectsOfNode } from './objects/object-reading.ts';
export type { ObjectSession } from './objects/object-session.ts';
export { NODE_ERRORS, NodeError, type NodeErrorCode } from './errors.ts';
export { readDataMembers } from './etcd/member-sources.ts';
export { inspectPeers, isOwnMember, type PeerList, type PeerMember } from './etcd/peer-members.ts';
export { assertKeepsQuorum, describePeers, describeVoters, nameSource, quorumWithout } from './etcd/quorum.ts';
export { type ControlPlaneNodes, readControlPlaneNodes } from './etcd/control-plane-nodes.ts';
export { databaseOf, findDataDirectory } from './etcd/data-directory.ts';
export { findEtcdVersion, nameRestoreCommand, readImageVersion } from './etcd/restore-tool.ts';
export { type CountedMember, type MemberAction, quorumAfter, quorumOf } from './etcd/quorum-after.ts';
export { listVoters, type MemberEvidence, type Voter, type Voters, votersOf } from './etcd/voters.ts';
export { type CopiedPrograms, copyImagePrograms, type ImagePrograms } from './programs/image-programs.ts';
