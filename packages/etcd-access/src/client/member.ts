/** An entry of the member list. */
export interface Member {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  /** Empty until the first start of the member. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Status reported by a member. */
export interface MemberStatus {
  readonly id: string;
  readonly version: string;
  /** Id of its leader; `undefined` without a leader. */
  readonly leader: string | undefined;
  readonly raftTerm: bigint;
  /** Last committed log entry known to the member. */
  readonly raftIndex: bigint;
  /** Last applied log entry. 0n before etcd 3.4. */
  readonly raftAppliedIndex: bigint;
  /** Revision of its database. */
  readonly revision: bigint;
  /** File size in bytes, including free pages. */
  readonly dbSize: number;
  /** Bytes in use. 0 before etcd 3.4. */
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  /** Reported errors, for example a missing leader or an alarm. */
  readonly errors: readonly string[];
}

export type AlarmKind = 'NOSPACE' | 'CORRUPT' | 'UNKNOWN';

export interface Alarm {
  /** Id of the member. */
  readonly member: string;
  readonly kind: AlarmKind;
}
