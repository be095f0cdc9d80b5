/**
 * How a call failed, before it is known what that means for whoever made it.
 *
 * `status`: etcd answered with a gRPC status. `cut`: the connection ended. `timeout`: no answer in time. `foreign`: what
 * answers does not speak gRPC. `too-large`: the answer is over the bound.
 */
export type CallFailureKind = 'status' | 'cut' | 'timeout' | 'foreign' | 'too-large';

export interface CallFailureDetails {
  readonly kind: CallFailureKind;
  readonly message: string;
  /** gRPC status code, for `status`. */
  readonly status?: number | undefined;
  /** False when the server certainly did not act on the call. */
  readonly delivered: boolean;
  readonly cause?: unknown;
}

/** Internal to the transport: every caller turns it into an `EtcdError`. */
export class CallFailure extends Error {
  readonly kind: CallFailureKind;
  readonly status: number | undefined;
  readonly delivered: boolean;

  constructor({ kind, message, status, delivered, cause }: CallFailureDetails) {
    super(message, { cause });
    this.name = 'CallFailure';
    this.kind = kind;
    this.status = status;
    this.delivered = delivered;
  }
}
