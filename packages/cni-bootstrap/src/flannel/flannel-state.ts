import {
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  RESOURCE_KINDS,
  textAt,
  textsAt,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { CniError } from '../errors.ts';
import type { NetworkDirectories } from '../directories/network-directories.ts';
import { isSameConfiguration, parseNetworkConfiguration } from '../network/network-configuration.ts';
import type { FileStatus } from '../network/network-state.ts';
import { findLinkTowards, type NodeLinks, readNodeLinks } from '../network/node-links.ts';
import type { PluginPod } from '../plugin/plugin-pod.ts';
import { findMissingPrograms, findProgram, readConfigurations } from '../network/present-configurations.ts';
import type { Sourced } from '../sourced.ts';
import { findEarlierSubnet } from './earlier-subnet.ts';
import { chooseExternalLink } from './external-link.ts';
import { type FlannelDaemon, readFlannelDaemon } from './flannel-daemon.ts';
import { type DerivedFile, deriveFlannelFiles, type FlannelFiles, type FlannelInput } from './flannel-files.ts';
import { judgeSubnetEnv } from './subnet-env.ts';

/** The input for the state of flannel's files. */
export interface FlannelStateInput {
  readonly daemonSet: KubernetesObject;
  readonly node: KubernetesObject;
  readonly pod: PluginPod | undefined;
  readonly directories: NetworkDirectories;
  /** Overrides the pod CIDRs of the Node. */
  readonly podCidrs: readonly string[] | undefined;
}

export interface FlannelState {
  readonly files: readonly FileStatus[];
  readonly evidence: readonly string[];
  readonly program: HostPath | undefined;
}

interface FlannelDeps {
  readonly host: Pick<Host, 'readFile' | 'stat' | 'list' | 'exec'>;
  readonly store: Pick<ObjectStore, 'get'>;
}

/** Types that may come before flannel: an older configuration of flannel, or Multus, which delegates to the next. */
const FLANNEL_OR_AFTER: readonly string[] = ['flannel', 'multus', 'multus-shim'];

const ANNOTATION = 'flannel.alpha.coreos.com/public-ip';

/**
 * Derives the files of flannel for a node and compares them with the files on disk.
 * @throws CniError when the files cannot be derived or would not be used
 */
export async function inspectFlannel(
  input: FlannelStateInput,
  deps: FlannelDeps,
  signal: AbortSignal,
): Promise<FlannelState> {
  const daemon = readFlannelDaemon(input.daemonSet);
  if (!daemon.flags.kubeSubnetManager) throw etcdMode(daemon);
  const links = await readNodeLinks(deps.host, signal);
  const derived = await derive(await gather(daemon, input, links, deps, signal), links, deps);
  const files = await Promise.all(derived.files.map((file) => judgeFile(file, input, deps)));
  const evidence = [...derived.evidence, ...(await assertUsable(derived.files[1], daemon, input.directories, deps))];
  const first = parseNetworkConfiguration(derived.files[1].text);
  const type = 'problem' in first ? undefined : first.types[0];
  const program = type === undefined ? undefined : await findProgram(type, input.directories, deps.host);
  return { files, evidence, program };
}

/** Adds the earlier pod CIDR to the error of a node without one. */
async function derive(input: FlannelInput, links: NodeLinks | undefined, { host }: FlannelDeps): Promise<FlannelFiles> {
  try {
    return deriveFlannelFiles(input);
  } catch (error) {
    if (!isRecoveryError(error, 'CNI_POD_CIDR_MISSING')) throw error;
    const earlier = await findEarlierSubnet(input.subnetFile.value, links, host);
    if (earlier === undefined) throw error;
    const { message, subject, hint = '' } = error;
    throw new CniError({
      code: 'CNI_POD_CIDR_MISSING',
      message: `${message}; the earlier pod CIDR was ${earlier.value} (${earlier.source})`,
      subject,
      hint: `${hint}; or use the earlier one (--pod-cidr ${earlier.value}) if the Node should keep it`,
      cause: error,
    });
  }
}

async function gather(
  daemon: FlannelDaemon,
  { node, directories, podCidrs }: FlannelStateInput,
  links: NodeLinks | undefined,
  { host, store }: FlannelDeps,
  signal: AbortSignal,
): Promise<FlannelInput> {
  const data = await readConfigMap(daemon, store, signal);
  const { interfaceReaches } = daemon.flags;
  const towards =
    interfaceReaches === undefined || links === undefined
      ? undefined
      : await findLinkTowards(interfaceReaches, host, signal);
  const addresses = listAt(fieldsAt(node, 'status'), 'addresses').filter(
    (each) => textAt(each, 'type') === 'InternalIP',
  );
  const linkMtu = chooseExternalLink({
    flags: daemon.flags,
    towards,
    links,
    publicIp: node.metadata.annotations?.[ANNOTATION],
    internalIps: addresses.flatMap((each) => textAt(each, 'address') ?? []),
  });
  const cniConf = data(daemon.cniConfKey);
  return {
    nodeName: node.metadata.name,
    podCidrs: podCidrs === undefined ? podCidrsOf(node) : { value: podCidrs, source: '--pod-cidr' },
    netConf: data(daemon.netConfKey),
    cniConf,
    ipMasq: daemon.flags.ipMasq,
    linkMtu,
    subnetFile: daemon.subnetFile,
    configurationFile: locateConfiguration(daemon, directories, cniConf.value),
  };
}

/** The file name comes from the DaemonSet, the directory from the container runtime, which reads no other. */
function locateConfiguration(daemon: FlannelDaemon, directories: NetworkDirectories, text: string): Sourced<HostPath> {
  const { configurationFile } = daemon;
  const { value: directory, source } = directories.configuration;
  if (configurationFile !== undefined) {
    const { value, source: naming } = configurationFile;
    return { value: joinPath(directory, baseName(value)), source: `directory: ${source}; name: ${naming}` };
  }
  const parsed = parseNetworkConfiguration(text);
  const name = 'problem' in parsed || parsed.isList ? '10-flannel.conflist' : '10-flannel.conf';
  return {
    value: joinPath(directory, name),
    source: `directory: ${source}; name: default, ${daemon.subject} sets none`,
  };
}

function podCidrsOf(node: KubernetesObject): Sourced<readonly string[]> {
  const several = textsAt(fieldsAt(node, 'spec'), 'podCIDRs');
  if (several.length > 0) return { value: several, source: `spec.podCIDRs of Node ${node.metadata.name}` };
  const single = textAt(fieldsAt(node, 'spec'), 'podCIDR');
  const source = `spec.podCIDR of Node ${node.metadata.name}`;
  return { value: single === undefined || single === '' ? [] : [single], source };
}

async function readConfigMap(
  { configMap, subject }: FlannelDaemon,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<(key: string) => Sourced<string>> {
  const { name, namespace } = configMap;
  const found = await store.get({ kind: RESOURCE_KINDS.ConfigMap, name, namespace }, { signal });
  const configMapName = `ConfigMap ${namespace}/${name}`;
  const missing = (message: string): CniError =>
    new CniError({
      code: 'CNI_CONFIG_MAP_MISSING',
      message: `${message}; ${subject} reads its configuration from it`,
      subject: configMapName,
      hint: 'recreate it from the manifest of flannel, with the --cluster-cidr of kube-controller-manager as Network',
    });
  if (found === undefined) throw missing('the ConfigMap does not exist');
  return (key) => {
    const value = textAt(fieldsAt(found.object, 'data'), key);
    if (value === undefined) throw missing(`the ConfigMap has no key ${key}`);
    return { value, source: `${key} of ${configMapName}` };
  };
}

async function judgeFile(
  { purpose, path, text }: DerivedFile,
  { pod, directories }: FlannelStateInput,
  { host }: FlannelDeps,
): Promise<FileStatus> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) return { purpose, path, text, state: 'missing', problems: [] };
  const present = new TextDecoder().decode(bytes);
  const problems = purpose === 'subnet' ? judgeSubnetEnv(present, text) : judgeConfiguration(present, text);
  if (problems.length === 0) {
    const missing = purpose === 'subnet' ? [] : await missingPrograms(text, directories, host);
    const lines = missing.map((name) => `plugin binary ${name} is missing`);
    return { purpose, path, text, state: 'good', problems: lines };
  }
  const stat = await host.stat(path);
  // The init container copies the configuration before flannel starts.
  const since = purpose === 'subnet' ? pod?.startedAt?.container : pod?.startedAt?.pod;
  const isOwn = since !== undefined && stat !== undefined && stat.modifiedAt >= since;
  return { purpose, path, text, state: isOwn ? 'own' : 'stale', problems };
}

function judgeConfiguration(present: string, wanted: string): readonly string[] {
  const found = parseNetworkConfiguration(present);
  if ('problem' in found) return [found.problem];
  const expected = parseNetworkConfiguration(wanted);
  if ('problem' in expected || isSameConfiguration(found, expected)) return [];
  return [`the file uses ${found.types.join(', ')} and differs from the one of flannel`];
}

async function missingPrograms(
  text: string,
  directories: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<readonly string[]> {
  const configuration = parseNetworkConfiguration(text);
  return 'problem' in configuration ? [] : findMissingPrograms(configuration.binaries, directories, host);
}

/** @throws CniError `CNI_PLUGIN_BINARY_MISSING` `CNI_CONFIG_SHADOWED` */
async function assertUsable(
  configuration: DerivedFile,
  daemon: FlannelDaemon,
  directories: NetworkDirectories,
  { host }: FlannelDeps,
): Promise<readonly string[]> {
  const missing = await missingPrograms(configuration.text, directories, host);
  const isInstalled = directories.binaries.value.some((directory) => daemon.mountedDirectories.includes(directory));
  const searched = `${directories.binaries.value.join(', ')} (${directories.binaries.source})`;
  if (missing.length > 0 && !isInstalled) {
    throw new CniError({
      code: 'CNI_PLUGIN_BINARY_MISSING',
      message: `plugin binaries are missing on this node: ${missing.join(', ')}; ${daemon.subject} does not install them`,
      subject: searched,
      hint: 'install the CNI plugins in this directory (package containernetworking-plugins), and flannel from its release',
    });
  }
  const before = (await readConfigurations(directories, host)).filter(
    ({ path }) => Buffer.compare(Buffer.from(path), Buffer.from(configuration.path)) < 0,
  );
  const shadow = before.find(
    (each) => !('problem' in each.configuration) && !FLANNEL_OR_AFTER.includes(each.configuration.types[0] ?? ''),
  );
  if (shadow !== undefined) {
    throw new CniError({
      code: 'CNI_CONFIG_SHADOWED',
      message: `the container runtime uses ${baseName(shadow.path)}, which comes before ${baseName(configuration.path)}`,
      subject: shadow.path,
      hint: 'move the file out of the directory if its plugin is no longer used',
    });
  }
  return [
    ...(missing.length === 0 ? [`every plugin binary is in ${searched}`] : []),
    ...missing.map(
      (name) => `plugin binary ${name} is missing in ${searched}: the pod of ${daemon.subject} installs it`,
    ),
    ...before.map(({ path }) => `${path} comes first, but is not a separate network`),
  ];
}

function etcdMode({ subject, flags }: FlannelDaemon): CniError {
  return new CniError({
    code: 'CNI_FLANNEL_ETCD_MODE',
    message: 'flannel stores the subnet of this node as a lease in etcd, not in the Node',
    subject,
    hint: `check the lease below ${flags.etcdPrefix}/subnets in the etcd of flannel; flannel reuses it when it starts`,
  });
}
