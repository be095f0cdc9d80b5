/** Timeout of a request in seconds: as in client libraries, and longer than the delays of a busy machine. */
export const REQUEST_TIMEOUT_S = 30;

/**
 * The clients of the load: an administrator with the current `admin.conf`, a client whose credentials never change, a pod,
 * and an HTTP client of the workload.
 */
export type LoadClient = 'administrator' | 'unchanged client' | 'pod' | 'workload';

/** One failed request. */
export interface FailedRequest {
  readonly client: LoadClient;
  /** The start of the request; to the second for a pod. */
  readonly at: Date;
  /** The time of the failure. */
  readonly until: Date;
  readonly reason: string;
}
