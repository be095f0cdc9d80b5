import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { ControlPlaneComponent } from '../controllers/component.ts';
import { toPod } from '../pods/pod.ts';
import { hostnameOf, type Leader } from './leader-election.ts';

/** This machine, as far as it proves that the holder of a lock has ended. */
export interface HolderMachine {
  /** The name of its Node. */
  readonly node: string;
  /** As Go's `os.Hostname` reads it. */
  readonly hostname: string;
  /** When the running processes of a component started; `undefined` when that cannot be told. */
  readonly startsOf: (component: ControlPlaneComponent) => Promise<readonly Date[] | undefined>;
}

/** Remembers since when locks have not been renewed, over all looks of one recovery. */
export interface LockWatch {
  /** When this state of the lock was seen first: now, or at an earlier look. */
  seenSince(leader: Leader): Date;
}

export function createLockWatch({ now }: Pick<Clock, 'now'>): LockWatch {
  const seen = new Map<string, Date>();
  return {
    seenSince: ({ lock, holder, renewedAt }) => {
      const state = `${lock} ${holder} ${renewedAt.toISOString()}`;
      const since = seen.get(state) ?? now();
      seen.set(state, since);
      return since;
    },
  };
}

/** Start times are known to within a second or so. */
const START_ERROR_MS = 2_000;

/**
 * Proves that the holder of a lock has ended, or says why not: its process would have run on this machine when it renewed the lock
 * last, and none of that age runs; its pod is gone and its time is up; or the lock has not been renewed for its whole duration while
 * we watched, after which any candidate takes it (client-go `leaderelection`, tryAcquireOrRenew).
 *
 * Proves nothing about a holder on another machine that renews.
 *
 * @throws ObjectError as `ObjectStore.get`
 */
export async function judgeHolder(
  {
    leader,
    component,
    podNamespace,
  }: { readonly leader: Leader; readonly component: ControlPlaneComponent; readonly podNamespace: string },
  deps: {
    readonly store: Pick<ObjectStore, 'get'>;
    readonly clock: Pick<Clock, 'now'>;
    readonly machine: HolderMachine;
    readonly watch: LockWatch;
  },
  signal: AbortSignal,
): Promise<{ readonly ended: string } | { readonly running: string }> {
  const { store, clock, machine, watch } = deps;
  const now = clock.now().getTime();
  const since = watch.seenSince(leader).getTime();
  const renewed = leader.renewedAt.toISOString();
  if (now - since >= leader.durationMs) {
    return { ended: `${leader.lock} was last renewed at ${renewed}, and not for ${seconds(now - since)} since then` };
  }
  const hostname = hostnameOf(leader);
  const named = await store.get({ kind: RESOURCE_KINDS.Pod, namespace: podNamespace, name: hostname }, { signal });
  const pod = named === undefined ? undefined : toPod(named.object);
  const isHere = pod === undefined ? hostname === machine.hostname : pod.node === machine.node;
  if (isHere) {
    const starts = await machine.startsOf(component);
    if (starts === undefined)
      return { running: `the start of the processes of ${component} on this machine is unknown` };
    const old = starts.filter((start) => start.getTime() - START_ERROR_MS <= leader.renewedAt.getTime());
    if (old.length > 0) return { running: `a process of ${component} that is old enough runs on this machine` };
    const others = starts.length === 0 ? 'none runs here' : 'those that run here started later';
    return { ended: `${leader.holder} renewed at ${renewed} on this machine; of its processes ${others}` };
  }
  if (pod !== undefined) return { running: `its pod is on ${pod.node ?? 'no node'}` };
  const node = await store.get({ kind: RESOURCE_KINDS.Node, name: hostname }, { signal });
  if (node !== undefined) return { running: `it ran on the node ${hostname}` };
  if (now - leader.renewedAt.getTime() < leader.durationMs) return { running: `it renewed at ${renewed}` };
  return { ended: `the pod ${hostname} is gone, and ${leader.lock} was last renewed at ${renewed}` };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
