import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Clock, type Host, type HostLock, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { Change, ChangeKind, WhileWaiting } from '@kube-rescue/workflow';
import { findKubelets } from '@kube-rescue/node-config';
import { ManifestError } from '../errors.ts';
import type { CheckpointDirectories, Checkpoint } from './checkpoint.ts';
import { endCheckpoint, endCheckpointedPods, type PodEndingHost } from './pod-ending.ts';
import { type CheckpointedPod, toCheckpointedPod } from './pod-processes.ts';

interface FreezeTarget extends Change {
  /** The kubelet's service. */
  readonly target: string;
  /** The checkpointers' lock file. */
  readonly lock: string;
  /** Pods whose containers and sandboxes end, the checkpointers' own among them. */
  readonly pods: readonly CheckpointedPod[];
}

/** Stops the kubelet and ends the checkpointed pods, their parents and the checkpointers; holds the checkpointers' lock. */
export interface CheckpointerFreeze extends FreezeTarget {
  readonly kind: 'checkpointer.freeze';
}

/** Releases the lock, and starts the kubelet if it is stopped. */
export interface CheckpointerResume extends FreezeTarget {
  readonly kind: 'checkpointer.thaw';
}

/** Starts the kubelet but keeps the lock: active checkpoints run, and no checkpointer works. */
export interface CheckpointerWake extends FreezeTarget {
  readonly kind: 'checkpointer.wake';
}

/**
 * Stops the checkpoint of the API server, as the checkpointer does it, and releases the lock: its active manifest is removed, which is
 * that of the inactive directory, and its container is asked to end, so that the port is free for the parent at once.
 */
export interface CheckpointerHandOver extends FreezeTarget {
  readonly kind: 'checkpointer.hand-over';
  readonly checkpoint: CheckpointedPod;
  /** Its manifest among the static pods. */
  readonly manifest: string;
}

/** Ends what {@link CheckpointerFreeze} ends, releases the lock and starts the kubelet. */
export interface CheckpointerRestart extends FreezeTarget {
  readonly kind: 'checkpointer.restart';
}

export type FreezeHost = PodEndingHost & Pick<Host, 'services' | 'acquireLock' | 'makeDirectory' | 'stat' | 'remove'>;

const HOLDER = 'kube-rescue changes the files of the checkpointer';
const STOP_TIMEOUT_MS = 15_000;
const LOCK_TIMEOUT_MS = 5_000;
const INTERVAL_MS = 100;
const DIRECTORY_MODE = 0o755;

/** The changes around an edit of the checkpointer's files. */
export function planFreeze(input: {
  readonly directories: Pick<CheckpointDirectories, 'lock'>;
  /** Pods whose parents count as running for the checkpointer, and its own. */
  readonly checkpoints: readonly Checkpoint[];
  readonly kubeletService: string;
}): {
  readonly freeze: CheckpointerFreeze;
  readonly resume: CheckpointerResume;
  readonly wake: CheckpointerWake;
  readonly restart: CheckpointerRestart;
} {
  const { directories, checkpoints, kubeletService } = input;
  const rest = { target: kubeletService, lock: directories.lock, pods: checkpoints.map(toCheckpointedPod) };
  return {
    freeze: { kind: 'checkpointer.freeze', ...rest },
    resume: { kind: 'checkpointer.thaw', ...rest },
    wake: { kind: 'checkpointer.wake', ...rest },
    restart: { kind: 'checkpointer.restart', ...rest },
  };
}

/** The change that ends a start of the API server from its checkpoint, in place of `resume`. */
export function planHandOver(
  resume: CheckpointerResume,
  apiServer: Checkpoint,
  { directories }: { readonly directories: Pick<CheckpointDirectories, 'active'> },
): CheckpointerHandOver {
  const { path } = apiServer.pod.manifest;
  const manifest = joinPath(directories.active, baseName(path));
  return { ...resume, kind: 'checkpointer.hand-over', checkpoint: toCheckpointedPod(apiServer), manifest };
}

/**
 * The kinds `checkpointer.freeze`, `.thaw`, `.wake`, `.hand-over` and `.restart`; register them together, as they share the lock.
 *
 * One `perform` of freeze, edits and resume is one unit. A run that is killed in the middle leaves a stopped kubelet, no
 * lock, and its journal: the rollback freezes again, restores everything in between, and starts the kubelet if it ran
 * before.
 */
export function createFreezeChangeKinds(deps: {
  readonly host: FreezeHost;
  readonly clock: Clock;
}): readonly ChangeKind[] {
  const { host } = deps;
  const locks = new Map<string, HostLock>();
  const release = async (file: string): Promise<void> => {
    const lock = locks.get(file);
    locks.delete(file);
    await lock?.release();
  };
  const freeze = async (
    { target, lock, pods }: FreezeTarget,
    whileWaiting: WhileWaiting = (_what, wait) => wait(),
  ): Promise<void> => {
    await whileWaiting(`the kubelet and ${namesOf(pods)} to end`, async () => {
      if ((await host.services.status(target)) !== 'stopped') await host.services.act('stop', target);
      await waitForNoKubelet(target, deps);
      await endCheckpointedPods(pods, deps);
    });
    if (!locks.has(lock)) locks.set(lock, await takeLock(lock, deps));
  };
  const freezeKind: ChangeKind<CheckpointerFreeze> = {
    kind: 'checkpointer.freeze',
    // Files and objects are restored while no process reads or overwrites them.
    undoOrder: 'last',
    describe: ({ target, pods }) =>
      `stop the service ${target} and end ${namesOf(pods)}, so that no checkpointer overwrites the changes`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async ({ target }) => ({ was: await host.services.status(target) }),
    apply: (change, _material, whileWaiting) => freeze(change, whileWaiting),
    undo: async ({ target, lock }, captured) => {
      await release(lock);
      const { was } = captured as { readonly was: string };
      // Also for a crash loop, which the stopped service manager does not continue.
      if (was === 'stopped' || (await host.services.status(target)) === 'running') return { state: 'already' };
      await host.services.act('start', target);
      return { state: 'undone' };
    },
  };
  const resumeKind: ChangeKind<CheckpointerResume> = {
    kind: 'checkpointer.thaw',
    undoOrder: 'reverse',
    describe: ({ target }) => `let the checkpointers work, with the service ${target} running`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: async ({ target, lock }) => {
      await release(lock);
      await startService(target, host);
    },
    undo: async (change) => {
      await freeze(change);
      return { state: 'undone' };
    },
  };
  const wakeKind: ChangeKind<CheckpointerWake> = {
    kind: 'checkpointer.wake',
    undoOrder: 'reverse',
    describe: ({ target }) => `start the service ${target}, with the checkpointers still locked out`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: ({ target }) => startService(target, host),
    undo: async (change) => {
      await freeze(change);
      return { state: 'undone' };
    },
  };
  const restart = async (change: CheckpointerRestart, whileWaiting?: WhileWaiting): Promise<void> => {
    await freeze(change, whileWaiting);
    await release(change.lock);
    await startService(change.target, host);
  };
  const restartKind: ChangeKind<CheckpointerRestart> = {
    kind: 'checkpointer.restart',
    // Restores objects that were changed through the API server while it serves.
    undoOrder: 'last',
    describe: ({ target, pods }) => `restart the service ${target}, and ${namesOf(pods)} with it`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: (change, _material, whileWaiting) => restart(change, whileWaiting),
    undo: async (change) => {
      await restart(change);
      return { state: 'undone' };
    },
  };
  const handOverKind: ChangeKind<CheckpointerHandOver> = {
    kind: 'checkpointer.hand-over',
    undoOrder: 'reverse',
    describe: ({ checkpoint }) =>
      `hand over from the checkpoint of ${namesOf([checkpoint])} to the pod itself, and let the checkpointers work`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: async ({ target, lock, checkpoint, manifest }) => {
      await host.remove(hostPath(manifest), { watched: true });
      await endCheckpoint(checkpoint, deps);
      await release(lock);
      await startService(target, host);
    },
    undo: async (change) => {
      await freeze(change);
      return { state: 'undone' };
    },
  };
  return [freezeKind, resumeKind, wakeKind, handOverKind, restartKind] as readonly ChangeKind[];
}

/** A kubelet outside of the service would restart everything. */
async function waitForNoKubelet(
  service: string,
  { host, clock }: { readonly host: Pick<Host, 'processes'>; readonly clock: Clock },
): Promise<void> {
  const start = clock.now().getTime();
  for (;;) {
    const [kubelet] = await findKubelets({ host });
    if (kubelet === undefined) return;
    if (clock.now().getTime() - start >= STOP_TIMEOUT_MS) {
      throw new ManifestError({
        code: 'KUBELET_STILL_RUNNING',
        message: `a kubelet still runs although the service ${service} was stopped`,
        subject: `process ${kubelet.pid}`,
        hint: 'find its parent process, and give its service name with --kubelet-service',
      });
    }
    await clock.sleep(INTERVAL_MS);
  }
}

/** The kernel releases the lock of a killed checkpointer with a delay. */
async function takeLock(
  file: string,
  { host, clock }: { readonly host: FreezeHost; readonly clock: Clock },
): Promise<HostLock> {
  const path = hostPath(file);
  // A memory filesystem, empty after a reboot.
  if ((await host.stat(parentPath(path))) === undefined) {
    await host.makeDirectory(parentPath(path), { mode: DIRECTORY_MODE });
  }
  const start = clock.now().getTime();
  for (;;) {
    try {
      return await host.acquireLock(path, HOLDER);
    } catch (error) {
      const isLate = clock.now().getTime() - start >= LOCK_TIMEOUT_MS;
      if (isLate || !isRecoveryError(error, 'HOST_LOCKED')) throw error;
      await clock.sleep(INTERVAL_MS);
    }
  }
}

async function startService(name: string, host: Pick<Host, 'services'>): Promise<void> {
  if ((await host.services.status(name)) !== 'running') await host.services.act('start', name);
}

function namesOf(pods: readonly CheckpointedPod[]): string {
  return pods.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
}
