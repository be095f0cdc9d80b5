export type { AwsKey, AwsRequest, HostedRecord, HostedZone, LocalAws } from '@kube-rescue/local-aws';
export { captureTree } from './golden/golden-capture.ts';
export { type CertificateProfile, profileCertificate } from './golden/certificate-profile.ts';
export {
  type AlgorithmProfile,
  CONFIGURED_PERIODS,
  type EncryptionAlgorithm,
  GOLDEN_VERSIONS,
  type GoldenDocument,
  goldenUrl,
  KEY_ALGORITHMS,
  readGolden,
  renderGolden,
} from './golden/golden-document.ts';
export { type GoldenNodeOptions, growGolden } from './golden/golden-node.ts';
export { startLocalAws } from './servers/loopback-aws.ts';
export { type ApiServerOptions, type RunningApiServer, startApiServer } from './objects/api-server.ts';
export { type FaultyProxy, startFaultyProxy } from './servers/faulty-proxy.ts';
export { buildEtcdPki, type EtcdPki, type EtcdPkiOptions } from './pki/etcd-certificates.ts';
export {
  type EtcdFile,
  type EtcdMember,
  type EtcdOptions,
  freePorts,
  type RunningEtcd,
  runSnapshotCommand,
  startEtcd,
} from './servers/etcd-server.ts';
export { startCpuTime } from './laws/cpu-time.ts';
export type { CrashPoints } from './laws/crash-points.ts';
export { expectCode } from './laws/expect-code.ts';
export { createFakeObjectStore, type FakeObjectStore } from './objects/fake-object-store.ts';
export { createObjectMachines, type ObjectMachines, objectsBeside, readObjects } from './objects/faulty-objects.ts';
export { createFakeHost, type FakeHost, type FakeHostOptions } from './host/fake-host.ts';
export { type FaultMode, type FaultOptions, type FaultyHost, SimulatedCrash, withFaults } from './host/faults.ts';
export { createFixedClock, type FixedClock } from './host/fixed-clock.ts';
export type { KeyAlgorithm } from './pki/key-pool.ts';
export { CA_NAMES, type CaName, type CertificateName, LEAF_NAMES, type LeafName } from './pki/kubeadm-certificates.ts';
export type { Mutation } from './host/mutations.ts';
export { type NodeEtcd, startNodeEtcd } from './node/node-etcd.ts';
export { hostOfEtcdMember } from './node/etcd-member-host.ts';
export { type NodeTree, plantTree, readTree, type TreeEntry, treeOf } from './node/node-tree.ts';
export { type CertificateRequest, issueCertificate } from './pki/openssl-ca.ts';
export { buildPki, type KeyPair, type Pki, type PkiOptions } from './pki/pki.ts';
export { type KmsFault, type RunningKmsPlugin, startKmsPlugin } from './servers/kms-plugin.ts';
export { requireProgram } from './servers/required-program.ts';
export { isolated, type RunningSshServer, type SshServerOptions, startSshServer } from './servers/ssh-server.ts';
export { staticPodManifests } from './node/static-pods.ts';
export { type StepCase, stepLaws } from './laws/step-laws.ts';
export { type HostUnderTest, hostContract } from './host/host-contract.ts';
export { type ObjectStoreUnderTest, objectStoreContract } from './objects/object-store-contract.ts';
