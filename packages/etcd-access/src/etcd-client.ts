import type { Clock, Host } from '@kube-rescue/host';
import { ClusterCalls } from './cluster-calls.ts';
import { parseEndpoint } from './endpoint.ts';
import { EtcdError } from './errors.ts';
import { createEtcdKv } from './etcd-kv.ts';
import type { EtcdKv } from './kv.ts';
import { MemberCalls } from './member-calls.ts';
import { type Alarm, createMaintenance, type Member, type MemberStatus } from './maintenance.ts';
import type { ServerIdentity } from './server-trust.ts';
import type { EtcdTls } from './tls-options.ts';

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

const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Connects to etcd, to the first of the endpoints that answers and is believed.
 *
 * A server is believed when the given CA vouches for it, its name is that of the endpoint and no certificate has expired; see
 * {@link EtcdTls} for the one exception. What that does not guarantee: that the cluster has quorum.
 *
 * @throws EtcdError `ETCD_ENDPOINT_INVALID` `ETCD_CREDENTIALS_INVALID` `ETCD_UNREACHABLE` `ETCD_TIMEOUT` `ETCD_NOT_ETCD`
 * `ETCD_TLS_UNTRUSTED` `ETCD_NAME_MISMATCH` `ETCD_SERVER_EXPIRED` `ETCD_CLIENT_REJECTED`
 */
export async function openEtcd(options: EtcdOptions, { host, clock }: EtcdDeps): Promise<EtcdClient> {
  const { tls, connectTimeoutMs = CONNECT_TIMEOUT_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS, signal } = options;
  const endpoints = options.endpoints.map((each) => parseEndpoint(each).url);
  if (endpoints.length === 0) throw noEndpoint();
  const members = new MemberCalls({ tls, connectTimeoutMs, requestTimeoutMs }, { host, clock });
  const cluster = new ClusterCalls(endpoints, clock);
  try {
    await cluster.call({ isWrite: false, signal }, (endpoint) => members.session(endpoint, signal));
  } catch (error) {
    members.close();
    throw error;
  }
  return {
    endpoints,
    ...createEtcdKv({ cluster, members }),
    ...createMaintenance({ cluster, members }),
    close: () => members.close(),
  };
}

function noEndpoint(): EtcdError {
  return new EtcdError({
    code: 'ETCD_ENDPOINT_INVALID',
    message: 'cannot connect to etcd: no endpoint was given',
    subject: 'endpoints',
    hint: 'give at least one, as https://ADDRESS:2379',
  });
}
