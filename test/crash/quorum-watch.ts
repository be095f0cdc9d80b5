import type { Cluster, LabDeps } from '@kube-rescue/lab';

interface QuorumWatch {
  /** Ends it. @returns when fewer members than a majority answered, after a majority had worked */
  stop(): Promise<readonly string[]>;
}

const INTERVAL_MS = 500;
const TIMEOUT_MS = 5_000;
/** A member of a busy machine may be late once; a member that was stopped is away for longer. */
const SAMPLES = 3;
/** etcd's metrics port, as kubeadm sets it, on the loopback address of each node; `serializable`: this member alone answers. */
const HEALTH = 'http://127.0.0.1:2381/health';

/** Asks every member of etcd by itself, from its own node, twice a second, until it is stopped. */
export function watchQuorum({ controlPlanes }: Pick<Cluster, 'controlPlanes'>, { host, clock }: LabDeps): QuorumWatch {
  const needed = Math.floor(controlPlanes.length / 2) + 1;
  const count = async (url: string): Promise<number> => {
    const answers = await Promise.all(
      controlPlanes.map(({ enter }) => {
        const argv = [...enter(), 'curl', '--silent', '--max-time', '2', url] as const;
        return host.exec(argv, { timeoutMs: TIMEOUT_MS }).then(
          ({ stdout }) => stdout,
          () => '',
        );
      }),
    );
    return answers.filter((answer) => answer.includes('"health":"true"')).length;
  };
  const losses: string[] = [];
  const state = { isOver: false, hadMajority: false };
  const watch = async (): Promise<void> => {
    let below = 0;
    while (!state.isOver) {
      if (!state.hadMajority) state.hadMajority = (await count(HEALTH)) >= needed;
      else {
        const answering = await count(`${HEALTH}?serializable=true`);
        below = answering < needed ? below + 1 : 0;
        if (below === SAMPLES) {
          losses.push(
            `${clock.now().toISOString()}: ${answering} of ${controlPlanes.length} members answered, ${needed} are needed`,
          );
        }
      }
      await clock.sleep(INTERVAL_MS);
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      state.isOver = true;
      await watching;
      return [...losses, ...(state.hadMajority ? [] : ['no majority was seen before the end'])];
    },
  };
}
