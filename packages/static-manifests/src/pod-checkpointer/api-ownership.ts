import { describeError, isRecoveryError, printable, redact } from '@kube-rescue/errors';
import type { Host, HttpAnswer, ProcessInfo } from '@kube-rescue/host';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointFlags } from './checkpoint-flags.ts';
import { findListener } from './port-owner.ts';
import type { ListenerHost } from '../running/tcp-listeners.ts';
import { findPodProcesses, type PodProcessHost, toCheckpointedPod } from './pod-processes.ts';

/** The pod that answers at the API server's port, and its health. */
export interface ApiServerStatus {
  /** `parent`: the pod that the API server itself knows. `checkpoint`: the copy that will hand over. */
  readonly by: 'parent' | 'checkpoint' | 'neither';
  /** The parent's API server. */
  readonly process: ProcessInfo | undefined;
  readonly isHealthy: boolean;
  /** Of the served certificate, upper-case hexadecimal. */
  readonly serialNumber: string | undefined;
  /** Request and answer, safe to print. */
  readonly evidence: string;
}

const REQUEST_TIMEOUT_MS = 5_000;
const DEFAULT_SECURE_PORT = '6443';
const ANY_ADDRESS = ['0.0.0.0', '::', ''];

/**
 * Asks the API server of this node whether it is ready, and finds the process that answers.
 *
 * Does not verify its certificate. An answer of 401 or 403 counts as healthy.
 */
export async function observeApiServer(
  { checkpoint, signal }: { readonly checkpoint: Checkpoint; readonly signal?: AbortSignal | undefined },
  { host }: { readonly host: PodProcessHost & ListenerHost & Pick<Host, 'request'> },
): Promise<ApiServerStatus> {
  const pod = toCheckpointedPod(checkpoint);
  const before = await findPodProcesses(pod, { host });
  const url = apiServerUrl(checkpoint);
  const answer = await ask(`${url}/readyz`, host, signal);
  // Older than 1.16.
  const answered = answer.status === 404 ? await ask(`${url}/healthz`, host, signal) : answer;
  const after = await findPodProcesses(pod, { host });
  // The kubelet started the first process of the container; the others are its children.
  const [process] = after.parent
    .filter(({ pid }) => before.parent.some((each) => each.pid === pid))
    .toSorted((a, b) => a.startTicks - b.startTicks);
  // A process that has handed over runs until its grace period ends, but no longer listens.
  const port = securePortOf(checkpoint);
  const isCopyRunning = before.checkpoint.length + after.checkpoint.length > 0;
  const listener = isCopyRunning ? await findListener(port, [...after.parent, ...after.checkpoint], host) : process;
  const isParents = process !== undefined && (!isCopyRunning || listener?.pid === process.pid);
  const status = answered.status ?? 0;
  return {
    by: isParents ? 'parent' : isCopyRunning ? 'checkpoint' : 'neither',
    process,
    isHealthy: (status >= 200 && status < 400) || status === 401 || status === 403,
    serialNumber: answered.serialNumber,
    evidence: answered.evidence,
  };
}

/** The port of a checkpointed API server. */
export function securePortOf({ pod }: Checkpoint): number {
  return Number(pod.main.flags.get('secure-port') ?? DEFAULT_SECURE_PORT);
}

function apiServerUrl(checkpoint: Checkpoint): string {
  const flags = checkpointFlags(checkpoint)?.flags ?? checkpoint.pod.main.flags;
  const bound = flags.get('bind-address') ?? '';
  const address = ANY_ADDRESS.includes(bound) ? '127.0.0.1' : bound;
  return `https://${address.includes(':') ? `[${address}]` : address}:${flags.get('secure-port') ?? DEFAULT_SECURE_PORT}`;
}

async function ask(
  url: string,
  host: Pick<Host, 'request'>,
  signal: AbortSignal | undefined,
): Promise<{
  readonly status: number | undefined;
  readonly serialNumber: string | undefined;
  readonly evidence: string;
}> {
  try {
    const answer: HttpAnswer = await host.request({ url, timeoutMs: REQUEST_TIMEOUT_MS, signal });
    const line = printable(redact(answer.body.trim().split('\n', 1)[0] ?? '')).slice(0, 200);
    const evidence = `${url} answers ${answer.status}${line === '' ? '' : `: ${line}`}`;
    return { status: answer.status, serialNumber: answer.peer?.serialNumber, evidence };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRecoveryError(error, 'HOST_CONNECTION_FAILED')) throw error;
    const evidence = `${url}: ${printable(describeError(error))}`;
    return { status: undefined, serialNumber: undefined, evidence };
  }
}
