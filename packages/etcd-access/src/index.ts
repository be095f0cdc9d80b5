export { type EtcdClient, type EtcdDeps, type EtcdOptions, type MemberQuestion, openEtcd } from './etcd-client.ts';
export { EtcdError, type EtcdErrorCode, isRetryable } from './errors.ts';
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
} from './kv.ts';
export type { Alarm, AlarmKind, Member, MemberStatus } from './maintenance.ts';
export type { ServerIdentity } from './server-trust.ts';
export type { EtcdTls } from './tls-options.ts';
export {
  createEtcdObjectStore,
  DEFAULT_ETCD_PREFIX,
  type EncryptionConfiguration,
  type EncryptionKey,
  type EncryptionProvider,
  type EtcdObjectStoreOptions,
  objectKey,
  parseEncryptionConfiguration,
} from './objects/index.ts';
export {
  type ClusterHealth,
  type HealthRequest,
  inspectEtcdCluster,
  type MemberHealth,
} from './cluster-health.ts';
export type { ComponentSource, EtcdSources, PairPaths } from './etcd-sources.ts';
export type { EtcdctlLine } from './etcdctl-line.ts';
export { type EtcdProbe, type ProbeDeps, type ProbeRequest, probeEtcd, readWayIn, type WayIn } from './probe.ts';
export { serializableView } from './serializable-view.ts';
export {
  bytesForSnapshot,
  type SavedSnapshot,
  type SnapshotDeps,
  type SnapshotProgress,
  type SnapshotRequest,
  type SnapshotSeal,
  saveSnapshot,
} from './snapshot.ts';
export type { ProbeAttempt } from './way-in.ts';
