export {
  type ComponentFlags,
  componentFlags,
  findComponent,
  findFlag,
  type FlagReference,
  namedPaths,
} from './components/component-flags.ts';
export { type CommandLine, readCommandLine } from './components/command-line.ts';
export { findNodeService, type NodeService, type NodeServiceSearch } from './components/node-service.ts';
export { type Component, COMPONENTS, programName } from './components/component.ts';
export {
  type ConfigurationText,
  isConfiguration,
  readConfigurationTexts,
  replaceConfigurationTexts,
} from './configuration/configuration-texts.ts';
export { type EtcdService, readEtcdService } from './components/etcd-service.ts';
export { listUnitFiles, splitWords, UNIT_DIRECTORIES } from './components/systemd-unit.ts';
export { type KubeadmConfiguration, readKubeadmConfiguration } from './configuration/kubeadm-configuration.ts';
export { type NewKubeconfig, renderNewKubeconfig } from './kubeconfig/new-kubeconfig.ts';
export { decodeKubeconfig, editKubeconfig, recognizableText } from './kubeconfig/kubeconfig-bytes.ts';
export { type KubeconfigClient, readKubeconfigClient } from './kubeconfig/kubeconfig-client.ts';
export {
  type CredentialField,
  type Kubeconfig,
  type KubeconfigCredential,
  type ContextChoice,
  hostOfUrl,
  type KubeconfigUser,
  parseKubeconfig,
  readKubeconfigTrust,
  readKubeconfigUsers,
  replaceKubeconfigCredentials,
  replaceKubeconfigTrust,
} from './kubeconfig/kubeconfig.ts';
export { type KubeletConfiguration, readKubeletConfiguration } from './kubelet/kubelet-configuration.ts';
export { findKubelets } from './kubelet/kubelet-process.ts';
export { type KubeletVersion, readKubeletVersion } from './kubelet/kubelet-version.ts';
export { isJoinedWorker } from './static-pods/joined-worker.ts';
export { readStaticPod, readStaticPods, type StaticPods } from './static-pods/manifest-directory.ts';
export { type ParsedManifest, parseManifest, readManifestObject } from './static-pods/manifest-source.ts';
export {
  hostPathOf,
  type HttpGet,
  type ManifestFile,
  type StaticContainer,
  type StaticPod,
} from './static-pods/static-pod.ts';
export { lineOfYamlError, parseYamlDocuments, readWithoutAliases, type YamlOptions } from './yaml-documents.ts';
export { NODE_CONFIG_ERRORS, NodeConfigError, type NodeConfigErrorCode } from './errors.ts';
export { type FileReader, readNamedFile } from './named-file.ts';
export { healthUrl } from './static-pods/health-url.ts';

export { isNodeService, whyUntrusted } from './components/trusted-process.ts';
export { type ContainerProcess, isInPod, parsePodCgroup } from './components/pod-cgroup.ts';
export { filesOfComponents } from './used-files/component-files.ts';
export { filesOfPod } from './used-files/pod-files.ts';
export { filesOfUnits } from './used-files/unit-files.ts';
export { findPathsInText } from './used-files/text-paths.ts';
export type { UsedFile } from './used-files/used-file.ts';
