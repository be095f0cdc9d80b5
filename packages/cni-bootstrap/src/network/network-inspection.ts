import {
  describeUnreadable,
  type KubernetesObject,
  type ObjectAccess,
  type ObjectStore,
  RESOURCE_KINDS,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Host } from '@kube-rescue/host';
import { CniError } from '../errors.ts';
import { inspectFlannel } from '../flannel/flannel-state.ts';
import {
  type KubeletFlags,
  locateNetworkDirectories,
  type NetworkDirectories,
} from '../directories/network-directories.ts';
import type { FileStatus, NetworkState } from './network-state.ts';
import { type KnownPlugin, identifyPlugin } from '../plugin/plugin-catalogue.ts';
import { findPluginPod, type PluginPod } from '../plugin/plugin-pod.ts';
import { isScheduledOn } from '../plugin/pod-template.ts';
import { readConfigurations } from './present-configurations.ts';

/** The node to inspect. */
export interface NetworkInput {
  /** The name of the Node object of this machine. */
  readonly nodeName: string;
  readonly kubelet: KubeletFlags;
  /** Overrides the pod CIDRs of the Node. */
  readonly podCidrs?: readonly string[] | undefined;
}

export interface NetworkDeps {
  readonly host: Pick<Host, 'readFile' | 'stat' | 'list' | 'processes' | 'exec'>;
  readonly objects: ObjectAccess;
}

/** The network plugin that a DaemonSet runs. */
interface FoundPlugin {
  readonly plugin: KnownPlugin;
  readonly daemonSet: KubernetesObject;
  readonly subject: string;
}

type Known = Pick<NetworkState, 'plugin' | 'daemon' | 'pod' | 'directories' | 'program' | 'files' | 'evidence'>;

const NOTHING: Known = {
  plugin: 'unknown',
  daemon: undefined,
  pod: undefined,
  directories: undefined,
  program: undefined,
  files: [],
  evidence: [],
};

/**
 * Inspects the network plugin of the cluster and its files on this node. Writes nothing; works while the API server is
 * down, with objects from etcd.
 *
 * Failures become a `blocked` or `unknown` state with their code.
 * Does not check routes, iptables or the health of the plugin.
 */
export async function inspectNetwork(
  input: NetworkInput,
  deps: NetworkDeps,
  signal: AbortSignal,
): Promise<NetworkState> {
  let known = NOTHING;
  try {
    const directories = await locateNetworkDirectories(input.kubelet, deps.host);
    known = { ...known, directories, evidence: describeDirectories(directories) };
    const store = await deps.objects.open(signal);
    const node = await findNode(input.nodeName, store, signal);
    const unreadable: string[] = [];
    const found = await findPlugin(node, store, signal, (failure) => unreadable.push(describeUnreadable(failure)));
    known = { ...known, evidence: [...known.evidence, ...unreadable] };
    if (found === undefined) return await judgeUnknown(known, directories, deps.host);
    const { plugin, daemonSet, subject } = found;
    const pod = await findPluginPod(daemonSet, input.nodeName, store, signal);
    const evidence = [...known.evidence, `${subject} runs ${plugin.title}`, describePod(pod, input.nodeName)];
    known = { ...known, plugin: plugin.id, daemon: subject, pod, evidence };
    if (plugin.needs !== undefined) return await judgeOther(found, known, directories, deps.host);
    const flannel = await inspectFlannel(
      { daemonSet, node, pod, directories, podCidrs: input.podCidrs },
      { host: deps.host, store },
      signal,
    );
    return judgeFlannel({ ...known, ...flannel, evidence: [...evidence, ...flannel.evidence] });
  } catch (error) {
    return failed(error, known);
  }
}

function judgeFlannel(known: Known): NetworkState {
  const open = known.files.filter(({ state }) => state === 'missing' || state === 'stale');
  const evidence = [...known.evidence, ...known.files.map(describeFile)];
  if (open.length > 0) {
    const names = open.map(({ path, state }) => `${path} is ${state}`);
    return {
      ...known,
      evidence,
      status: 'needed',
      summary: `files of flannel are missing or stale: ${names.join(', ')}`,
    };
  }
  return { ...known, evidence, status: 'ok', summary: 'the files of flannel are in place' };
}

/** A plugin whose files cannot be written. */
async function judgeOther(
  { plugin, subject }: FoundPlugin,
  known: Known,
  directories: NetworkDirectories,
  host: NetworkDeps['host'],
): Promise<NetworkState> {
  const present = await readConfigurations(directories, host);
  const usable = present.find(({ configuration, missing }) => !('problem' in configuration) && missing.length === 0);
  if (usable !== undefined) {
    const evidence = [...known.evidence, `${usable.path} is in place, with every plugin binary`];
    return { ...known, evidence, status: 'ok', summary: `the configuration of ${plugin.title} is in place` };
  }
  const broken = present.map(({ path, configuration, missing }) =>
    'problem' in configuration
      ? `${path}: ${configuration.problem}`
      : `${path}: missing plugin binaries: ${missing.join(', ')}`,
  );
  return {
    ...known,
    evidence: [...known.evidence, ...broken],
    status: 'blocked',
    code: 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE',
    subject,
    summary: `${plugin.title} cannot be started by files: ${plugin.needs ?? ''}`,
    hint: `start its pod on this node (${known.pod?.state ?? 'no pod'}); the pod uses the host network`,
  };
}

/** No DaemonSet runs a known plugin, but the directory may have a usable configuration. */
async function judgeUnknown(
  known: Known,
  directories: NetworkDirectories,
  host: NetworkDeps['host'],
): Promise<NetworkState> {
  const present = await readConfigurations(directories, host);
  const [first] = present.filter(({ configuration }) => !('problem' in configuration));
  const evidence = [...known.evidence, 'no DaemonSet runs a known network plugin'];
  if (first !== undefined && !('problem' in first.configuration) && first.missing.length === 0) {
    const { types } = first.configuration;
    return {
      ...known,
      evidence: [...evidence, `${first.path} uses ${types.join(', ')}, and every plugin binary exists`],
      status: 'ok',
      summary: `the node has the network configuration ${baseName(first.path)}`,
    };
  }
  const broken = present.map(({ path, configuration, missing }) =>
    'problem' in configuration
      ? `${path}: ${configuration.problem}`
      : `${path}: missing plugin binaries: ${missing.join(', ')}`,
  );
  return {
    ...known,
    evidence: [...evidence, ...broken],
    status: 'unknown',
    code: 'CNI_PLUGIN_UNKNOWN',
    subject: directories.configuration.value,
    summary: 'unknown network plugin, and no usable configuration in place',
    hint: 'find out what set up the pod network; a plugin without a DaemonSet must be set up by hand',
  };
}

async function findNode(nodeName: string, store: ObjectStore, signal: AbortSignal): Promise<KubernetesObject> {
  const read = await store.get({ kind: RESOURCE_KINDS.Node, name: nodeName }, { signal });
  if (read !== undefined) return read.object;
  throw new CniError({
    code: 'CNI_NODE_NOT_FOUND',
    message: 'the cluster has no Node with this name',
    subject: nodeName,
    hint: 'give the name that the kubelet uses (--hostname-override); a kubelet that reaches the API server recreates the Node',
  });
}

/** @throws CniError `CNI_PLUGIN_AMBIGUOUS` */
async function findPlugin(
  node: KubernetesObject,
  store: ObjectStore,
  signal: AbortSignal,
  onUnreadable: (failure: Error) => void,
): Promise<FoundPlugin | undefined> {
  const found: FoundPlugin[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.DaemonSet, { signal, onUnreadable })) {
    const plugin = identifyPlugin(object);
    const { namespace = '', name } = object.metadata;
    if (plugin !== undefined) found.push({ plugin, daemonSet: object, subject: `DaemonSet ${namespace}/${name}` });
  }
  // Older manifests of flannel have one DaemonSet for each processor architecture.
  const scheduled = found.filter(({ daemonSet }) => isScheduledOn(daemonSet, node));
  const candidates = scheduled.length > 0 ? scheduled : found;
  if (candidates.length <= 1) return candidates[0];
  throw new CniError({
    code: 'CNI_PLUGIN_AMBIGUOUS',
    message: `several network plugins are scheduled on this node: ${candidates.map(({ subject }) => subject).join(', ')}`,
    subject: node.metadata.name,
    hint: 'delete the unused one; they would overwrite the files of each other',
  });
}

function failed(error: unknown, known: Known): NetworkState {
  if (!isRecoveryError(error)) throw error;
  const { code, subject, hint, message } = error;
  if (error instanceof CniError) return { ...known, status: 'blocked', summary: message, code, subject, hint };
  const summary = `the network plugin cannot be inspected: ${message}`;
  return { ...known, status: 'unknown', summary, code, subject, hint };
}

function describeDirectories({ configuration, binaries }: NetworkDirectories): readonly string[] {
  return [
    `network configurations: ${configuration.value} (${configuration.source})`,
    `plugin binaries: ${binaries.value.join(', ')} (${binaries.source})`,
  ];
}

function describePod(pod: PluginPod | undefined, nodeName: string): string {
  return pod === undefined ? `no pod on ${nodeName}` : `pod ${pod.name} on ${nodeName}: ${pod.state}`;
}

function describeFile({ path, state, problems }: FileStatus): string {
  const labels = {
    good: 'up to date',
    own: 'written by the running flannel, not changed',
    missing: 'missing',
    stale: 'stale',
  };
  return `${path}: ${labels[state]}${problems.length === 0 ? '' : `: ${problems.join(', ')}`}`;
}
