export {
  type AwsKey,
  type AwsRequest,
  type HostedRecord,
  type HostedZone,
  type LocalAws,
  startLocalAws,
} from './aws/index.ts';
export { type ApiServerOptions, type RunningApiServer, startApiServer } from './api-server.ts';
export { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';
export { buildEtcdPki, type EtcdPki, type EtcdPkiOptions } from './etcd-certificates.ts';
export { type EtcdMember, type EtcdOptions, type RunningEtcd, startEtcd } from './etcd-server.ts';
export { expectCode } from './expect-code.ts';
export { createFakeObjectStore, type FakeObjectStore } from './fake-object-store.ts';
export { createFakeHost, type FakeHost, type FakeHostOptions } from './fake-host.ts';
export { type FaultMode, type FaultOptions, type FaultyHost, SimulatedCrash, withFaults } from './faults.ts';
export { createFixedClock, type FixedClock } from './fixed-clock.ts';
export type { KeyAlgorithm } from './key-pool.ts';
export { CA_NAMES, type CaName, type CertificateName, LEAF_NAMES, type LeafName } from './kubeadm-certificates.ts';
export type { Mutation } from './mutations.ts';
export { type NodeEtcd, startNodeEtcd } from './node-etcd.ts';
export { type NodeTree, plantTree, readTree, type TreeEntry, treeOf } from './node-tree.ts';
export { type CertificateRequest, issueCertificate } from './openssl-ca.ts';
export { buildPki, type KeyPair, type Pki, type PkiOptions } from './pki.ts';
export { requireProgram } from './required-program.ts';
export { staticPodManifests } from './static-pods.ts';
export { type StepCase, stepLaws } from './step-laws.ts';
export { type HostUnderTest, hostContract } from './host-contract.ts';
export { type ObjectStoreUnderTest, objectStoreContract } from './object-store-contract.ts';
