export { listApi, readApi } from './api/api-reading.ts';
export {
  connectByProbe,
  describeFailures,
  type EtcdSearch,
  type NodeEtcd,
  openNodeEtcd,
  probeNodeEtcd,
} from './etcd/etcd-connection.ts';
export { toRecordedSearch } from './etcd/recorded-search.ts';
export { assertRecoverable, assertSingleKubeadmNode, CONTROL_PLANE } from './layout.ts';
export {
  describeNode,
  findPod,
  type Layout,
  type NodeDeps,
  type NodeDescription,
  type NodeOptions,
} from './node-description.ts';
export { findNodeName } from './node-name.ts';
export { findNetworkOfNode } from './node-network.ts';
export { chooseObjectsVia, type NodeObjects, type ObjectsVia, openNodeObjects } from './objects/node-objects.ts';
export { type ObjectReading, type ObjectReadingInput, readObjectsOfNode } from './objects/object-reading.ts';
export { createObjectSession, type ObjectSession } from './objects/object-session.ts';
export { servingSerial } from './serving-serial.ts';
export { NODE_ERRORS, NodeError, type NodeErrorCode } from './errors.ts';
