import { healthUrl, type StaticPod } from '@kube-rescue/node-config';
import { describeError, isRecoveryError, printable, redact } from '@kube-rescue/errors';
import type { Host, HttpAnswer } from '@kube-rescue/host';

/** The health of a component, by its own probe. */
export interface Health {
  /** `unknown`: the manifest has no HTTP probe that is reachable from the host. */
  readonly state: 'healthy' | 'unhealthy' | 'unknown';
  /** One line with request and answer, safe to print. */
  readonly evidence: string;
  /** Of the served certificate, upper-case hexadecimal. */
  readonly serialNumber?: string | undefined;
}

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_BODY_LENGTH = 200;

/**
 * Probes a component as its kubelet does: by the probe of the manifest, without verifying the certificate.
 *
 * Readiness before liveness; an API server is probed at `/readyz` even when its manifest has only `/livez`. An answer
 * of 401 or 403 counts as healthy, and the evidence says that the health itself is hidden.
 */
export async function askHealth(
  { pod, signal }: { readonly pod: StaticPod; readonly signal?: AbortSignal | undefined },
  { host }: { readonly host: Pick<Host, 'request'> },
): Promise<Health> {
  const url = healthUrl(pod);
  if (url === undefined)
    return { state: 'unknown', evidence: 'the manifest has no HTTP probe that is reachable from the host' };
  try {
    const answer = await host.request({ url, timeoutMs: REQUEST_TIMEOUT_MS, signal });
    return judge(url, answer);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRecoveryError(error, 'HOST_CONNECTION_FAILED')) throw error;
    return { state: 'unhealthy', evidence: `${url}: ${printable(describeError(error))}` };
  }
}

function judge(url: string, { status, body, peer }: HttpAnswer): Health {
  const serialNumber = peer?.serialNumber;
  const line = printable(redact(body.trim().split('\n', 1)[0] ?? '')).slice(0, MAX_BODY_LENGTH);
  const detail = line === '' ? '' : `: ${line}`;
  if (status === 401 || status === 403) {
    return { state: 'healthy', evidence: `${url} answers ${status}: it serves, but hides its health`, serialNumber };
  }
  // The rule of the kubelet.
  const state = status >= 200 && status < 400 ? 'healthy' : 'unhealthy';
  return { state, evidence: `${url} answers ${status}${detail}`, serialNumber };
}
