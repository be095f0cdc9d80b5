import type { Clock, Host } from '@kube-rescue/host';
import type { DrillNode } from '../rescue-command.ts';

/** The API server to poll and the CA to trust: paths are on the node, and a recovery may change the files meanwhile. */
export type ReadyQuestion =
  | { readonly url: string; readonly ca: string }
  /** URL and CA are read from the kubeconfig. */
  | { readonly kubeconfig: string };

/**
 * Requests `/readyz` every 50 ms, and trusts only the cluster's CA. Arguments: the URL and the CA. It uses curl, because a
 * proof must be independent of kube-rescue.
 */
const POLL = `until curl --silent --max-time 2 --cacert "$2" "$1" | grep -qx ok; do sleep 0.05; done`;

/** The same for a kubeconfig, which is read for each request. */
const POLL_KUBECONFIG = `part() { sed -n "s/^ *$1: *//p" "$2" | head -n 1; }
until part certificate-authority-data "$1" | base64 -d > /run/kube-rescue-drill-ca.crt &&
  curl --silent --max-time 2 --cacert /run/kube-rescue-drill-ca.crt "$(part server "$1")/readyz" | grep -qx ok
do sleep 0.05; done
rm -f /run/kube-rescue-drill-ca.crt`;
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
    const script =
      'url' in question ? [POLL, 'sh', question.url, question.ca] : [POLL_KUBECONFIG, 'sh', question.kubeconfig];
    const { exitCode } = await host.exec([...node.enter(), 'sh', '-c', ...script], {
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return exitCode === 0 ? (clock.now().getTime() - started) / 1000 : undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
