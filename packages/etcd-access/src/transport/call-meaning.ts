import type { CallFailure, CallFailureKind } from './call-failure.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

interface Meaning {
  readonly code: EtcdErrorCode;
  readonly hint: string;
}

export interface CallContext {
  /** The member's URL. */
  readonly endpoint: string;
  /** The call may change data. */
  readonly isWrite: boolean;
}

/** By etcd's message, for statuses after which certainly nothing was changed. */
const REFUSALS: readonly (readonly [said: RegExp, meaning: Meaning])[] = [
  [
    /has been compacted/,
    { code: 'ETCD_COMPACTED', hint: 'the revision was compacted: read again at the newest revision' },
  ],
  [
    /database space exceeded/,
    { code: 'ETCD_NO_SPACE', hint: 'compact, defragment and disarm the alarm: etcdctl compact, defrag, alarm disarm' },
  ],
  [
    /request is too large|larger than max/,
    { code: 'ETCD_TOO_LARGE', hint: 'etcd accepts requests up to its --max-request-bytes, by default 1.5 MiB' },
  ],
  [/no leader/, { code: 'ETCD_NO_QUORUM', hint: 'restore enough members for a majority' }],
  // Before it proposes a change of the members (etcd, `server/etcdserver/server.go` mayRemoveMember).
  [
    /unhealthy cluster|not enough started members/,
    { code: 'ETCD_REFUSED', hint: 'etcd keeps its majority: start the members that are down first' },
  ],
  [/too many requests/, { code: 'ETCD_BUSY', hint: 'wait until etcd has caught up, then try again' }],
  [/corrupt/, { code: 'ETCD_CORRUPT', hint: 'restore the member from the others, or the cluster from a snapshot' }],
  [
    /permission denied|user name|auth token|authentication/,
    {
      code: 'ETCD_CLIENT_REJECTED',
      hint: 'this etcd has user authentication: use a client certificate of a user with permission',
    },
  ],
];

const DEADLINE_EXCEEDED = 4;
/** Statuses after which the change may have been made: cancelled, unknown, deadline, aborted, internal, unavailable. */
const UNDECIDED: readonly number[] = [1, 2, DEADLINE_EXCEEDED, 10, 13, 14, 15];

const WITHOUT_STATUS: Readonly<Record<Exclude<CallFailureKind, 'status'>, Meaning>> = {
  cut: { code: 'ETCD_UNREACHABLE', hint: 'check that etcd still runs, and its log' },
  timeout: { code: 'ETCD_TIMEOUT', hint: 'check that the members have a majority, and the log for slow disks' },
  foreign: { code: 'ETCD_NOT_ETCD', hint: 'check the port: etcd serves clients on 2379' },
  'too-large': { code: 'ETCD_TOO_LARGE', hint: 'request fewer keys at once' },
};

/** Translates the failure of a call to an error for its caller. */
export function etcdErrorOf(failure: CallFailure, { endpoint, isWrite }: CallContext): EtcdError {
  const { code, hint } = meaningOf(failure, isWrite);
  const message =
    code === 'ETCD_OUTCOME_UNKNOWN' ? `outcome of the write unknown: ${failure.message}` : failure.message;
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
  if (/timed out/.test(message)) return { code: 'ETCD_NO_QUORUM', hint: 'check that the members have a majority' };
  if (status === DEADLINE_EXCEEDED) return { code: 'ETCD_TIMEOUT', hint: 'check that the members have a majority' };
  if (UNDECIDED.includes(status)) return { code: 'ETCD_UNREACHABLE', hint: 'see the log of this member' };
  return { code: 'ETCD_REFUSED', hint: 'see the log of this member' };
}
