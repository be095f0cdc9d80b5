import type { Host, ProcessInfo } from '@kube-rescue/host';
import { parsePodCgroup, type StaticPod } from '@kube-rescue/node-config';
import { askHealth } from '../running/component-health.ts';
import { listPodLogDirectories } from '../running/pod-logs.ts';
import { listProcesses, listRunningPods, withoutSandbox } from '../running/running-pod.ts';
import { type ListenerHost, listOpenFiles, type TcpListener } from '../running/tcp-listeners.ts';
import type { PodEnd } from './pod-end-kind.ts';

export type OldPodHost = ListenerHost & Pick<Host, 'processes' | 'request'>;

/**
 * `serving`: it listens, or may still do so. `closed`: its processes run, but listen no more. `ended`: it has no process but its
 * sandbox's.
 */
export type OldPodState = 'serving' | 'closed' | 'ended';

interface OldProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly podUid: string;
  /** The listening sockets that it was seen with. */
  readonly sockets: ReadonlySet<string>;
}

/**
 * A pod whose manifest is about to change, and its processes. Only host-network pods have any: the processes of others may belong
 * to another node on the same machine, and their sockets cannot be observed.
 */
export class OldPod {
  readonly pod: StaticPod;
  /** It did not serve before its manifest changed. */
  readonly isUnhealthy: boolean;
  readonly #uids: readonly string[];
  readonly #startedBefore: number;
  #processes: readonly OldProcess[] = [];
  #closedSince: number | undefined;

  private constructor(pod: StaticPod, uids: readonly string[], startedBefore: number, isUnhealthy: boolean) {
    this.pod = pod;
    this.isUnhealthy = isUnhealthy;
    this.#uids = uids;
    this.#startedBefore = startedBefore;
  }

  /**
   * Records the pods of a manifest; call it before the manifest changes. Pods with logs count as well: after an interrupted restart,
   * the kubelet may be about to start the pod of the restored manifest.
   *
   * @param startedBefore only processes with fewer `startTicks`; where the manifest has changed already. Default: all
   */
  static async read(
    pod: StaticPod,
    listeners: readonly TcpListener[] | undefined,
    { host }: { readonly host: OldPodHost },
    startedBefore = Number.POSITIVE_INFINITY,
  ): Promise<OldPod> {
    const running = pod.hostNetwork ? await listRunningPods(pod, { host }) : [];
    const logged = pod.hostNetwork ? await listPodLogDirectories(pod, { host }) : undefined;
    const uids = [...new Set([...running, ...(logged ?? [])].map(({ podUid }) => podUid))];
    const isOld = running.some(({ startTicks }) => startTicks < startedBefore);
    const isUnhealthy = isOld && (await askHealth({ pod }, { host })).state === 'unhealthy';
    const old = new OldPod(pod, uids, startedBefore, isUnhealthy);
    await old.#refresh(listeners, host);
    return old;
  }

  /** A member that is killed may lose its last writes and leave its locks behind, so the end of etcd is waited for. */
  get mayBeKilled(): boolean {
    return !isOf(this.pod, 'etcd');
  }

  get processes(): readonly Omit<OldProcess, 'sockets'>[] {
    return this.#processes;
  }

  /**
   * @param listeners `undefined` when /proc does not show them: then no pod counts as closed
   * @param isAsked its processes got SIGTERM; otherwise one that never listened may be about to
   */
  async observe(
    input: {
      readonly listeners: readonly TcpListener[] | undefined;
      readonly isAsked: boolean;
      readonly now: number;
    },
    { host }: { readonly host: OldPodHost },
  ): Promise<OldPodState> {
    await this.#refresh(input.listeners, host);
    const isClosed = this.#processes.length > 0 && this.#processes.every((each) => hasClosed(each, input));
    this.#closedSince = isClosed ? (this.#closedSince ?? input.now) : undefined;
    if (this.#processes.length === 0) return 'ended';
    return isClosed ? 'closed' : 'serving';
  }

  /** How long it has been closed, in milliseconds. */
  closedFor(now: number): number {
    return this.#closedSince === undefined ? 0 : now - this.#closedSince;
  }

  end(): PodEnd {
    const processes = this.#processes.map(({ pid, startTicks, podUid }) => ({ pid, startTicks, podUid }));
    const mayListen = this.isUnhealthy && this.#closedSince === undefined;
    return { kind: 'static-pod.end', target: this.pod.component, processes, mayListen };
  }

  async #refresh(listeners: readonly TcpListener[] | undefined, host: OldPodHost): Promise<void> {
    const known = this.#processes;
    const current: OldProcess[] = [];
    for (const { pid, startTicks, cgroup } of await this.#list(host)) {
      const earlier = known.find((each) => each.pid === pid && each.startTicks === startTicks);
      // Read again while it does not listen: it may begin to.
      const isKnown = earlier !== undefined && earlier.sockets.size > 0;
      const sockets = isKnown ? earlier.sockets : await readSockets(pid, listeners, host);
      current.push({ pid, startTicks, podUid: parsePodCgroup(cgroup)?.podUid ?? '', sockets });
    }
    this.#processes = current;
  }

  async #list(host: OldPodHost): Promise<readonly ProcessInfo[]> {
    if (this.#uids.length === 0) return [];
    const found = withoutSandbox(this.#uids, await listProcesses(this.pod, host), this.pod);
    return found.filter(({ startTicks }) => startTicks < this.#startedBefore);
  }
}

/** Whether a static pod runs this component, by its label or its program. */
export function isOf({ component, main }: StaticPod, name: string): boolean {
  return component === name || main.program === name;
}

async function readSockets(
  pid: number,
  listeners: readonly TcpListener[] | undefined,
  host: OldPodHost,
): Promise<ReadonlySet<string>> {
  if (listeners === undefined || listeners.length === 0) return new Set();
  const files = await listOpenFiles(pid, { host });
  return new Set(listeners.map(({ link }) => link).filter((link) => files.has(link)));
}

function hasClosed(
  { sockets }: OldProcess,
  { listeners, isAsked }: { readonly listeners: readonly TcpListener[] | undefined; readonly isAsked: boolean },
): boolean {
  if (listeners === undefined || (sockets.size === 0 && !isAsked)) return false;
  return !listeners.some(({ link }) => sockets.has(link));
}
