import { describeError } from '@kube-rescue/errors';
import { type HostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { createCgroups } from '../machine/cgroups.ts';
import type { Argv } from '../machine/command.ts';
import { type LabDeps, secondsSince } from '../machine/lab-deps.ts';
import { type ClusterNode, labDirectory, NODE_MOUNTS, nodeFile } from '../machine/lab-directory.ts';
import { identifyOwner, type LabRecord, withLabLock, writeLabRecord } from '../machine/lab-register.ts';
import { removeLab } from '../machine/lab-removal.ts';
import type { KubernetesRelease } from '../kubernetes/kubernetes-release.ts';
import { prepareMachine } from '../machine/machine-changes.ts';
import type { EquippedNode } from './node-command.ts';
import { createNamespaces, enterNode } from '../machine/node-namespaces.ts';
import { installServices, type ServiceDefinition, serviceCommand } from '../machine/services.ts';

/** A node of a lab cluster, and how to run programs on it. */
export interface ClusterMachine extends EquippedNode {
  readonly node: ClusterNode;
  /** `PROGRAM start|stop|restart|status NAME`, to be run on the node. */
  readonly serviceCommand: HostPath;
  /** The argv in front of a program that is to run on the node. */
  enter(): Argv;
}

/** A real Kubernetes cluster on this machine, made to be broken. Its own fields are those of its control-plane node. */
export interface LabCluster extends ClusterMachine {
  readonly id: string;
  readonly release: KubernetesRelease;
  /** Every node, the control-plane node first. */
  readonly nodes: readonly ClusterMachine[];
  /** Keeps the cluster after its owner has exited, until `removeLabTraces` is called with `kept`. */
  keep(): Promise<void>;
  /** Removes every trace of the cluster; does nothing the second time. */
  remove(): Promise<void>;
}

/** Names and addresses of the nodes to create, the control-plane node first. */
type NodeAddresses = readonly [NodeAddress, ...NodeAddress[]];

interface NodeAddress {
  readonly name: string;
  readonly address: string;
}

export interface LabClusterInput extends Pick<EquippedNode, 'binaries' | 'kubeconfig'> {
  readonly ownerPid: number;
  readonly release: KubernetesRelease;
  readonly nodes: NodeAddresses;
}

/** Reports progress, with the seconds since the start. */
export type ReportProgress = (message: string) => void;

/**
 * Registers a lab and runs `start` to create its cluster. A failed or aborted start removes the lab again.
 */
export async function createLabCluster<C extends LabCluster>(
  input: LabClusterInput,
  start: (cluster: LabCluster, report: ReportProgress) => Promise<C>,
  deps: LabDeps,
): Promise<C> {
  const startedAt = deps.clock.now();
  const record: LabRecord = {
    id: randomBytes(3).toString('hex'),
    owner: await identifyOwner(input.ownerPid, deps),
    nodes: input.nodes.map(({ name }) => name),
    kept: false,
  };
  const cluster = wireCluster(record, input, deps);
  try {
    await withLabLock(deps, async () => {
      await prepareMachine(deps);
      await writeLabRecord(record, deps);
    });
    return await start(cluster, (message) => {
      deps.onProgress?.({ phase: 'cluster', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
    });
  } catch (error) {
    // Report the first failure; a lab that could not be removed becomes an orphaned lab.
    await cluster.remove().catch((failure: unknown) => {
      deps.onProgress?.({ phase: 'clean', message: describeError(failure) });
    });
    throw error;
  }
}

/**
 * Creates a node: directories, namespaces, control groups and the service command.
 *
 * @param hosts addresses by name, for the node's /etc/hosts
 */
export async function createNode(
  { node }: Pick<ClusterMachine, 'node'>,
  { services, hosts = {} }: { services: readonly ServiceDefinition[]; hosts?: Readonly<Record<string, string>> },
  deps: LabDeps,
): Promise<void> {
  await deps.host.makeDirectory(joinPath(node.directory, 'home'), { mode: 0o700 });
  for (const path of NODE_MOUNTS) await deps.host.makeDirectory(nodeFile(node, path), { mode: 0o755 });
  await deps.host.makeDirectory(nodeFile(node, '/etc'), { mode: 0o755 });
  await createNamespaces(node, hosts, deps);
  await createCgroups(node, deps);
  await installServices(node, services, deps);
}

function wireCluster(record: LabRecord, input: LabClusterInput, deps: LabDeps): LabCluster {
  // The clean-up of an aborted lab must not be aborted.
  const lasting = { host: deps.host, clock: deps.clock };
  const [first, ...others] = input.nodes;
  const controlPlane = machineOf(record.id, first, input);
  return {
    ...controlPlane,
    id: record.id,
    release: input.release,
    nodes: [controlPlane, ...others.map((each) => machineOf(record.id, each, input))],
    keep: () => withLabLock(lasting, () => writeLabRecord({ ...record, kept: true }, lasting)),
    remove: () => withLabLock(lasting, () => removeLab(record.id, lasting)),
  };
}

/** A machine of a lab; it need not exist yet. */
export function machineOf(
  labId: string,
  { name, address }: NodeAddress,
  input: Pick<EquippedNode, 'binaries' | 'kubeconfig'>,
): ClusterMachine {
  const node: ClusterNode = { name, address, directory: joinPath(labDirectory(labId), name), labId };
  const { binaries, kubeconfig } = input;
  return { node, binaries, kubeconfig, serviceCommand: serviceCommand(node), enter: () => enterNode(node) };
}
