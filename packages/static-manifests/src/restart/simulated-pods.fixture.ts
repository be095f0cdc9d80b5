/** Milliseconds, as observed on Kubernetes 1.37.2. */
const STARTS_AFTER = 1_500;
const CLOSES_AFTER = 200;
/** An API server without etcd closes its port only then: it first removes its address from the cluster. */
const CLOSES_WITHOUT_ETCD = 20_000;
/** etcd waits that long for the watches of an API server. */
const ETCD_WAITS = 7_000;
/** An API server waits that long for its watches, which never drain (k8s.io/apiserver `pkg/server/config.go` RequestTimeout). */
const DRAINS_FOR = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

/** The main process of a pod. */
export interface SimulatedContainer {
  readonly name: string;
  readonly uid: string;
  readonly pid: number;
  readonly startedAt: number;
  servesAt: number;
  closesAt: number;
  endsAt: number;
  isAsked: boolean;
}

/** What is wrong with a process: it ends at once, or it opens its port and cannot be used. */
export type Flaw = 'crashes' | 'is unusable';

/**
 * Control-plane processes: one opens its port after a while, ends when another one has it, closes it when it is asked to end, and ends
 * some time later. `violations` lists what must not happen: SIGKILL for etcd, or for a process that serves and is usable.
 */
export function createSimulatedPods(findFlaw: (uid: string) => Flaw | undefined) {
  const containers: SimulatedContainer[] = [];
  const violations: string[] = [];
  let pid = 100;
  const running = (now: number): readonly SimulatedContainer[] => containers.filter(({ endsAt }) => endsAt > now);
  const isServing = ({ servesAt, closesAt, endsAt }: SimulatedContainer, now: number): boolean =>
    servesAt <= now && closesAt > now && endsAt > now;
  const isUsable = (each: SimulatedContainer, now: number): boolean =>
    isServing(each, now) && findFlaw(each.uid) === undefined;
  const hasEtcd = (now: number): boolean =>
    containers.some((each) => each.name === 'etcd' && !each.isAsked && isUsable(each, now));
  return {
    containers,
    violations,
    running,
    isServing,
    isUsable,
    start(name: string, uid: string, now: number): void {
      pid += 1;
      const later = { servesAt: NEVER, closesAt: NEVER, endsAt: NEVER };
      containers.push({ name, uid, pid, startedAt: now, ...later, isAsked: false });
    },
    /** SIGTERM. */
    ask(container: SimulatedContainer, now: number): void {
      const { name, isAsked } = container;
      container.isAsked = true;
      if (name === 'etcd') {
        if (!isAsked) container.endsAt = Math.min(container.endsAt, now + ETCD_WAITS);
      } else if (name === 'kube-apiserver' && !isAsked) {
        container.closesAt = now + (hasEtcd(now) ? CLOSES_AFTER : CLOSES_WITHOUT_ETCD);
        container.endsAt = container.closesAt + DRAINS_FOR;
      } else {
        // The second signal ends it at once (k8s.io/apiserver `pkg/server/signal.go`).
        container.endsAt = isAsked ? now : now + CLOSES_AFTER;
      }
    },
    /** SIGKILL, by `killer`. */
    kill(container: SimulatedContainer, killer: string, now: number): void {
      if (container.endsAt <= now) return;
      if (container.name === 'etcd' || isUsable(container, now)) violations.push(`${killer} killed ${container.name}`);
      container.endsAt = now;
    },
    tick(now: number): void {
      for (const each of running(now)) {
        const others = running(now).filter((other) => other !== each);
        if (each.servesAt === NEVER && !each.isAsked && now >= each.startedAt + STARTS_AFTER) {
          const isTaken = others.some((other) => other.name === each.name && isServing(other, now));
          if (isTaken || findFlaw(each.uid) === 'crashes') each.endsAt = now;
          else if (each.name !== 'kube-apiserver' || hasEtcd(now)) each.servesAt = now;
        }
        const isWatched = others.some(({ name, closesAt }) => name === 'kube-apiserver' && closesAt > now);
        if (each.name === 'etcd' && each.isAsked && !isWatched) each.endsAt = Math.min(each.endsAt, now + CLOSES_AFTER);
      }
    },
  };
}

export type SimulatedPods = ReturnType<typeof createSimulatedPods>;
