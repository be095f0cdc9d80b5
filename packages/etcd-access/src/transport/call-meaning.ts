import type { CallFailure, CallFailureKind } from './call-failure.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

interface Meaning {
  readonly code: EtcdErrorCode;
  readonly hint: string;
}

export interface CallContext {
  /** The member's URL. */
  readonly endpoint: string;
  /** Something may have been changed by the call. */
  readonly isWrite: boolean;
}

/** By what etcd says, for statuses that tell for certain that nothing was done. */
const REFUSALS: readonly (readonly [said: RegExp, meaning: Meaning])[] = [
  [/has been compacted/, { code: 'ETCD_COMPACTED', hint: 'that revision is gone: read again, from the newest one' }],
  [
    /database space exceeded/,
    { code: 'ETCD_NO_SPACE', hint: 'compact, defragment and disarm the alarm: etcdctl compact, defrag, alarm disarm' },
  ],
  [
    /request is too large|larger than max/,
    { code: 'ETCD_TOO_LARGE', hint: 'etcd takes requests up to its --max-request-bytes, by default 1.5 MiB' },
  ],
  [/no leader/, { code: 'ETCD_NO_QUORUM', hint: 'bring back enough members for a majority' }],
  [/too many requests/, { code: 'ETCD_BUSY', hint: 'wait until etcd has caught up and try again' }],
  [/corrupt/, { code: 'ETCD_CORRUPT', hint: 'restore the member from the others, or the cluster from a snapshot' }],
  [
    /permission denied|user name|auth token|authentication/,
    { code: 'ETCD_CLIENT_REJECTED', hint: 'etcd has its own users here: give a client certificate for one that may' },
  ],
];

const DEADLINE_EXCEEDED = 4;
/** Statuses that do not rule out that the change was made: cancelled, unknown, deadline, aborted, internal, unavailable. */
const UNDECIDED: readonly number[] = [1, 2, DEADLINE_EXCEEDED, 10, 13, 14, 15];

const WITHOUT_STATUS: Readonly<Record<Exclude<CallFailureKind, 'status'>, Meaning>> = {
  cut: { code: 'ETCD_UNREACHABLE', hint: 'look whether etcd still runs, and in its log' },
  timeout: { code: 'ETCD_TIMEOUT', hint: 'look whether the members have a majority, and in the log for slow disks' },
  foreign: { code: 'ETCD_NOT_ETCD', hint: 'check the port: clients of etcd go to 2379' },
  'too-large': { code: 'ETCD_TOO_LARGE', hint: 'ask for fewer keys at once' },
};

/** What the failure of a call means for whoever made it. */
export function etcdErrorOf(failure: CallFailure, { endpoint, isWrite }: CallContext): EtcdError {
  const { code, hint } = meaningOf(failure, isWrite);
  const message =
    code === 'ETCD_OUTCOME_UNKNOWN'
      ? `it is not known whether the write was made: ${failure.message}`
      : failure.message;
  return new EtcdError({ code, message, subject: endpoint, hint, cause: failure });
}

function meaningOf({ kind, status, message, delivered }: CallFailure, isWrite: boolean): Meaning {
  const refusal = kind === 'status' ? REFUSALS.find(([said]) => said.test(message))?.[1] : undefined;
  if (refusal !== undefined) return refusal;
  const isUndecided = kind !== 'status' || UNDECIDED.includes(status ?? 0);
  if (isWrite && delivered && isUndecided) {
    return { code: 'ETCD_OUTCOME_UNKNOWN', hint: 'read the key to see whether the write was made, then decide' };
  }
  return kind === 'status' ? statusMeaning(status ?? 0, message) : WITHOUT_STATUS[kind];
}

function statusMeaning(status: number, message: string): Meaning {
  if (/timed out/.test(message)) return { code: 'ETCD_NO_QUORUM', hint: 'look whether the members have a majority' };
  if (status === DEADLINE_EXCEEDED) return { code: 'ETCD_TIMEOUT', hint: 'look whether the members have a majority' };
  if (UNDECIDED.includes(status)) return { code: 'ETCD_UNREACHABLE', hint: 'look in the log of this member' };
  return { code: 'ETCD_REFUSED', hint: 'look in the log of this member' };
}
