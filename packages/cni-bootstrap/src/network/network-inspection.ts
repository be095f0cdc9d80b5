import {
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
import { type KnownPlugin, recognisePlugin } from '../plugin/plugin-catalogue.ts';
import { findPluginPod, type PluginPod } from '../plugin/plugin-pod.ts';
import { isMeantFor } from '../plugin/pod-template.ts';
import { readConfigurations } from './present-configurations.ts';

/** Which node is looked at. */
export interface NetworkInput {
  /** The name of this machine's Node object. */
  readonly nodeName: string;
  readonly kubelet: KubeletFlags;
  /** Pod CIDRs to take instead of those of the Node; default: what the Node says. */
  readonly podCidrs?: readonly string[] | undefined;
}

export interface NetworkDeps {
  readonly host: Pick<Host, 'readFile' | 'stat' | 'list' | 'processes' | 'exec'>;
  readonly objects: ObjectAccess;
}

/** The plugin of the cluster, found in its DaemonSets. */
interface FoundPlugin {
  readonly plugin: KnownPlugin;
  readonly daemonSet: KubernetesObject;
  readonly subject: string;
}

type Known = Pick<NetworkState, 'plugin' | 'daemon' | 'pod' | 'folders' | 'program' | 'files' | 'evidence'>;

const NOTHING: Known = {
  plugin: 'unknown',
  daemon: undefined,
  pod: undefined,
  folders: undefined,
  program: undefined,
  files: [],
  evidence: [],
};

/**
 * Finds out which network plugin the cluster runs and what it lacks on this node. Writes nothing; works with the API server
 * down, when the objects come from etcd.
 *
 * Whatever keeps it from knowing is a sight as well, `blocked` or `unknown` with its code; nothing is taken for granted.
 * It does not look at routes, iptables or the plugin's own health.
 */
export async function inspectNetwork(
  input: NetworkInput,
  deps: NetworkDeps,
  signal: AbortSignal,
): Promise<NetworkState> {
  let known = NOTHING;
  try {
    const folders = await locateNetworkDirectories(input.kubelet, deps.host);
    known = { ...known, folders, evidence: describeFolders(folders) };
    const store = await deps.objects.open(signal);
    const node = await findNode(input.nodeName, store, signal);
    const found = await findPlugin(node, store, signal);
    if (found === undefined) return await judgeUnknown(known, folders, deps.host);
    const { plugin, daemonSet, subject } = found;
    const pod = await findPluginPod(daemonSet, input.nodeName, store, signal);
    const evidence = [...known.evidence, `${subject} is ${plugin.title}'s`, describePod(pod, input.nodeName)];
    known = { ...known, plugin: plugin.id, daemon: subject, pod, evidence };
    if (plugin.needs !== undefined) return await judgeOther(found, known, folders, deps.host);
    const flannel = await inspectFlannel(
      { daemonSet, node, pod, folders, podCidrs: input.podCidrs },
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
      summary: `flannel lacks what its plugin needs: ${names.join(', ')}`,
    };
  }
  return { ...known, evidence, status: 'ok', summary: "flannel's files are in place" };
}

/** A plugin that cannot be given its files. */
async function judgeOther(
  { plugin, subject }: FoundPlugin,
  known: Known,
  folders: NetworkDirectories,
  host: NetworkDeps['host'],
): Promise<NetworkState> {
  const present = await readConfigurations(folders, host);
  const usable = present.find(({ configuration, missing }) => !('problem' in configuration) && missing.length === 0);
  if (usable !== undefined) {
    const evidence = [...known.evidence, `${usable.path} is in place, with every program that it needs`];
    return { ...known, evidence, status: 'ok', summary: `${plugin.title} has put its configuration in place` };
  }
  const broken = present.map(({ path, configuration, missing }) =>
    'problem' in configuration ? `${path}: ${configuration.problem}` : `${path}: no program ${missing.join(', ')}`,
  );
  return {
    ...known,
    evidence: [...known.evidence, ...broken],
    status: 'blocked',
    code: 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE',
    subject,
    summary: `the network is ${plugin.title}'s, which no file can start: ${plugin.needs ?? ''}`,
    hint: `let its pod run on this node (${known.pod?.state ?? 'there is none'}); it uses the node's own network and needs no other`,
  };
}

/** No DaemonSet is a known plugin's: what the folder holds may still be all there is. */
async function judgeUnknown(
  known: Known,
  folders: NetworkDirectories,
  host: NetworkDeps['host'],
): Promise<NetworkState> {
  const present = await readConfigurations(folders, host);
  const [first] = present.filter(({ configuration }) => !('problem' in configuration));
  const evidence = [...known.evidence, 'no DaemonSet of the cluster is that of a known network plugin'];
  if (first !== undefined && !('problem' in first.configuration) && first.missing.length === 0) {
    const { types } = first.configuration;
    return {
      ...known,
      evidence: [...evidence, `${first.path} is for ${types.join(', ')}, and every program is there`],
      status: 'ok',
      summary: `the node has a network configuration of its own, ${baseName(first.path)}`,
    };
  }
  const broken = present.map(({ path, configuration, missing }) =>
    'problem' in configuration ? `${path}: ${configuration.problem}` : `${path}: no program ${missing.join(', ')}`,
  );
  return {
    ...known,
    evidence: [...evidence, ...broken],
    status: 'unknown',
    code: 'CNI_PLUGIN_UNKNOWN',
    subject: folders.configuration.value,
    summary: 'which network plugin the cluster runs is not known, and no usable configuration is in place',
    hint: 'find out what made the pod network; a plugin that is no DaemonSet has to be set up by hand',
  };
}

async function findNode(nodeName: string, store: ObjectStore, signal: AbortSignal): Promise<KubernetesObject> {
  const read = await store.get({ kind: RESOURCE_KINDS.Node, name: nodeName }, { signal });
  if (read !== undefined) return read.object;
  throw new CniError({
    code: 'CNI_NODE_NOT_FOUND',
    message: 'the cluster has no Node of this name',
    subject: nodeName,
    hint: 'name it as the kubelet does (--hostname-override); a kubelet that reaches the API server makes it anew',
  });
}

/** @throws CniError `CNI_PLUGIN_AMBIGUOUS` */
async function findPlugin(
  node: KubernetesObject,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<FoundPlugin | undefined> {
  const found: FoundPlugin[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.DaemonSet, { signal })) {
    const plugin = recognisePlugin(object);
    const { namespace = '', name } = object.metadata;
    if (plugin !== undefined) found.push({ plugin, daemonSet: object, subject: `DaemonSet ${namespace}/${name}` });
  }
  // One for each processor architecture, in flannel's older manifests.
  const meant = found.filter(({ daemonSet }) => isMeantFor(daemonSet, node));
  const candidates = meant.length > 0 ? meant : found;
  if (candidates.length <= 1) return candidates[0];
  throw new CniError({
    code: 'CNI_PLUGIN_AMBIGUOUS',
    message: `more than one network plugin is meant for this node: ${candidates.map(({ subject }) => subject).join(', ')}`,
    subject: node.metadata.name,
    hint: 'delete the one that is no longer used; each would overwrite the files of the other',
  });
}

function failed(error: unknown, known: Known): NetworkState {
  if (!isRecoveryError(error)) throw error;
  const { code, subject, hint, message } = error;
  if (error instanceof CniError) return { ...known, status: 'blocked', summary: message, code, subject, hint };
  const summary = `what the network plugin needs cannot be found out: ${message}`;
  return { ...known, status: 'unknown', summary, code, subject, hint };
}

function describeFolders({ configuration, binaries }: NetworkDirectories): readonly string[] {
  return [
    `network configurations: ${configuration.value} (${configuration.source})`,
    `programs of plugins: ${binaries.value.join(', ')} (${binaries.source})`,
  ];
}

function describePod(pod: PluginPod | undefined, nodeName: string): string {
  return pod === undefined ? `it has no pod on ${nodeName}` : `its pod ${pod.name} on ${nodeName}: ${pod.state}`;
}

function describeFile({ path, state, problems }: FileStatus): string {
  const said = {
    good: 'as it should be',
    own: 'written by flannel since it runs, left alone',
    missing: 'missing',
    stale: 'stale',
  };
  return `${path}: ${said[state]}${problems.length === 0 ? '' : `: ${problems.join(', ')}`}`;
}
