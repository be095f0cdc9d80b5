/** Seconds after which a request has failed: as client libraries have it, and more than a busy machine keeps one waiting. */
export const PATIENCE_S = 30;

/** Who asks, all the while: an administrator with what is in `admin.conf`, one whose credentials never change, a pod, a person. */
export type LoadClient = 'administrator' | 'unchanged client' | 'pod' | 'workload';

/** One request that was not answered as it should have been. */
export interface FailedRequest {
  readonly client: LoadClient;
  /** When it was asked; of a pod the second in which it was. */
  readonly at: Date;
  /** When it was known to have failed. */
  readonly until: Date;
  readonly reason: string;
}
