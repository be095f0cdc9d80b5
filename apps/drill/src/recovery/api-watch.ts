import type { Clock, Host } from '@kube-rescue/host';
import type { DrillNode } from '../rescue-command.ts';

/** The API server to poll and the CA to trust: paths are on the node, and a recovery may change the files meanwhile. */
export type ReadyQuestion =
  | { readonly url: string; readonly ca: string }
  /** URL and CA are read from the kubeconfig. */
  | { readonly kubeconfig: string };

/**
 * Requests `/readyz`, and trusts only the cluster's CA. Arguments: the URL and the CA. It uses curl, because a proof must be
 * independent of kube-rescue.
 */
const ASK = `ask() { curl --silent --max-time 5 --cacert "$2" "$1" | grep -qx ok; }`;

/** The same for a kubeconfig, which is read for each request. */
const ASK_KUBECONFIG = `part() { sed -n "s/^ *$1: *//p" "$2" | head -n 1; }
ask() {
  part certificate-authority-data "$1" | base64 -d > /run/kube-rescue-drill-ca.crt &&
  curl --silent --max-time 5 --cacert /run/kube-rescue-drill-ca.crt "$(part server "$1")/readyz" | grep -qx ok
}`;

const UNTIL_READY = 'until ask "$@"; do sleep 0.05; done';
/** Writes a line for each change: the time, and whether it is ready. */
const EACH_CHANGE = `: > /run/kube-rescue-drill-api
while :; do
  # An answer that is late on a busy machine is no outage, nor is a single one that is lost.
  if ask "$@" || { sleep 0.2; ask "$@"; }; then is=ready; else is=down; fi
  [ "$is" = "$was" ] || echo "$(date +%s.%3N) $is" >> /run/kube-rescue-drill-api
  was=$is
  sleep 0.2
done`;
const READ_CHANGES = 'cat /run/kube-rescue-drill-api; rm -f /run/kube-rescue-drill-api /run/kube-rescue-drill-ca.crt';
const TIMEOUT_MS = 15 * 60_000;

/**
 * Waits in the node's namespaces until its API server is ready and presents a valid certificate.
 *
 * @returns the seconds until then, or `undefined` when the signal ended the watch
 */
export async function watchForReadyApi(
  node: Pick<DrillNode, 'enter'>,
  question: ReadyQuestion,
  deps: { readonly host: Pick<Host, 'exec'>; readonly clock: Pick<Clock, 'now'>; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const { host, clock, signal } = deps;
  const started = clock.now().getTime();
  try {
    const { exitCode } = await host.exec([...node.enter(), ...scriptOf(question, UNTIL_READY)], {
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return exitCode === 0 ? (clock.now().getTime() - started) / 1000 : undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/**
 * Watches the API server until `ended`: since when it has been ready without a break.
 *
 * @returns `undefined` when it was not ready at the end
 */
export async function watchForUsableApi(
  node: Pick<DrillNode, 'enter'>,
  question: ReadyQuestion,
  ended: AbortSignal,
  { host }: { readonly host: Pick<Host, 'exec'> },
): Promise<Date | undefined> {
  try {
    await host.exec([...node.enter(), ...scriptOf(question, EACH_CHANGE)], { timeoutMs: TIMEOUT_MS, signal: ended });
  } catch (error) {
    if (!ended.aborted) throw error;
  }
  const { stdout } = await host.exec([...node.enter(), 'sh', '-c', READ_CHANGES], { timeoutMs: TIMEOUT_MS });
  const [time, state] = stdout.trim().split('\n').at(-1)?.split(' ') ?? [];
  return state === 'ready' ? new Date(Number(time) * 1000) : undefined;
}

function scriptOf(question: ReadyQuestion, loop: string): readonly string[] {
  const [ask, args] = 'url' in question ? [ASK, [question.url, question.ca]] : [ASK_KUBECONFIG, [question.kubeconfig]];
  return ['sh', '-c', `${ask}\n${loop}`, 'sh', ...args];
}
