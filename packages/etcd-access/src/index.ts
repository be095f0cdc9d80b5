export { openEtcd } from './client/open-etcd.ts';
export {
  type EtcdClient,
  type EtcdDeps,
  type EtcdOptions,
  type MemberRequestOptions,
} from './client/etcd-client.ts';
export { ETCD_ERRORS, EtcdError, type EtcdErrorCode } from './errors.ts';
export {
  type DeleteRequest,
  type EtcdKv,
  type KeyValue,
  type ListBatch,
  prefixEnd,
  type RangeRequest,
  type RangeResult,
  type ReadOptions,
  type SwapRequest,
  type SwapResult,
} from './client/kv.ts';
export type { Alarm, AlarmKind, Member, MemberStatus } from './client/member.ts';
export type { ServerIdentity } from './transport/server-trust.ts';
export type { EtcdTls } from './transport/tls-options.ts';
export {
  createEtcdObjectStore,
  DEFAULT_ETCD_PREFIX,
  type EncryptionConfiguration,
  type EncryptionKey,
  type EncryptionProvider,
  type EtcdObjectStoreOptions,
  type KmsProvider,
  objectKey,
  parseEncryptionConfiguration,
} from './objects/index.ts';
export { connectKmsPlugins, type KmsPlugins, type KmsPluginsDeps, type KmsRequest } from './kms/kms-plugins.ts';
export {
  type ClusterHealth,
  type HealthRequest,
  inspectEtcdCluster,
  type MemberHealth,
} from './client/cluster-health.ts';
export type { ComponentSource, EtcdSources, PairPaths } from './probe/etcd-sources.ts';
export type { EtcdctlLine } from './probe/etcdctl-line.ts';
export {
  type EtcdProbe,
  type ProbeDeps,
  type ProbeRequest,
  probeEtcd,
  readConnection,
  type EtcdConnection,
} from './probe/probe.ts';
export { serializableView } from './client/serializable-view.ts';
export {
  bytesForSnapshot,
  type SavedSnapshot,
  type SnapshotDeps,
  type SnapshotProgress,
  type SnapshotRequest,
  type SnapshotSeal,
  saveSnapshot,
} from './client/snapshot.ts';
export { readDatabaseMembers } from './database/database-members.ts';
export type { ProbeAttempt } from './probe/connection.ts';
