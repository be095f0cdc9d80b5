import type { Clock, Host } from '@kube-rescue/host';
import type { EtcdKv } from './kv.ts';
import { type Alarm, type Member, type MemberStatus } from './member.ts';
import type { ServerIdentity } from '../transport/server-trust.ts';
import type { EtcdTls } from '../transport/tls-options.ts';

export interface EtcdOptions {
  /** Client URLs of one or more members of one cluster: `https://10.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  /** Required for https. */
  readonly tls?: EtcdTls | undefined;
  /** For a connection to one member. Default: 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** For one request to one member; in a stream, for each further chunk. Default: 10000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EtcdDeps {
  readonly host: Pick<Host, 'connect'>;
  readonly clock: Clock;
}

export interface MemberRequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A connection to an etcd cluster. */
export interface EtcdClient extends EtcdKv {
  /** In URL form. */
  readonly endpoints: readonly string[];
  /** The certificate that the member at `endpoint` presented; `undefined` without TLS. */
  serverIdentity(endpoint: string, options?: MemberRequestOptions): Promise<ServerIdentity | undefined>;
  /** The member list, even without quorum. */
  members(options?: MemberRequestOptions): Promise<readonly Member[]>;
  /** The status of one member, even without quorum. */
  status(endpoint: string, options?: MemberRequestOptions): Promise<MemberStatus>;
  /** Active alarms. Needs quorum; without quorum, `status` reports alarms in `errors`. */
  alarms(options?: MemberRequestOptions): Promise<readonly Alarm[]>;
  /** The database of the member at `endpoint` in chunks, followed by its SHA-256; with backpressure. */
  snapshot(endpoint: string, options?: MemberRequestOptions): AsyncIterable<Uint8Array>;
  /**
   * Removes a member for good, through the member at `endpoint`; sent once. etcd refuses what would cost its majority.
   * @param id hexadecimal
   * @throws EtcdError `ETCD_REFUSED`, also for an unknown id; `ETCD_NO_QUORUM`; `ETCD_OUTCOME_UNKNOWN`: list the members to decide
   */
  removeMember(endpoint: string, id: string, options?: MemberRequestOptions): Promise<void>;
  /**
   * Gives a learner its vote, through the member at `endpoint`; sent once. etcd refuses a learner that has not caught up.
   * @throws as `removeMember`
   */
  promoteMember(endpoint: string, id: string, options?: MemberRequestOptions): Promise<void>;
  /**
   * Makes another member the leader, through the leader at `endpoint`; sent once.
   * @param id hexadecimal
   * @throws as `removeMember`; `ETCD_REFUSED` also where the member at `endpoint` does not lead
   */
  moveLeader(endpoint: string, id: string, options?: MemberRequestOptions): Promise<void>;
  /** Closes the connections. */
  close(): void;
}
