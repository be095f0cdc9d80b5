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
import type { Sourced } from '../network/with-source.ts';
import { findEarlierSubnet } from './earlier-subnet.ts';
import { chooseExternalLink } from './external-link.ts';
import { type FlannelDaemon, readFlannelDaemon } from './flannel-daemon.ts';
import { type DerivedFile, deriveFlannelFiles, type FlannelFiles, type FlannelInput } from './flannel-files.ts';
import { judgeSubnetEnv } from './subnet-env.ts';

/** What flannel's files are judged by. */
export interface FlannelStateInput {
  readonly daemonSet: KubernetesObject;
  readonly node: KubernetesObject;
  readonly pod: PluginPod | undefined;
  readonly folders: NetworkDirectories;
  /** Instead of what the Node says. */
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

/** Of a configuration that comes before flannel's: an older one of its own, or Multus, which hands on to the next. */
const FLANNEL_OR_AFTER: readonly string[] = ['flannel', 'multus', 'multus-shim'];

const ANNOTATION = 'flannel.alpha.coreos.com/public-ip';

/**
 * Derives the files of flannel for a node and compares them with what is there.
 * @throws CniError with the reason why they cannot be derived, or would not be used
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
  const evidence = [...derived.evidence, ...(await assertUsable(derived.files[1], daemon, input.folders, deps))];
  const first = parseNetworkConfiguration(derived.files[1].text);
  const type = 'problem' in first ? undefined : first.types[0];
  const program = type === undefined ? undefined : await findProgram(type, input.folders, deps.host);
  return { files, evidence, program };
}

/** Tells of a node without a pod CIDR which one it had before. */
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
      message: `${message}; it had ${earlier.value} before (${earlier.source})`,
      subject,
      hint: `${hint}; or take the earlier one (--pod-cidr ${earlier.value}) if the Node is to get it again`,
      cause: error,
    });
  }
}

async function gather(
  daemon: FlannelDaemon,
  { node, folders, podCidrs }: FlannelStateInput,
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
    podCidrs: podCidrs === undefined ? podCidrsOf(node) : { value: podCidrs, source: 'as it was asked for' },
    netConf: data(daemon.netConfKey),
    cniConf,
    ipMasq: daemon.flags.ipMasq,
    linkMtu,
    subnetFile: daemon.subnetFile,
    configurationFile: placeConfiguration(daemon, folders, cniConf.value),
  };
}

/** The file's name is the DaemonSet's; its folder the one that the runtime reads, because another would be of no use. */
function placeConfiguration(daemon: FlannelDaemon, folders: NetworkDirectories, text: string): Sourced<HostPath> {
  const { configurationFile } = daemon;
  const { value: folder, source } = folders.configuration;
  if (configurationFile !== undefined) {
    const { value, source: naming } = configurationFile;
    return { value: joinPath(folder, baseName(value)), source: `folder: ${source}; name: ${naming}` };
  }
  const parsed = parseNetworkConfiguration(text);
  const name = 'problem' in parsed || parsed.isList ? '10-flannel.conflist' : '10-flannel.conf';
  return {
    value: joinPath(folder, name),
    source: `folder: ${source}; name: the usual one, ${daemon.subject} tells none`,
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
  const place = `ConfigMap ${namespace}/${name}`;
  const missing = (message: string): CniError =>
    new CniError({
      code: 'CNI_CONFIG_MAP_MISSING',
      message: `${message}, which ${subject} reads its configuration from`,
      subject: place,
      hint: "create it anew from flannel's manifest, with the --cluster-cidr of the controller-manager as its Network",
    });
  if (found === undefined) throw missing('there is no such ConfigMap');
  return (key) => {
    const value = textAt(fieldsAt(found.object, 'data'), key);
    if (value === undefined) throw missing(`it has no ${key}`);
    return { value, source: `${key} of ${place}` };
  };
}

async function judgeFile(
  { purpose, path, text }: DerivedFile,
  { pod, folders }: FlannelStateInput,
  { host }: FlannelDeps,
): Promise<FileStatus> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) return { purpose, path, text, state: 'missing', problems: [] };
  const present = new TextDecoder().decode(bytes);
  const problems = purpose === 'subnet' ? judgeSubnetEnv(present, text) : judgeConfiguration(present, text);
  if (problems.length === 0) {
    const missing = purpose === 'subnet' ? [] : await missingPrograms(text, folders, host);
    const lines = missing.map((name) => `there is no program ${name} for it`);
    return { purpose, path, text, state: 'good', problems: lines };
  }
  const stat = await host.stat(path);
  // Its init container copies the configuration before flannel itself is started.
  const since = purpose === 'subnet' ? pod?.startedAt?.container : pod?.startedAt?.pod;
  const isOwn = since !== undefined && stat !== undefined && stat.modifiedAt >= since;
  return { purpose, path, text, state: isOwn ? 'own' : 'stale', problems };
}

function judgeConfiguration(present: string, wanted: string): readonly string[] {
  const found = parseNetworkConfiguration(present);
  if ('problem' in found) return [found.problem];
  const expected = parseNetworkConfiguration(wanted);
  if ('problem' in expected || isSameConfiguration(found, expected)) return [];
  return [`it is for ${found.types.join(', ')} and differs from what flannel would write`];
}

async function missingPrograms(
  text: string,
  folders: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<readonly string[]> {
  const configuration = parseNetworkConfiguration(text);
  return 'problem' in configuration ? [] : findMissingPrograms(configuration.binaries, folders, host);
}

/** @throws CniError `CNI_PLUGIN_BINARY_MISSING` `CNI_CONFIG_SHADOWED` */
async function assertUsable(
  configuration: DerivedFile,
  daemon: FlannelDaemon,
  folders: NetworkDirectories,
  { host }: FlannelDeps,
): Promise<readonly string[]> {
  const missing = await missingPrograms(configuration.text, folders, host);
  const isBrought = folders.binaries.value.some((folder) => daemon.mountedFolders.includes(folder));
  const place = `${folders.binaries.value.join(', ')} (${folders.binaries.source})`;
  if (missing.length > 0 && !isBrought) {
    throw new CniError({
      code: 'CNI_PLUGIN_BINARY_MISSING',
      message: `the plugin's program ${missing.join(', ')} is not on this node, and ${daemon.subject} does not bring it`,
      subject: place,
      hint: 'install the CNI plugins there (package containernetworking-plugins), and flannel from its own release',
    });
  }
  const before = (await readConfigurations(folders, host)).filter(
    ({ path }) => Buffer.compare(Buffer.from(path), Buffer.from(configuration.path)) < 0,
  );
  const shadow = before.find(
    (each) => !('problem' in each.configuration) && !FLANNEL_OR_AFTER.includes(each.configuration.types[0] ?? ''),
  );
  if (shadow !== undefined) {
    throw new CniError({
      code: 'CNI_CONFIG_SHADOWED',
      message: `the container runtime takes ${baseName(shadow.path)} before ${baseName(configuration.path)}, and it is not flannel's`,
      subject: shadow.path,
      hint: 'move it out of the folder if the plugin that it is for is no longer used',
    });
  }
  return [
    ...(missing.length === 0 ? [`every program that it needs is in ${place}`] : []),
    ...missing.map((name) => `no program ${name} in ${place}: the pod of ${daemon.subject} brings it`),
    ...before.map(({ path }) => `${path} comes before it, and is no network of its own`),
  ];
}

function etcdMode({ subject, flags }: FlannelDaemon): CniError {
  return new CniError({
    code: 'CNI_FLANNEL_ETCD_MODE',
    message: "flannel keeps this node's subnet as a lease in etcd, not in the Node",
    subject,
    hint: `look at the lease below ${flags.etcdPrefix}/subnets in flannel's etcd; flannel takes it up again when it starts`,
  });
}
