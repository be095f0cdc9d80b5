/**
 * How a call failed, on the level of the transport.
 *
 * `status`: etcd sent a gRPC status. `cut`: the connection ended. `timeout`: no response in time. `foreign`: the server
 * does not speak gRPC. `too-large`: the response is over the limit.
 */
export type CallFailureKind = 'status' | 'cut' | 'timeout' | 'foreign' | 'too-large';

export interface CallFailureDetails {
  readonly kind: CallFailureKind;
  readonly message: string;
  /** gRPC status code, for `status`. */
  readonly status?: number | undefined;
  /** False when the server certainly did not process the call. */
  readonly delivered: boolean;
  readonly cause?: unknown;
}

/** Internal to the transport: every caller translates it to an `EtcdError`. */
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
