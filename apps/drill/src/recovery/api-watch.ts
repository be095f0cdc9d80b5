import type { Clock, Host } from '@kube-rescue/host';
import type { DrillNode } from '../rescue-command.ts';

/** Where the API server is asked, and whom it is judged by: files of the node, which a recovery may change meanwhile. */
export type ReadyQuestion =
  | { readonly url: string; readonly ca: string }
  /** The CA is that which the kubeconfig embeds. */
  | { readonly kubeconfig: string };

/**
 * Asks `/readyz` every 50 ms, and trusts the cluster's CA only. Takes the URL and the CA as its arguments. curl, not our own
 * code: the drill needs a witness of its own.
 */
const POLL = `until curl --silent --max-time 2 --cacert "$2" "$1" | grep -qx ok; do sleep 0.05; done`;

/** The same; takes a kubeconfig, and reads it each time it asks. */
const POLL_KUBECONFIG = `part() { sed -n "s/^ *$1: *//p" "$2" | head -n 1; }
until part certificate-authority-data "$1" | base64 -d > /run/kube-rescue-drill-ca.crt &&
  curl --silent --max-time 2 --cacert /run/kube-rescue-drill-ca.crt "$(part server "$1")/readyz" | grep -qx ok
do sleep 0.05; done
rm -f /run/kube-rescue-drill-ca.crt`;
const TIMEOUT_MS = 15 * 60_000;

/**
 * Waits in the node's own namespaces until its API server says that it is ready, with a certificate that is valid now.
 *
 * @returns the seconds that took, or `undefined` when the signal ended the watch before
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
