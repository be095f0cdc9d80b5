import type { Host, HostFiles, HostPath } from '@kube-rescue/host';
import { hostPath, systemClock } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { createRecoveryPlaybook } from '@kube-rescue/recovery';
import { buildPki, type NodeTree } from '@kube-rescue/testing';
import { planPlaybook } from '@kube-rescue/workflow';

/** One call to a machine. */
export interface Call {
  readonly what: string;
  readonly path: string;
}

type Reads = Pick<HostFiles, 'readFile' | 'stat' | 'readLink' | 'list' | 'readTree'>;

/** A kubeadm node that is down: certificates expired, nothing runs. */
export async function makeDeadNode(): Promise<NodeTree> {
  const { tree } = await buildPki({ expired: ['etcd/server', 'scheduler.conf', 'kubelet-client'], algorithm: 'ecdsa' });
  return tree;
}

/** Wraps `host` with the files below `root`, and records every call that would be a round trip. */
export function countCalls(host: Host, root: string): { readonly host: Host; readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  const note = (what: string, path: string): HostPath => {
    calls.push({ what, path });
    return hostPath(`${root}${path}`);
  };
  const reads: Reads = {
    readFile: (path) => host.readFile(note('readFile', path)),
    stat: (path) => host.stat(note('stat', path)),
    readLink: (path) => host.readLink(note('readLink', path)),
    list: (path) => host.list(note('list', path)),
    readTree: async (paths, limits) => {
      calls.push({ what: 'readTree', path: paths[0] ?? '' });
      const tree = await host.readTree(
        paths.map((path) => hostPath(`${root}${path}`)),
        limits,
      );
      return tree && new Map([...tree].map(([path, entry]) => [hostPath(path.slice(root.length)), entry]));
    },
  };
  const counted: Host = {
    ...host,
    ...reads,
    freeBytes: (path) => host.freeBytes(note('freeBytes', path)),
    processes: async () => {
      calls.push({ what: 'processes', path: '/proc' });
      // Processes of this machine are not processes of the node.
      await host.processes();
      return [];
    },
    services: {
      status: async (name) => {
        calls.push({ what: 'status', path: name });
        return 'stopped';
      },
      act: () => Promise.reject(new Error('nothing is changed')),
    },
  };
  return { host: counted, calls };
}

/** A clock that stands still: on a busy machine a read session would end by its age, in the middle of what is counted. */
export function openCounted(host: Host): Node {
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  const openedAt = systemClock.now();
  return openNode(options, { host, clock: { ...systemClock, now: () => openedAt } });
}

/** Plans a recovery once. */
export async function planRecovery(node: Node): Promise<void> {
  const { signal } = new AbortController();
  const playbook = createRecoveryPlaybook(node, {});
  await planPlaybook(playbook, { host: node.host.name, clock: systemClock, selection: {}, signal });
}

/** Counts the calls of each phase in a run: creates and checks its steps with an empty read cache. */
export async function countPhases(node: Node, calls: readonly Call[]): Promise<ReadonlyMap<string, number>> {
  const { signal } = new AbortController();
  const counts = new Map<string, number>();
  for (const phase of createRecoveryPlaybook(node, {}).phases) {
    // A sleep ends the read session.
    await node.clock.sleep(0);
    const before = calls.length;
    for (const step of await phase.steps(signal)) await step.check(signal);
    counts.set(phase.id, calls.length - before);
  }
  return counts;
}
