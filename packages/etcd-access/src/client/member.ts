/** A member as the cluster knows it. */
export interface Member {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What a member says of itself. */
export interface MemberStatus {
  readonly id: string;
  readonly version: string;
  /** Id of the leader that it follows; `undefined` when it knows none. */
  readonly leader: string | undefined;
  readonly raftTerm: bigint;
  /** Last entry of the log that is committed, as far as it knows. */
  readonly raftIndex: bigint;
  /** Last entry that is in its database. 0n before etcd 3.4. */
  readonly raftAppliedIndex: bigint;
  /** Revision of its database. */
  readonly revision: bigint;
  /** Bytes of the file, free pages included. */
  readonly dbSize: number;
  /** Bytes in use. 0 before etcd 3.4. */
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  /** What it complains of, for example a missing leader or an alarm. */
  readonly errors: readonly string[];
}

export type AlarmKind = 'NOSPACE' | 'CORRUPT' | 'UNKNOWN';

export interface Alarm {
  /** Id of the member that it is about. */
  readonly member: string;
  readonly kind: AlarmKind;
}
