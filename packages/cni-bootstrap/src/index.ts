export { CniError, type CniErrorCode } from './errors.ts';
export type { FlannelBackend, NetConf } from './flannel/net-conf.ts';
export { type DerivedFile, deriveFlannelFiles, type FlannelFiles, type FlannelInput } from './flannel/flannel-files.ts';
export type { KubeletFlags, NetworkFolders } from './folders/network-folders.ts';
export { inspectNetwork, type NetworkDeps, type NetworkInput } from './network-inspection.ts';
export type { FileSight, NetworkSight } from './network-sight.ts';
export {
  createNetworkStep,
  NETWORK_STEP_ID,
  type NetworkFinding,
  type NetworkStepDeps,
  type NetworkStepInput,
} from './network-step.ts';
export type { PluginPod } from './plugin-pod.ts';
export type { Sourced } from './sourced.ts';
