import type { Cluster, LabDeps } from '@kube-rescue/lab';

/** The outage of an API server, as a client on its node sees it. */
export interface Outage {
  /** From the first request that fails to the last that does, and the next good one. 0 when none failed. */
  readonly seconds: number;
}

/** A line for each change: the time, and whether `/readyz` is ok. It uses curl, because a measurement must be independent of kube-rescue. */
const WATCH = `was=ready
while :; do
  asked=$(date +%s.%3N)
  if curl --silent --max-time 1 --cacert /etc/kubernetes/pki/ca.crt "$1" | grep -qx ok; then is=ready; else is=down; fi
  if [ "$is" != "$was" ]; then
    [ "$is" = down ] && echo "$asked down" || echo "$(date +%s.%3N) ready"
  fi
  was=$is
  sleep 0.05
done`;
const TIMEOUT_MS = 15 * 60_000;

/** Asks `/readyz` twenty times a second while `work` runs, each time on a new connection. */
export async function measureOutage(cluster: Cluster, deps: LabDeps, work: () => Promise<void>): Promise<Outage> {
  const ended = new AbortController();
  const lines: string[] = [];
  const url = `https://${cluster.node.address}:6443/readyz`;
  const watching = deps.host.exec([...cluster.enter(), 'sh', '-c', `(${WATCH}) >&2`, 'sh', url], {
    timeoutMs: TIMEOUT_MS,
    signal: ended.signal,
    onErrorLine: (line) => lines.push(line),
  });
  watching.catch(() => undefined);
  try {
    await work();
    // The last change is written right after its request.
    await deps.clock.sleep(2_000);
  } finally {
    ended.abort();
    await Promise.allSettled([watching]);
  }
  return { seconds: secondsOf(lines) };
}

function secondsOf(lines: readonly string[]): number {
  const changes = lines.map((line) => line.split(' ')).map(([time, state]) => ({ time: Number(time), state }));
  const first = changes.find(({ state }) => state === 'down');
  const last = changes.at(-1);
  if (first === undefined || last === undefined) return 0;
  if (last.state !== 'ready') throw new Error(`the API server does not answer at the end: ${lines.join('; ')}`);
  return last.time - first.time;
}
