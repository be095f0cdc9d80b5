export { CNI_ERRORS, CniError, type CniErrorCode } from './errors.ts';
export type { FlannelBackend, NetConf } from './flannel/net-conf.ts';
export { type DerivedFile, deriveFlannelFiles, type FlannelFiles, type FlannelInput } from './flannel/flannel-files.ts';
export type { KubeletFlags, NetworkDirectories } from './directories/network-directories.ts';
export { inspectNetwork, type NetworkDeps, type NetworkInput } from './network/network-inspection.ts';
export type { FileStatus, NetworkState } from './network/network-state.ts';
export {
  createNetworkStep,
  NETWORK_STEP_ID,
  type NetworkFinding,
  type NetworkStepDeps,
  type NetworkStepInput,
} from './network/network-step.ts';
export type { PluginPod } from './plugin/plugin-pod.ts';
export type { Sourced } from './sourced.ts';
