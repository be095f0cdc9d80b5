import type { TokenApi } from '@kube-rescue/cluster-objects/api';
import type { EtcdProbe } from '@kube-rescue/etcd-access';
import { type Clock, createReadCache, guardHost, type Host, type ReadCache } from '@kube-rescue/host';
import type { Phase, Step } from '@kube-rescue/workflow';
import { createNodeApi, type NodeApi } from './api/node-api.ts';
import { openNodeTokens } from './api/node-tokens.ts';
import { connectByProbe, type EtcdSearch, type NodeEtcd, probeNodeEtcd } from './etcd/etcd-connection.ts';
import { listPeerMembers, type PeerList } from './etcd/peer-members.ts';
import {
  describeNode,
  listUsualPaths,
  type NodeDeps,
  type NodeDescription,
  type NodeOptions,
} from './node-description.ts';
import { type NodeObjects, type ObjectPath, openNodeObjects } from './objects/node-objects.ts';
import { createObjectSession, type ObjectSession } from './objects/object-session.ts';

/** One node, live or a copy of its files: its description, API server, objects and etcd. */
export interface Node extends NodeDeps {
  readonly options: NodeOptions;
  /** The machine; its files are read once per read session. Changes made through it end the session. */
  readonly host: Host;
  /** The machine without the read cache, for code that compares files before it writes: the workflow engine, change kinds. */
  readonly machine: Host;
  /** Sleeping on it ends the read session. */
  readonly clock: Clock;
  /**
   * How the node is set up, from its files; works with everything down. Read once per read session, so never older than a change.
   * @throws NodeError `NODE_NOT_FOUND`; NodeConfigError; ManifestError; HostError
   */
  describe(): Promise<NodeDescription>;
  /** This node's own API server, as the administrator. */
  readonly api: NodeApi;
  /** The service account tokens of that API server; the caller closes the connection. @throws as `openNodeTokens` */
  openTokens(): Promise<TokenApi>;
  /** The objects of the cluster; each connection is opened once and shared. */
  readonly objects: ObjectSession;
  /** A separate connection to the objects of the cluster; the caller closes it. @throws as `openNodeObjects` */
  openObjects(path: ObjectPath, signal: AbortSignal): Promise<NodeObjects>;
  /**
   * Connects to etcd with the best credentials; possibly without quorum, see `connection`. The caller closes the client.
   * @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS`; NodeError `NODE_NOT_LIVE`
   */
  etcd(search: EtcdSearch, signal: AbortSignal): Promise<NodeEtcd>;
  /** Tries every endpoint and pair of credentials of etcd that the node's files suggest. @throws NodeError `NODE_NOT_LIVE` */
  probeEtcd(search: EtcdSearch, signal: AbortSignal): Promise<EtcdProbe>;
  /** The members of etcd, from the peer port of this node's member; `undefined` when it does not tell. See `listPeerMembers`. */
  etcdPeers(signal: AbortSignal): Promise<PeerList | undefined>;
  /** Connects with the result of a probe. @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS` */
  connectEtcd(probe: EtcdProbe, signal: AbortSignal, timeoutMs?: number): Promise<NodeEtcd>;
  /**
   * A phase whose steps share one description of this node. Its steps throw NodeConfigError `KUBELET_CONFIGURATION_INVALID` where the
   * kubelet does not start with its configuration.
   */
  phase(input: NodePhase): Phase;
  /** Closes the shared connections. */
  close(): Promise<void>;
}

/** A phase of a playbook for one node. */
export interface NodePhase extends Pick<Phase, 'id' | 'title' | 'isSideBySide'> {
  /**
   * @param node its `describe` returns the description of the phase's begin
   * @param description that description
   */
  readonly steps: (
    node: Node,
    description: NodeDescription,
    signal: AbortSignal,
  ) => Promise<readonly Step[]> | readonly Step[];
}

/**
 * Opens a node. Reads nothing yet. Neither reads nor writes what a user other than root could have changed: SOURCE_UNTRUSTED.
 *
 * A plan is one read session: each file is read once. In a run each phase begins a new session, checks share it, and steps are
 * applied and verified without the read cache.
 */
export function openNode(options: NodeOptions, deps: NodeDeps): Node {
  const reads = guardReads(createReadCache(deps), deps);
  const { sealSnapshot } = deps;
  const files = { host: reads.host, inputHost: deps.host, clock: reads.clock, sealSnapshot };
  const describe = (): Promise<NodeDescription> =>
    reads.once('description', async () => {
      await reads.prefetch(listUsualPaths(options));
      const description = await describeNode(options, files);
      for (const line of description.kubelet.notBelieved) deps.onNotBelieved?.(line);
      return description;
    });
  const objects = createObjectSession(describe, files);
  const beginPhase = createPhaseSessions(reads);
  const describedBy = (description: Node['describe']): Node => ({
    ...files,
    options,
    machine: reads.machine,
    describe: description,
    api: createNodeApi(description, files),
    openTokens: async () => openNodeTokens(await description(), files),
    objects,
    openObjects: async (path, signal) => openNodeObjects(await description(), path, files, signal),
    etcd: async (search, signal) =>
      connectByProbe(await probeNodeEtcd(await description(), search, files, signal), files, signal, search.timeoutMs),
    probeEtcd: async (search, signal) => probeNodeEtcd(await description(), search, files, signal),
    etcdPeers: async (signal) => listPeerMembers(await description(), files, signal),
    connectEtcd: (probe, signal, timeoutMs) => connectByProbe(probe, files, signal, timeoutMs),
    phase: ({ id, title, isSideBySide, steps }) => ({
      ...{ id, title, isSideBySide },
      steps: async (signal) => {
        beginPhase(steps);
        const known = await node.describe();
        // Where a kubelet does not start with its configuration, its files and certificates are not known.
        const [problem] = known.kubelet.problems;
        if (problem !== undefined) throw problem;
        const made = await steps(
          describedBy(async () => known),
          known,
          signal,
        );
        return made.map((step) => withFreshReads(step, reads));
      },
    }),
    close: () => objects.close(),
  });
  const node = describedBy(describe);
  return node;
}

/** Judges the paths by cached reads too. A remote machine is guarded where it is connected to: each judgement is a trip. */
function guardReads(reads: ReadCache, { host, onServiceAccount }: NodeDeps): ReadCache {
  if (host.isRemote === true) return reads;
  const options = { onServiceAccount };
  return { ...reads, host: guardHost(reads.host, options), machine: guardHost(reads.machine, options) };
}

/** A phase that is created again begins a new read session: a plan is made again, or a run has begun. */
function createPhaseSessions(reads: ReadCache): (phase: object) => void {
  const begun = new Set<object>();
  return (phase) => {
    if (begun.has(phase)) {
      reads.endSession();
      begun.clear();
    }
    begun.add(phase);
  };
}

/** Steps write and verify without the read cache. */
function withFreshReads(step: Step, reads: ReadCache): Step {
  return {
    ...step,
    apply: (...input) => reads.uncached(() => step.apply(...input)),
    verify: (...input) => reads.uncached(() => step.verify(...input)),
  };
}
