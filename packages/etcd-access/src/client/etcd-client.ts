import type { Clock, Host } from '@kube-rescue/host';
import type { EtcdKv } from './kv.ts';
import { type Alarm, type Member, type MemberStatus } from './member.ts';
import type { ServerIdentity } from '../transport/server-trust.ts';
import type { EtcdTls } from '../transport/tls-options.ts';

export interface EtcdOptions {
  /** Client URLs of one or more members of one cluster: `https://10.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  /** Must be there for https. */
  readonly tls?: EtcdTls | undefined;
  /** For a connection to one member. Default: 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** For one request to one member; of a stream, for each further piece. Default: 10000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EtcdDeps {
  readonly host: Pick<Host, 'connect'>;
  readonly clock: Clock;
}

export interface MemberQuestion {
  readonly signal?: AbortSignal | undefined;
}

/** A connection to an etcd cluster. */
export interface EtcdClient extends EtcdKv {
  /** As they were given, in URL form. */
  readonly endpoints: readonly string[];
  /** The certificate that the member at `endpoint` presented; `undefined` without TLS. */
  serverIdentity(endpoint: string, question?: MemberQuestion): Promise<ServerIdentity | undefined>;
  /** The members that the cluster says it has, also without quorum. */
  members(question?: MemberQuestion): Promise<readonly Member[]>;
  /** What one member says of itself, also without quorum. */
  status(endpoint: string, question?: MemberQuestion): Promise<MemberStatus>;
  /** The alarms that are raised. Goes through etcd's log, so it needs quorum; `status` tells of alarms without. */
  alarms(question?: MemberQuestion): Promise<readonly Alarm[]>;
  /** The database of the member at `endpoint`, piece by piece, with its SHA-256 behind it; as fast as it is taken. */
  snapshot(endpoint: string, question?: MemberQuestion): AsyncIterable<Uint8Array>;
  /** Ends the connections. */
  close(): void;
}
