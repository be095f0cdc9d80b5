import type { Clock, Host } from '@kube-rescue/host';
import type { DrillNode } from './rescue-command.ts';

/**
 * Asks `/readyz` every 50 ms, and trusts the cluster's CA only. Takes the URL as its argument. curl, not our own code: the
 * drill needs a witness of its own.
 */
const POLL = `until curl --silent --max-time 2 --cacert /etc/kubernetes/pki/ca.crt "$1" | grep -qx ok; do sleep 0.05; done`;
const TIMEOUT_MS = 15 * 60_000;

/**
 * Waits in the node's own namespaces until its API server says that it is ready, with a certificate that is valid now.
 *
 * @returns the seconds that took, or `undefined` when the signal ended the watch before
 */
export async function watchForReadyApi(
  node: Pick<DrillNode, 'enter'>,
  url: string,
  deps: { readonly host: Pick<Host, 'exec'>; readonly clock: Pick<Clock, 'now'>; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const { host, clock, signal } = deps;
  const started = clock.now().getTime();
  try {
    const { exitCode } = await host.exec([...node.enter(), 'sh', '-c', POLL, 'sh', url], {
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return exitCode === 0 ? (clock.now().getTime() - started) / 1000 : undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
